import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWholeSweep, sampled } from './sweep.test-support.ts';

const cases = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

const rows: readonly (readonly [every: number, first: number, tried: string])[] = [
  [1, 0, 'abcdefg'],
  [3, 0, 'adg'],
  [3, 1, 'be'],
  [3, 5, 'cf'],
];
for (const [every, first, tried] of rows) {
  test(`of every ${every} cases a sweep tries the one at ${first}, and all in a whole sweep`, () => {
    assert.equal(sampled(cases, every, first).join(''), isWholeSweep ? 'abcdefg' : tried);
  });
}

test('the parts of a sweep are the whole together', () => {
  const parts = [0, 1, 2].flatMap((first) => sampled(cases, 3, first));
  assert.deepEqual([...new Set(parts)].toSorted(), cases);
});
