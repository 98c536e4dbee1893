import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isSpaceLow } from './disk-space.ts';

const gib = 1024 ** 3;

/** Which of these looks at a disk find it nearly full. */
function looks(totalGib: number, freeGib: readonly number[]): readonly boolean[] {
  let isLow = false;
  return freeGib.map((free) => (isLow = isSpaceLow(isLow, { totalBytes: totalGib * gib, freeBytes: free * gib })));
}

const rows: readonly (readonly [promise: string, total: number, free: readonly number[], low: readonly boolean[]])[] = [
  ['a large disk is nearly full below 1 GiB', 1000, [50, 1, 0.99], [false, false, true]],
  ['a small disk is nearly full below a tenth', 5, [0.6, 0.5, 0.49], [false, false, true]],
  [
    'one that is nearly full is not until half as much more is free',
    100,
    [0.9, 1.2, 1.49, 1.5, 1.1],
    [true, true, true, false, false],
  ],
];

describe('free space', () => {
  for (const [promise, total, free, low] of rows) test(promise, () => assert.deepEqual(looks(total, free), low));
});
