import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from '../../test/properties.ts';
import { emptyRange, type Histogram, quantile, unknownRange, type ValueRange, widen } from './quantile.ts';
import { round } from './round.ts';

/** Cells of 10, of which the last has no end. */
const startOf = (cell: number): number => cell * 10;
function histogramOf(values: readonly number[], placement: Histogram['placement'] = 'spread'): Histogram {
  const cells = new Array<number>(6).fill(0);
  const range = emptyRange();
  for (const value of values) {
    cells[Math.min(5, Math.floor(value / 10))]! += 1;
    widen(range, { min: value, max: value });
  }
  return { cells, startOf, placement, range };
}
const withRange = (values: readonly number[], range: ValueRange): Histogram => ({ ...histogramOf(values), range });

const kinds = ['spread', 'middle', 'end'] as const;
const values = fc.array(fc.double({ min: 0, max: 90, noNaN: true }), { minLength: 1, maxLength: 40 });

describe('a quantile', () => {
  test('is null of no values', () => {
    assert.equal(quantile(histogramOf([]), 0.5), null);
  });

  test('of one value is that value', () => {
    for (const value of [0, 3.25, 10.996, 59.999, 88])
      for (const placement of kinds) assert.equal(quantile(histogramOf([value], placement), 0.99), value);
  });

  test('lies between the least and the greatest value, and grows with its share', () => {
    fc.assert(
      fc.property(values, fc.constantFrom(...kinds), (some, placement) => {
        const histogram = histogramOf(some, placement);
        const [p50 = NaN, p99 = NaN] = [0.5, 0.99].map((share) => quantile(histogram, share) ?? NaN);
        const [min, max] = [round(Math.min(...some), 3), round(Math.max(...some), 3)];
        assert.ok(min <= p50 && p50 <= p99 && p99 <= max, `${min} ≤ ${p50} ≤ ${p99} ≤ ${max}`);
      }),
    );
  });

  test('lies in the cell of the value that has as many below it', () => {
    fc.assert(
      fc.property(values, fc.constantFrom(0.1, 0.5, 0.9, 0.99), fc.constantFrom(...kinds), (some, share, placement) => {
        const exact = some.toSorted((one, other) => one - other)[Math.ceil(share * some.length) - 1] as number;
        const found = quantile(histogramOf(some, placement), share) ?? NaN;
        const [from, to] = exact >= 50 ? [50, Infinity] : [exact - (exact % 10), exact - (exact % 10) + 10];
        assert.ok(found >= round(from, 2) && found <= round(to, 2), `${found} for ${exact}`);
      }),
    );
  });

  test('of the share 0 is the least value, also where the first cell is empty', () => {
    for (const placement of kinds) assert.equal(quantile(histogramOf([25, 37], placement), 0), 25);
  });

  test('is only as good as its cell where the least and the greatest value are not known', () => {
    assert.equal(quantile(withRange([3], unknownRange), 0.5), 5);
    assert.equal(quantile(withRange([88], unknownRange), 0.5), 50);
  });
});
