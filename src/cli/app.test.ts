import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrintedLines } from './app.ts';

const lines = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}`);

for (const [what, shown, printed, missed] of [
  ['the first look prints all', [lines(0, 3)], 3, 0],
  ['a look without news prints nothing', [lines(0, 3), lines(0, 3)], 3, 0],
  ['new lines are printed once', [lines(0, 3), lines(0, 5), lines(0, 6)], 6, 0],
  ['lines that have left the status are not printed again', [lines(0, 20), lines(5, 25)], 25, 0],
  [
    'equal lines are as many as were added',
    [
      ['tick', 'tick'],
      ['tick', 'tick', 'tick'],
    ],
    3,
    0,
  ],
  ['a gap is told', [lines(0, 20), lines(30, 50)], 40, 1],
  ['a run that prints little after another one has no gap', [lines(0, 20), ['up']], 21, 0],
] as const)
  test(`output that is followed: ${what}`, () => {
    const seen: string[] = [];
    const output = new PrintedLines((_, line) => seen.push(line));
    const gaps = shown.flatMap((lastLines) => output.show([{ id: 'web/1', lastLines }]));
    assert.deepEqual([seen.length, gaps.length], [printed, missed]);
  });
