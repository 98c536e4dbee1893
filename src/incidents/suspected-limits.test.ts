import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { endpointOf, eventAt, incidentOf, ranking } from './ranking.test-support.ts';

const gone = incidentOf('gone', [['reset_before_response', 9]]);
const slow = incidentOf('slow', [['response_head_timeout', 9]]);
const endpoints = [endpointOf('app/1')];

describe('an application that ended', () => {
  const words = (line: string, more: object = {}) =>
    ranking(gone, {
      watched: { application: 'app', endpoints },
      events: [
        eventAt(-40, {
          ...{ kind: 'instance_exited', subject: 'instance:app/1', from: 'ready', reason: 'exited with code 1' },
          evidence: {
            pid: 7,
            code: 1,
            signal: null,
            outOfMemory: false,
            afterMs: 1,
            output: ['listening', line],
            ...more,
          },
        }),
      ],
    })[0];

  for (const [line, sentence] of [
    ['Error: ENOSPC: no space left on device, write', 'app/1 ended because no space was left on its disk.'],
    ['OSError: [Errno 28] No space left on device', 'app/1 ended because no space was left on its disk.'],
    ['Error: EMFILE: too many open files, open', 'app/1 ended because it had no file descriptor left.'],
    ['panic: accept: too many open files in system', 'app/1 ended because the machine had no file descriptor left.'],
  ] as const)
    test(`names the limit that it met: ${line}`, () => {
      const first = words(line);
      assert.deepEqual([first?.name, first?.sentence], ['resource_limit', sentence]);
      assert.match(first?.evidence[0] ?? '', /^app\/1 printed: /);
    });
  test('for another reason, or was killed for its memory, has met no such limit', () => {
    assert.equal(words('TypeError: no card')?.name, 'crash');
    assert.equal(words('Error: ENOSPC: no space left on device', { outOfMemory: true })?.name, 'out_of_memory');
  });
});

describe('an application that waits for processor time', () => {
  const of = (incident: typeof slow, throttledShare?: number) =>
    ranking(incident, {
      watched: {
        ...{ application: 'app', endpoints },
        processes: [
          {
            instance: 'app/1',
            beforeExit: null,
            strains: [],
            ...(throttledShare === undefined ? {} : { throttledShare }),
          },
        ],
      },
    });
  test('is slow for that reason, and the share of time is told', () => {
    const [first] = of(slow, 0.83);
    assert.equal(first?.name, 'resource_limit');
    assert.match(first.sentence, /^app\/1 gets too little processor time/);
    assert.match(first.evidence[0] ?? '', /83 % of the periods/);
  });
  test('is not the first suspect where it answers with errors, and none without a limit', () => {
    assert.equal(of(incidentOf('application', [['app_error', 9]]), 0.83)[0]?.name, 'application_errors');
    assert.equal(of(slow)[0]?.name, 'slow_application');
  });
});

test('an application of others has reached a limit only where it says so: 507', () => {
  const errors = incidentOf('application', [['app_error', 9]]);
  assert.equal(ranking(errors, { errorStatus: 507 })[0]?.name, 'resource_limit');
  assert.equal(ranking(errors, { errorStatus: 500 })[0]?.name, 'application_errors');
});
