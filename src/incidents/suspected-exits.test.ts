import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stepAfterNoStart } from '#failures/failure-texts.ts';
import type { IncidentSuspect } from '../core/live-incident.ts';
import { endpointOf, eventAt, incidentOf, ranking } from './ranking.test-support.ts';
import type { WatchedUpstream } from './watched-upstream.ts';

const output = [
  'listening',
  'TypeError: no card',
  '    at pay (/app/pay.js:3:1)',
  '    at node:internal/main:1:1',
  '',
  'Node.js v26.10.0',
];

const exit = (afterMs: number, more: object = {}, lines: readonly string[] = output) =>
  eventAt(afterMs, {
    kind: 'instance_exited',
    subject: 'instance:app/1',
    from: 'ready',
    reason: `exited with code 1${lines.length === 0 ? '' : '; last line: "TypeError: no card"'}`,
    evidence: { pid: 1000 + afterMs, code: 1, signal: null, outOfMemory: false, afterMs: 1, output: lines },
    ...more,
  });

const gone = incidentOf('gone', [['reset_before_response', 9]]);
const watched: WatchedUpstream = { application: 'app', endpoints: [endpointOf('app/1')] };
const crash = (events: Parameters<typeof ranking>[1] & object): IncidentSuspect | undefined =>
  ranking(gone, { watched, ...events }).find(({ name }) => name === 'crash');

describe('an application that ended by itself', () => {
  test('is told with its error and the place in its own files, without empty lines and the rest of the stack', () => {
    const found = crash({ events: [exit(-40)] });
    assert.equal(found?.sentence, 'app/1 ended by itself.');
    assert.deepEqual(found?.evidence, [
      'app/1: exited with code 1; last line: "TypeError: no card" (at the time of the first failure)',
      'app/1 printed: TypeError: no card, at pay (/app/pay.js:3:1)',
    ]);
  });
  test('several times in the same way, is told in one line', () => {
    const found = crash({ events: [exit(0), exit(2000), exit(5000)] });
    assert.equal(found?.sentence, 'app/1 ended by itself, 3 times.');
    assert.equal(
      found?.evidence[0],
      'app/1: exited with code 1; last line: "TypeError: no card" (the latest of 3 such events) (5 s after the first failure)',
    );
    assert.equal(found?.evidence.length, 2);
  });
  for (const [signals, sentence] of [
    [['SIGKILL'], 'app/1 was ended by SIGKILL, which the gateway did not send.'],
    [['SIGTERM', 'SIGTERM'], 'app/1 was ended by SIGTERM, which the gateway did not send, 2 times.'],
    [['SIGKILL', 'SIGTERM'], 'app/1 was ended by SIGKILL and SIGTERM, which the gateway did not send, 2 times.'],
    [
      [null, 'SIGKILL'],
      'app/1 ended, 2 times, not each time by itself: also by SIGKILL, which the gateway did not send.',
    ],
    [['SIGSEGV'], 'app/1 ended by itself.'],
  ] as const)
    test(`by ${signals.join(' and ')}, is not said to have ended by itself if another program sent it`, () => {
      const events = signals.map((signal, index) =>
        exit(index * 1000, { evidence: { pid: 7, code: null, signal, outOfMemory: false, afterMs: 1, output } }),
      );
      const found = crash({ events });
      assert.equal(found?.sentence, sentence);
      const last = signals.at(-1);
      if (last !== 'SIGSEGV') assert.match(found?.nextStep ?? '', new RegExp(`^Find who sent ${last}: `));
    });
  test('of which several instances were killed, names them', () => {
    const killed = { evidence: { pid: 7, code: null, signal: 'SIGKILL', outOfMemory: false, afterMs: 1, output } };
    const found = crash({ events: [exit(0, killed), exit(9, { ...killed, subject: 'instance:app/2' })] });
    assert.equal(found?.sentence, 'app/1, app/2 were ended by SIGKILL, which the gateway did not send.');
  });
  test('is told with the requests that it had', () => {
    const processes = [{ instance: 'app/1', beforeExit: null, strains: [], openAtExit: ['GET /pay/{id}', 'GET /'] }];
    const found = crash({ events: [exit(0)], watched: { ...watched, processes } });
    assert.equal(found?.evidence.at(-1), 'requests that app/1 had when it ended: GET /pay/{id}, GET /');
  });
  for (const [what, lines] of [
    ['without output', []],
    ['with empty lines alone', ['', ' ']],
  ] as const)
    test(`${what}, is told so, and its next step does not point at any`, () => {
      const found = crash({ events: [exit(0, {}, lines)] });
      assert.deepEqual(found?.evidence.slice(1), ['app/1 had printed nothing before it ended']);
      assert.doesNotMatch(found?.nextStep ?? '', /printed last|above/);
    });
  test('is not suspected where it was asked to end', () => {
    assert.equal(crash({ events: [exit(0, { from: 'stopping' })] }), undefined);
  });
  test('is not taken out by a check that may be wrong', () => {
    const endpoints = [
      endpointOf('app/1', { state: 'unhealthy', reason: 'exited with code 1; starts again after 2 s' }),
    ];
    const none = { ...incidentOf('not_ready', [['no_endpoint_ready', 9]]), attemptsFailed: 0 };
    const found = ranking(none, { events: [exit(0)], watched: { ...watched, endpoints } });
    assert.deepEqual(
      found.map(({ name }) => name),
      ['crash'],
    );
  });
});

describe('an application that ended because its runtime got no more memory', () => {
  const reason = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory';
  const full = (afterMs: number) =>
    exit(afterMs, { reason: `killed by SIGABRT; last line: "${reason}"` }, [
      '<--- Last few GCs --->',
      reason,
      ' 1: 0x76a3a0 node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]',
    ]);
  const processes = [{ instance: 'app/1', beforeExit: 'RSS 116 MiB, 1.0 s before it ended', strains: [] }];

  test('is suspected with that cause, its evidence and the step for that runtime, and without what follows from its end', () => {
    const incident = incidentOf('gone', [
      ['reset_before_response', 9],
      ['connect_refused', 12],
    ]);
    const found = ranking(incident, { watched: { ...watched, processes }, events: [full(-40), full(2000)] });
    assert.deepEqual(
      found.map(({ name, sentence }) => [name, sentence]),
      [['out_of_memory', 'app/1 ended because its JavaScript heap was full, 2 times.']],
    );
    assert.match(found[0]?.nextStep ?? '', /--max-old-space-size/);
    assert.match(found[0]?.evidence.join('\n') ?? '', /RSS 116 MiB[^]*JavaScript heap out of memory/);
  });
});

test('what follows from the end of a process is a suspect where most failures came before it', () => {
  const failedAt = new Map(Array.from({ length: 60 }, (_, second) => [second, [5, 5]] as const));
  const names = ranking(gone, { watched, failedAt, events: [exit(50_000)] }).map(({ name }) => name);
  assert.deepEqual(names, ['connections_cut', 'crash']);
});

describe('a program that could not be started', () => {
  const taken = 'port 28800 is taken: python3 (pid 7) listens there';
  const failed = (afterMs: number, reason = taken) =>
    eventAt(afterMs, {
      kind: 'instance_not_started',
      subject: 'instance:app/1',
      from: 'starting',
      reason,
      evidence: { command: 'node server.js', directory: '/app', errno: 'EADDRINUSE' },
    });
  const down = endpointOf('app/app/1/127.0.0.1:0', {
    state: 'unhealthy',
    reason: `${taken}; starts again after 22.5 s (failed 2 times in a row)`,
    finding: { fix: null, exits: 2 },
  });
  const notReady = { ...incidentOf('not_ready', [['no_endpoint_ready', 9]]), attemptsFailed: 0 };
  const of = (
    events: NonNullable<Parameters<typeof ranking>[1]>['events'],
    endpoints: WatchedUpstream['endpoints'] = [down],
  ) => ranking(notReady, { watched: { application: 'app', endpoints }, events: events ?? [] });

  test('is the first suspect, with the reason and the step that the problem of the status gives', () => {
    const [first, ...others] = of([failed(-20_000), failed(3000)]);
    assert.deepEqual(
      [first?.name, first?.sentence, first?.nextStep, others],
      ['not_started', `app/1 could not be started 2 times, the last time: ${taken}.`, stepAfterNoStart, []],
    );
    assert.equal(of([failed(-20_000)])[0]?.sentence, `app/1 could not be started: ${taken}.`);
  });
  test('is none where other instances serve, or it has run since', () => {
    assert.deepEqual(
      of([failed(-20_000)], [down, endpointOf('app/app/2/127.0.0.1:1')]).filter(({ name }) => name === 'not_started'),
      [],
    );
    assert.deepEqual(
      of([failed(-20_000), exit(-3000)]).map(({ name }) => name),
      ['crash'],
    );
  });
  test('and the exit of one that has not been ready since are suspected, however long before the first request they came', () => {
    assert.deepEqual(
      of([exit(-60_000)]).map(({ name }) => name),
      ['crash'],
    );
    const { finding: _finding, ...unknown } = down;
    assert.deepEqual(
      of([exit(-60_000)], [unknown]).map(({ name }) => name),
      ['failing_check'],
    );
  });
});

test('an application that has not become ready has the fix that its checks show as its step', () => {
  const endpoint = endpointOf('app/1', { state: 'starting', finding: { fix: 'let it listen on its port' } });
  const [first] = ranking(incidentOf('not_ready', [['no_endpoint_ready', 9]]), {
    watched: { application: 'app', endpoints: [endpoint] },
  });
  assert.equal(first?.nextStep, 'Let it listen on its port.');
});
