import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricsOf, SeriesStarts } from './metric-data.ts';

function textOf(endpoints: readonly string[]): string {
  const counters = endpoints.map((endpoint) => `responses_total{endpoint="${endpoint}"} 1`);
  const histogram = endpoints.flatMap((endpoint) => [
    `seconds_bucket{endpoint="${endpoint}",le="+Inf"} 1`,
    `seconds_sum{endpoint="${endpoint}"} 1`,
    `seconds_count{endpoint="${endpoint}"} 1`,
  ]);
  return ['# TYPE responses_total counter', ...counters, '# TYPE seconds histogram', ...histogram].join('\n');
}

test('a series that returns after it had gone counts from the export before its return, and all others from their beginning', () => {
  const starts = new SeriesStarts();
  const exports: readonly (readonly [nowMs: number, endpoints: readonly string[], startMs: readonly number[]])[] = [
    [1000, ['a', 'b'], [500, 500]],
    [2000, ['a', 'b', 'new'], [500, 500, 1000]],
    [3000, ['a'], [500]],
    [4000, ['a', 'b', 'new'], [500, 3000, 3000]],
    [5000, ['a', 'b', 'new'], [500, 3000, 3000]],
  ];
  for (const [nowMs, endpoints, startMs] of exports) {
    const metrics = metricsOf(textOf(endpoints), { startedMs: 500, nowMs }, starts);
    for (const { sum, histogram } of metrics) {
      const points = (sum ?? histogram)?.dataPoints ?? [];
      assert.deepEqual(
        points.map(({ startTimeUnixNano = '' }) => Number(startTimeUnixNano) / 1e6),
        startMs,
      );
    }
    assert.equal(metrics.length, 2);
  }
});
