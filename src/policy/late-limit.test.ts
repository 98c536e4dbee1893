import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyCellOf, latencyCells, latencyQuantileMs } from '../core/latency-cells.ts';
import type { Instant } from '../core/time.ts';
import { lateLimitMs, mayBeLate } from './late-limit.ts';

function cellsOf(counts: Readonly<Record<number, number>>): number[] {
  const cells = new Array<number>(latencyCells).fill(0);
  for (const [ms, count] of Object.entries(counts)) cells[latencyCellOf(Number(ms))] = count;
  return cells;
}

test('late is what takes half as long again as the p95, and 20 ms', () => {
  const cells = cellsOf({ 10: 95, 300: 5 });
  assert.equal(lateLimitMs(cells), 1.5 * (latencyQuantileMs(cells, 0.95) as number) + 20);
  assert.equal(lateLimitMs(cells), 35);
});

test('of too few responses the p95 is not known', () => {
  assert.equal(lateLimitMs(cellsOf({ 10: 39 })), null);
  assert.notEqual(lateLimitMs(cellsOf({ 10: 40 })), null);
});

test('an instance is not late in its first five seconds', () => {
  const begun = 1000 as Instant;
  assert.deepEqual([mayBeLate(begun, 5999 as Instant), mayBeLate(begun, 6000 as Instant)], [false, true]);
});
