import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyCellOf, latencyCells, latencyQuantileMs } from './latency-cells.ts';

const cellsOf = (latencies: readonly number[]): number[] => {
  const cells = Array.from({ length: latencyCells }, () => 0);
  for (const ms of latencies) cells[latencyCellOf(ms)] = (cells[latencyCellOf(ms)] as number) + 1;
  return cells;
};

test('cells grow with the latency, and every latency has one', () => {
  assert.deepEqual(
    [0, -1, Number.NaN, 0.05, 0.0625, 0.1, 1, 1.49, 1.5, 65_535, 65_536, 1e9, Infinity].map(latencyCellOf),
    [0, 0, 0, 0, 1, 2, 9, 9, 10, 40, 41, 41, 41],
  );
  let before = 0;
  for (let ms = 0.01; ms < 100_000; ms *= 1.01) {
    const cell = latencyCellOf(ms);
    assert.ok(cell === before || cell === before + 1, `${ms} ms`);
    before = cell;
  }
  assert.equal(before, latencyCells - 1);
});

test('percentiles are right within a quarter', () => {
  for (const scale of [0.2, 3, 40, 900, 20_000]) {
    const latencies = Array.from({ length: 2000 }, (_, at) => scale * (1 + at / 1000));
    for (const share of [0.5, 0.9, 0.99]) {
      const exact = latencies[Math.floor(share * 2000)] as number;
      const found = latencyQuantileMs(cellsOf(latencies), share) ?? 0;
      assert.ok(Math.abs(found - exact) <= exact / 4, `p${share * 100} of ${scale}: ${found}, not ${exact}`);
    }
  }
  assert.equal(latencyQuantileMs(cellsOf([]), 0.5), null);
  assert.equal(latencyQuantileMs(cellsOf([1e9]), 0.99), 65_536);
});
