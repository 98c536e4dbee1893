import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutputLine } from '../core/output-line.ts';
import { WaitingOutput } from './waiting-output.ts';

const lineOf = (application: string, at: number, leftOut = 0): OutputLine => ({
  ...{ at, text: 'x'.repeat(1024 * 1024), leftOut },
  source: { application, instance: `${application}/1`, pid: 7, stream: 'stdout', path: null },
});

test('lines that are given up are counted by an empty one for each reason, which stands before those that are left', () => {
  const waiting = new WaitingOutput();
  const lost = waiting.add([
    lineOf('shop', 1),
    lineOf('pay', 2),
    lineOf('shop', 3, 5),
    ...[4, 5, 6].map((at) => lineOf('shop', at)),
  ]);
  assert.deepEqual([lost, waiting.count], [3, 3]);
  assert.deepEqual(
    waiting.list.map(({ at, source, text, leftOut, leftOutWhy }) => [
      ...[at, source.application, text.length > 0],
      ...[leftOut, leftOutWhy],
    ]),
    [
      [3, 'shop', false, 2, 'store_failed'],
      [2, 'pay', false, 1, 'store_failed'],
      [3, 'shop', false, 5, undefined],
      ...[4, 5, 6].map((at) => [at, 'shop', true, 0, undefined]),
    ],
  );
  waiting.clear();
  assert.deepEqual([waiting.list, waiting.isEmpty], [[], true]);
});
