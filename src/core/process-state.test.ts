import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProcessExit, ProcessSample } from '#failures/process-note.ts';
import { processStates } from './process-state.ts';

const began = Date.UTC(2026, 0, 1);
const mebibyte = 1024 * 1024;

/** `second` after the beginning. */
const sample = (second: number, changes: Partial<ProcessSample> = {}): ProcessSample => ({
  ...{ kind: 'sample', at: began + second * 1000, instance: 'shop/1', pid: 7, processes: 1, restarts: 0 },
  ...{ residentBytes: 80 * mebibyte, threads: 11, openFiles: 24, openFilesMax: 1024, cores: 0.5, ageMs: 60_000 },
  ...{ groupBytes: null, groupBytesMax: null },
  ...changes,
});
const exit = (second: number, changes: Partial<ProcessExit> = {}): ProcessExit => ({
  ...{ kind: 'exit', at: began + second * 1000, instance: 'shop/1', pid: 7, code: null, signal: 'SIGKILL' },
  ...{ outOfMemory: true, ranMs: 60_000 },
  ...changes,
});
const visit = (second: number, instance = 'shop/1', attempt = 1) => {
  const ended = began + second * 1000;
  return { instance, attempt, since: ended - 100, until: ended + 500, ended };
};

describe('the process that had a request', () => {
  test('is shown by the last sample before the attempt ended', () => {
    const notes = [sample(15, { threads: 15 }), sample(5, { threads: 5 }), sample(10, { threads: 10 })];
    const [state] = processStates(notes, [visit(12)]);
    assert.deepEqual([state?.sample?.threads, state?.sample?.before_ms, state?.exit], [10, 2000, null]);
    assert.equal(
      state?.summary,
      '2.0 s before the attempt ended: RSS 80 MiB, 24 of 1024 descriptors, CPU 0.50 cores, 10 threads, up for 1 min',
    );
  });

  test('that was killed for memory has its end first, and what it used before', () => {
    const tight = { residentBytes: 480 * mebibyte, groupBytes: 508 * mebibyte, groupBytesMax: 512 * mebibyte };
    const notes = [sample(0), sample(20, tight), exit(32), sample(40, { pid: 8, restarts: 1 })];
    const [state] = processStates(notes, [visit(32)]);
    assert.equal(state?.pid, 7);
    assert.deepEqual(state?.remarks, [
      'killed by the kernel because memory ran out, at the same time as the attempt ended',
      'RSS 480 MiB, its control group used 508 MiB of 512 MiB, 12 s before it was killed',
      'the control group uses 508 MiB of 512 MiB: at the limit the kernel kills a process',
      'RSS grew from 80 MiB to 480 MiB within 20 s',
    ]);
  });

  test('that had ended before the attempt is the one that had ended', () => {
    const [state] = processStates([sample(1), exit(3, { outOfMemory: false, signal: null, code: 1 })], [visit(5)]);
    assert.deepEqual(state?.remarks, ['exited with code 1, 2.0 s before the attempt ended']);
    const [unsampled] = processStates([exit(3)], [visit(5)]);
    assert.deepEqual([unsampled?.pid, unsampled?.sample, unsampled?.summary], [7, null, '']);
  });

  test('that was sampled only afterwards says so', () => {
    const [state] = processStates([sample(14)], [visit(12)]);
    assert.equal(state?.sample?.before_ms, -2000);
    assert.match(state?.summary ?? '', /^2\.0 s after the attempt ended: /);
  });

  test('with its descriptors nearly used up says so in words', () => {
    const [state] = processStates([sample(0), sample(10, { openFiles: 1020 })], [visit(12)]);
    assert.deepEqual(state?.remarks, [
      '1020 of 1024 descriptors are open: beyond the limit it can accept no connection',
      'open descriptors grew from 24 to 1020 within 10 s',
    ]);
  });

  test('is compared with itself, and not with the process before', () => {
    const notes = [sample(0), exit(2), sample(5, { pid: 8, residentBytes: 400 * mebibyte })];
    assert.deepEqual(processStates(notes, [visit(6)])[0]?.remarks, []);
  });

  test('is told once, for the last of its attempts, and says which it had', () => {
    const notes = [sample(1), sample(4), sample(2, { instance: 'shop/2', pid: 9 })];
    const visits = [visit(2), visit(3, 'shop/2', 2), visit(5, 'shop/1', 3), visit(5, 'other/1', 4)];
    const states = processStates(notes, visits);
    assert.deepEqual(
      states.map(({ instance, attempts, sample: one }) => [instance, attempts, one?.before_ms]),
      [
        ['shop/2', [2], 1000],
        ['shop/1', [1, 3], 1000],
      ],
    );
    assert.match(states[1]?.summary ?? '', /^1\.0 s before attempt 3 ended: /);
  });

  test('of each attempt is told where the instance was restarted in between', () => {
    const notes = [sample(1), exit(3), sample(8, { pid: 8, ageMs: 4000, restarts: 1 })];
    const states = processStates(notes, [visit(3), visit(5, 'shop/1', 2)]);
    assert.deepEqual(
      states.map(({ pid, attempts, remarks, summary }) => [pid, attempts, remarks[0], summary.slice(0, 29)]),
      [
        [
          7,
          [1],
          'killed by the kernel because memory ran out, at the same time as attempt 1 ended',
          '2.0 s before attempt 1 ended:',
        ],
        [8, [2], undefined, '3.0 s after attempt 2 ended: '],
      ],
    );
  });

  test('is the one whose exit the record names, and not one that starts in its place and does not listen yet', () => {
    const next = sample(4, { pid: 8, ageMs: 900, restarts: 1 });
    const exited = { ...visit(3.4), exitedAt: began + 3005 };
    for (const notes of [
      [sample(1), exit(3), next],
      [exit(3), next],
    ]) {
      const [state] = processStates(notes, [exited]);
      assert.deepEqual(
        [state?.pid, state?.remarks[0]],
        [7, 'killed by the kernel because memory ran out, 0.4 s before the attempt ended'],
      );
    }
    const [unknown] = processStates([sample(1), next], [exited]);
    assert.equal(unknown?.pid, 7);
  });

  test('is the one that had ended last, though only those before it and behind it were sampled', () => {
    const short = exit(10, { pid: 8, ranMs: 2000 });
    const notes = [sample(1), exit(7), short, sample(20, { pid: 9, ageMs: 5000, restarts: 2 })];
    assert.equal(processStates(notes, [visit(12)])[0]?.pid, 8);
  });

  test('that began after the attempt is not the one that had it', () => {
    const notes = [sample(1), exit(3), sample(8, { pid: 8, ageMs: 2000, restarts: 1 })];
    assert.deepEqual(
      processStates(notes, [visit(5)]).map(({ pid }) => pid),
      [7],
    );
  });

  test('is not said to have had an attempt that began after its end', () => {
    const states = processStates([sample(1), exit(3)], [visit(3), visit(5, 'shop/1', 2)]);
    assert.deepEqual(
      states.map(({ pid, attempts }) => [pid, attempts]),
      [[7, [1]]],
    );
  });

  test('of each attempt is told where both attempts ended their process, and the second had not been sampled', () => {
    const second = exit(5, { pid: 8, ranMs: 1500, outOfMemory: false });
    const states = processStates([sample(1), exit(3), second], [visit(3), visit(5, 'shop/1', 2)]);
    assert.deepEqual(
      states.map(({ pid, attempts, remarks }) => [pid, attempts, remarks[0]]),
      [
        [7, [1], 'killed by the kernel because memory ran out, at the same time as attempt 1 ended'],
        [8, [2], 'killed by SIGKILL, at the same time as attempt 2 ended'],
      ],
    );
  });

  test('is none that began and ended after the attempt', () => {
    const later = exit(9, { pid: 8, ranMs: 1500 });
    const states = processStates([sample(1), exit(3), later], [visit(3), visit(5, 'shop/1', 2)]);
    assert.deepEqual(
      states.map(({ pid }) => pid),
      [7],
    );
  });

  for (const [replacedBy, code, text, byStop = 'SIGTERM'] of [
    ['shop/2', null, 'stopped by Candor (SIGTERM), replaced by shop/2, 3.0 s after the attempt ended'],
    [null, null, 'stopped by Candor (SIGTERM), 3.0 s after the attempt ended'],
    [null, 0, 'stopped by Candor (exit code 0), 3.0 s after the attempt ended'],
    [null, null, 'killed by SIGSEGV while Candor stopped it, 3.0 s after the attempt ended', 'SIGSEGV'],
    [
      'shop/2',
      null,
      'killed by SIGABRT while Candor stopped it, replaced by shop/2, 3.0 s after the attempt ended',
      'SIGABRT',
    ],
  ] as const)
    test(`that Candor stopped says so: ${text}`, () => {
      const signal = code === null ? byStop : null;
      const stop = exit(5, { outOfMemory: false, signal, code, stopped: { replacedBy } });
      const [state] = processStates([sample(1), stop], [visit(2)]);
      assert.equal(state?.remarks[0], text);
      assert.deepEqual([state?.exit?.stopped_by_candor, state?.exit?.replaced_by], [true, replacedBy]);
    });
});
