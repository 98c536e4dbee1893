import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stepAfterSilentEnd } from '#failures/failure-texts.ts';
import type { OutputLineJson, ProcessStateJson } from '../core/schemas/output.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { verdictWith } from './process-verdict.ts';
import { verdictOf } from './record-verdict.ts';

const attempt = { cause: 'response_head_timeout', stage: 'response', evidence: null, exit: null };
const record = (shape: string, exit: object | null = null): ExchangeRecord =>
  ({
    ...{
      id: '1',
      kind: 'exchange',
      at: '2026-01-01T00:00:00Z',
      shape,
      cause: 'response_head_timeout',
      stage: 'response',
    },
    ...{ detail: 'No response came within 5 s.', attempts: [{ ...attempt, exit }], evidence: null },
  }) as unknown as ExchangeRecord;

const processOf = (openFiles: number): ProcessStateJson =>
  ({
    instance: 'app/1',
    pid: 77,
    attempts: [1],
    sample: { open_files: openFiles, open_files_max: 64 },
  }) as unknown as ProcessStateJson;

const stoppedVerdict = (sample: object) =>
  verdictWith(record('too_slow'), {
    processes: [{ instance: 'app/1', pid: 77, sample }] as unknown as ProcessStateJson[],
    lines: [],
    nearby: [],
    stores_output: false,
  });

test('a request whose process had used up its descriptors gets the step for that', () => {
  const { sentence, usualCauses, nextStep } = verdictWith(record('too_slow'), {
    processes: [processOf(64)],
    lines: [],
    nearby: [],
    stores_output: false,
  });
  assert.equal(sentence, 'No response came within 5 s. app/1 had 64 of its 64 descriptors open.');
  assert.deepEqual(usualCauses, []);
  assert.match(nextStep ?? '', /`ls -l \/proc\/77\/fd`/);
});

test('a request whose process a signal had stopped gets the step for that, if it was looked at near that time', () => {
  const { sentence, usualCauses, nextStep } = stoppedVerdict({
    stopped_pid: 78,
    stopped_pids: [78, 79],
    before_ms: -200,
  });
  assert.equal(sentence, 'No response came within 5 s. Process 78 of app/1 was stopped by a signal.');
  assert.deepEqual(usualCauses, []);
  assert.match(nextStep ?? '', /^Let it go on with `kill -CONT 78 79` if it is still stopped, and find out who/);
  const early = stoppedVerdict({ stopped_pid: 78, stopped_pids: [78, 79], before_ms: 60_000 });
  assert.deepEqual(early, verdictOf(record('too_slow')));
});

test('causes and step stay where a process was stopped that may not be the one that answers', () => {
  const alone = verdictOf(record('too_slow'));
  const sentence = `${alone.sentence} Process 78 of app/1 was stopped by a signal.`;
  assert.deepEqual(stoppedVerdict({ stopped_pid: 78, before_ms: -200 }), { ...alone, sentence });
});

for (const [what, one, openFiles] of [
  ['has descriptors left', record('too_slow'), 20],
  ['served a request that the client ended', record('client_abort'), 64],
  ['has ended, which says more', record('reset', { code: 1, signal: null, oom: false, last_line: 'boom' }), 64],
] as const)
  test(`the verdict stays where the process ${what}`, () => {
    assert.deepEqual(
      verdictWith(one, { processes: [processOf(openFiles)], lines: [], nearby: [], stores_output: false }),
      verdictOf(one),
    );
  });

const closed = {
  ...record('reset'),
  ...{ application: 'shop', cause: 'closed_before_response', detail: 'It closed.' },
  attempts: [
    {
      ...{ cause: 'closed_before_response', stage: 'response', exit: null },
      evidence: { address: '127.0.0.1:4000', reused: false, idle_ms: 0 },
    },
  ],
} as unknown as ExchangeRecord;
const line = (stream: string, text: string): OutputLineJson =>
  ({ kind: 'output', at: '2026-01-01T00:00:00Z', application: 'shop', stream, text }) as unknown as OutputLineJson;

test('the verdict on an application that Candor runs quotes the error that it printed meanwhile', () => {
  const nearby = [
    line('stderr', 'Traceback (most recent call last):'),
    line('stderr', '  File "app.py", line 7, in do_GET'),
    line('stderr', 'RuntimeError: python boom'),
    line('stdout', 'bye'),
  ];
  const { sentence, nextStep } = verdictWith(closed, { processes: [], lines: [], nearby, stores_output: false });
  assert.equal(
    sentence,
    'It closed. Meanwhile shop printed (perhaps for another request) "RuntimeError: python boom".',
  );
  assert.equal(nextStep, 'Read what shop printed while it had the request, shown here.');
});

test('the verdict quotes an error with the id of the request as one of the request', () => {
  const own = {
    ...line('stderr', 'KeyError: 1 in request 1'),
    has: 'request_id',
    relation: 'attempt',
    after_end_ms: 0,
  } as const;
  const { sentence } = verdictWith(closed, {
    processes: [],
    lines: [own],
    nearby: [line('stdout', 'bye')],
    stores_output: false,
  });
  assert.equal(sentence, 'It closed. Meanwhile shop printed "KeyError: 1 in request 1".');
});

test('the verdict quotes an error without an id as perhaps of another request, also where a line of this request says the same', () => {
  const text = 'KeyError: 1';
  const first = { ...line('stderr', text), has: 'request_id', relation: 'attempt', after_end_ms: 0 } as const;
  const at = '2026-01-01T00:00:01Z';
  const { sentence } = verdictWith(closed, {
    processes: [],
    stores_output: false,
    lines: [first],
    nearby: [{ ...line('stderr', text), at }],
  });
  assert.equal(sentence, 'It closed. Meanwhile shop printed (perhaps for another request) "KeyError: 1".');
});

test('the verdict on an application that Candor runs leads to its output where none is known here', () => {
  const { sentence, nextStep } = verdictWith(closed, { processes: [], lines: [], nearby: [], stores_output: false });
  assert.equal(sentence, 'It closed.');
  assert.match(
    nextStep ?? '',
    /^Read in `candor logs application:shop` \(without a `store`: in Candor's own output\) what shop printed/,
  );
});

test('no step leads to output where the store has none of the application', () => {
  const around = { processes: [], lines: [], nearby: [], stores_output: true };
  const { sentence, nextStep } = verdictWith(closed, around);
  assert.equal(sentence, 'It closed. Meanwhile shop printed nothing for this request.');
  assert.match(nextStep ?? '', /^Let shop print its errors, with the time and the X-Request-Id/);
  const attempts = [{ ...attempt, evidence: { address: '127.0.0.1:4000', limit_ms: 5000 } }];
  const hangs = { ...record('too_slow'), application: 'shop', attempts } as unknown as ExchangeRecord;
  assert.match(
    verdictWith(hangs, around).nextStep ?? '',
    /^If the work normally takes that long, raise `timeouts\.response_head`/,
  );
});

test('after an exit, the step leads to the last output unless the store shows that there is none', () => {
  const exit = { code: 3, signal: null, oom: false, before_ms: 3, last_line: null };
  const attempts = [{ ...closed.attempts[0], cause: closed.cause, exit }];
  const exited = { ...closed, attempts } as unknown as ExchangeRecord;
  const nothing = { processes: [], lines: [], nearby: [], stores_output: false };
  assert.match(verdictWith(exited, nothing).nextStep ?? '', /^Read the last output/);
  assert.equal(verdictWith(exited, { ...nothing, stores_output: true }).nextStep, stepAfterSilentEnd);
  const printed = { ...nothing, nearby: [line('stderr', 'boom')], stores_output: true };
  assert.match(verdictWith(exited, printed).nextStep ?? '', /^Read the last output/);
});

describe('a step for applications that printed nothing', () => {
  const [attempted] = closed.attempts;
  const evidence = { address: '127.0.0.1:4000', reused: true, idle_ms: 900 };
  const reused = { ...closed, attempts: [{ ...attempted, evidence }] } as unknown as ExchangeRecord;
  const own = { ...line('stdout', 'order 1'), has: 'request_id', relation: 'attempt', after_end_ms: 0 } as const;
  const keepAlive = "raise its keep-alive time above the upstream's `connections.idle_timeout`.";
  const read = 'Read what shop printed while it had the request, shown here';
  for (const [what, around, step] of [
    ['is left out where lines of the request are shown', { lines: [own] }, `${read}.`],
    [
      'says on which condition where the lines that are shown may be of another request',
      { nearby: [line('stdout', 'order')] },
      `${read}; if none of that is about this request, ${keepAlive}`,
    ],
    ['stands alone where it printed nothing', { stores_output: true }, keepAlive.replace('raise', 'Raise')],
  ] as const)
    test(what, () => {
      const known = { processes: [], lines: [], nearby: [], stores_output: false, ...around };
      assert.equal(verdictWith(reused, known).nextStep, step);
    });

  test('says on which condition where it is not known what it printed', () => {
    const { sentence, nextStep } = verdictWith(reused, { processes: [], lines: [], nearby: [], stores_output: false });
    assert.equal(sentence, 'It closed.');
    assert.ok(nextStep?.endsWith(`; nothing of it is known here; if it printed nothing, ${keepAlive}`), nextStep ?? '');
  });
});

test('an error that an application which Candor runs answered itself leads to its output', () => {
  const own = { ...closed, shape: 'app_error', cause: null, status: 500, attempts: [] } as unknown as ExchangeRecord;
  const { sentence, nextStep } = verdictWith(own, {
    processes: [],
    stores_output: false,
    lines: [],
    nearby: [line('stderr', ' KeyError: 1 ')],
  });
  assert.match(sentence, / Meanwhile shop printed \(perhaps for another request\) "KeyError: 1"\.$/);
  assert.equal(nextStep, 'Read what shop printed while it had the request, shown here.');
});

test('after SIGTERM the step is for the application where its record says that Candor stopped it', () => {
  const exit = {
    code: null,
    signal: 'SIGTERM',
    oom: false,
    last_line: null,
    before_ms: 0,
    stopped: { replaced_by: null },
  };
  const { nextStep } = verdictOf(record('reset', exit));
  assert.match(nextStep ?? '', /^Let the application finish its requests when it gets SIGTERM/);
});

test('the step after a broken tunnel shows what was printed, and keeps what follows', () => {
  const tunnel = { ...closed, kind: 'tunnel', cause: 'response_body_reset', duration_ms: 9, bytes_out: 0 };
  const { nextStep } = verdictWith(tunnel as unknown as ExchangeRecord, {
    processes: [],
    stores_output: false,
    lines: [],
    nearby: [line('stderr', 'Error: boom')],
  });
  assert.match(nextStep ?? '', /^Read what shop printed while it had the request, shown here; if tunnels always break/);
});

for (const [stopped, step] of [
  [true, /^Let the application finish its requests when it gets SIGTERM/],
  [false, /^Find who sent SIGTERM/],
] as const)
  test(`after SIGTERM the step asks who sent it only where Candor did not: ${stopped}`, () => {
    const exit = { code: null, signal: 'SIGTERM', oom: false, last_line: null, before_ms: 0 };
    const process = { ...processOf(5), attempts: [1], exit: { signal: 'SIGTERM', stopped_by_candor: stopped } };
    const processes = [process as unknown as ProcessStateJson];
    assert.match(
      verdictWith(record('reset', exit), { processes, lines: [], nearby: [], stores_output: false }).nextStep ?? '',
      step,
    );
  });
