import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { endpointOf, eventAt, incidentOf, ranking } from './ranking.test-support.ts';
import type { WatchedUpstream } from './watched-upstream.ts';

const watched: WatchedUpstream = { application: 'shop', endpoints: [endpointOf('shop/1')] };
const errors = incidentOf('application', [['app_error', 40]]);

const changed = (afterMs: number, to: string, more: object = {}) =>
  eventAt(afterMs, {
    ...{ kind: 'dependency_state', subject: 'dependency:database', from: 'up', to },
    reason: `database (postgres://127.0.0.1:5432/shop) ${to === 'up' ? 'works again: it is ready' : 'refuses connections'}`,
    evidence: {
      ...{ dependency: 'database', type: 'postgres', address: 'postgres://127.0.0.1:5432/shop', fault: 'refused' },
      ...{ then: 'refused connections', dependents: ['shop'], sinceMs: 10, otherMs: 3000, fix: 'Start it.', ...more },
    },
  });
const exit = eventAt(200, {
  ...{ kind: 'instance_exited', subject: 'instance:shop/1', from: 'ready', reason: 'exited with code 1' },
  evidence: { pid: 7, code: 1, signal: null, outOfMemory: false, afterMs: 1, output: ['ECONNREFUSED 127.0.0.1:5432'] },
});

const first = (events: Parameters<typeof ranking>[1] & object, incident = errors) =>
  ranking(incident, { watched, ...events })[0];
const names = (events: Parameters<typeof ranking>[1] & object, incident = errors) =>
  ranking(incident, { watched, ...events }).map(({ name }) => name);

describe('a dependency that failed', () => {
  test('shortly before the application, is the first suspect, with what the check has seen', () => {
    const found = first({ events: [changed(-2000, 'down')] });
    assert.deepEqual(found, {
      name: 'dependency',
      fit: 0.97,
      sentence: 'database (postgres://127.0.0.1:5432/shop) refused connections 2 s before the first failure.',
      evidence: [
        "database (postgres://127.0.0.1:5432/shop) refuses connections: the gateway's own check, 2 s before the first failure",
        'the last check that found it up began 5 s before the first failure',
      ],
      nextStep: 'Start it.',
    });
  });

  test('outranks that the application ended because of it', () => {
    const gone = incidentOf('gone', [['reset_before_response', 9]]);
    assert.deepEqual(names({ events: [changed(-500, 'down'), exit] }, gone).slice(0, 2), ['dependency', 'crash']);
  });

  test('between two checks around the first failure, is told for the moment of the failure', () => {
    const found = first({ events: [changed(1200, 'down', { sinceMs: 1100, otherMs: 4200 })] });
    assert.equal(
      found?.sentence,
      'database (postgres://127.0.0.1:5432/shop) refused connections at the time of the first failure.',
    );
  });

  test('otherwise just before, is told for that, and what it did long before is not', () => {
    const login = changed(-18_000, 'down', { fault: 'login', then: 'rejected the login' });
    const refused = changed(-300, 'down', { otherMs: 1200 });
    const found = first({ events: [login, refused] });
    assert.match(found?.sentence ?? '', /refused connections at the time of the first failure/);
    assert.equal(first({ events: [login] })?.fit.toFixed(2), '0.79');
  });

  for (const [what, events] of [
    ['of which nothing is known', []],
    ['that other applications depend on', [changed(-2000, 'down', { dependents: ['blog'] })]],
    ['that had failed long before', [changed(-400_000, 'down')]],
    ['that worked again long before', [changed(-60_000, 'down'), changed(-40_000, 'up')]],
    ['that a check found up after the first failure', [changed(4000, 'down', { otherMs: 1500 })]],
    ['that failed long after', [changed(30_000, 'down', { otherMs: null })]],
    ['that works', [changed(-2000, 'up')]],
  ] as const)
    test(`but not one ${what}`, () => {
      assert.ok(!names({ events }).includes('dependency'));
    });

  test('is not blamed for what no dependency does', () => {
    for (const [family, cause] of [
      ['tls', 'tls_certificate_expired'],
      ['garbage', 'response_not_http'],
    ] as const)
      assert.ok(!names({ events: [changed(-2000, 'down')] }, incidentOf(family, [[cause, 9]])).includes('dependency'));
  });

  test('is told with its return', () => {
    const found = first({ events: [changed(-2000, 'down'), changed(9000, 'up')] });
    assert.equal(found?.evidence[2], 'it worked again 9 s after the first failure');
  });
});

test('a service by which routes authenticate is suspected where it gives no usable answer', () => {
  const found = first({}, incidentOf('gateway', [['authentication_unavailable', 25]]));
  assert.deepEqual([found?.name, found?.evidence], ['dependency', ['authentication_unavailable: 25 requests']]);
  assert.match(
    found?.nextStep ?? '',
    /^Look at the upstream of that service, .*`candor logs route:"authentication of /,
  );
  assert.deepEqual(names({}, incidentOf('gateway', [['file_failed', 25]])), []);
});
