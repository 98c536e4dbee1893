import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../test/properties.ts';
import { histogramOf, timingOf } from './timing.ts';

const durations = fc.array(fc.double({ min: 0, max: 100_000, noNaN: true }), { minLength: 1, maxLength: 200 });

test('percentiles are values that occurred, and never fall', () => {
  fc.assert(
    fc.property(durations, (values) => {
      const { min, median, p90, p99, max } = timingOf(values)!;
      const ranked = [min, median, p90, p99, max];
      assert.ok(ranked.every((value) => values.includes(value)));
      assert.deepEqual(
        ranked,
        ranked.toSorted((one, other) => one - other),
      );
      assert.deepEqual([min, max], [Math.min(...values), Math.max(...values)]);
    }),
  );
});

test('of ten values the median is the fifth and the ninetieth percentile the ninth', () => {
  const timing = timingOf([10, 1, 9, 2, 8, 3, 7, 4, 6, 5]);
  assert.deepEqual(timing, { min: 1, median: 5, p90: 9, p99: 10, max: 10 });
  assert.equal(timingOf([]), null);
});

test('the histogram counts each value once, at the first bound that is not below it', () => {
  fc.assert(
    fc.property(durations, (values) => {
      assert.equal(
        histogramOf(values).reduce((sum, { count }) => sum + count, 0),
        values.length,
      );
    }),
  );
  const counted = histogramOf([0, 1, 1.1, 5000, 5001]).filter(({ count }) => count > 0);
  assert.deepEqual(
    counted.map(({ upToMs, count }) => [upToMs, count]),
    [
      [1, 2],
      [2, 1],
      [5000, 1],
      [null, 1],
    ],
  );
});
