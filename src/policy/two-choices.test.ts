import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { chooseOfTwo, chooseOfTwoWeighted, weightSumsOf } from './two-choices.ts';

/** Randomness that yields these numbers, and counts how many were drawn. */
function yields(...numbers: number[]): { next(): number; fill(): void; drawn: number } {
  return {
    drawn: 0,
    next() {
      return numbers[this.drawn++] ?? 0;
    },
    fill() {},
  };
}

const below1 = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('chooseOfTwo', () => {
  it('returns null for no endpoint, and draws no number for one endpoint', () => {
    assert.equal(chooseOfTwo([], yields()), null);
    const random = yields();
    assert.deepEqual(chooseOfTwo([{ load: 9 }], random), { load: 9 });
    assert.equal(random.drawn, 0);
  });

  it('draws two different endpoints and never picks the more loaded one', () => {
    const loads = fc.array(fc.nat(9), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(loads, below1, below1, (all, x, y) => {
        const eligible = all.map((load, index) => ({ load, index }));
        const chosen = chooseOfTwo(eligible, yields(x, y));
        const first = Math.floor(x * eligible.length);
        const second = (first + 1 + Math.floor(y * (eligible.length - 1))) % eligible.length;
        assert.notEqual(first, second);
        assert.ok(chosen?.index === first || chosen?.index === second);
        assert.equal(chosen?.load, Math.min(all[first] ?? 0, all[second] ?? 0));
      }),
    );
  });

  it('can pick each endpoint', () => {
    const eligible = [0, 1, 2, 3].map((index) => ({ load: 0, index }));
    const reached = new Set<number | undefined>();
    for (let x = 0; x < 1; x += 0.05)
      for (let y = 0; y < 1; y += 0.05) reached.add(chooseOfTwo(eligible, yields(x, y))?.index);
    assert.deepEqual(reached, new Set([0, 1, 2, 3]));
  });
});

describe('chooseOfTwoWeighted', () => {
  const weighted = (...weights: number[]): { weight: number; load: number; index: number }[] =>
    weights.map((weight, index) => ({ weight, load: 0, index }));

  it('is used only where weights differ', () => {
    assert.equal(weightSumsOf([]), null);
    assert.equal(weightSumsOf(weighted(3, 3)), null);
    assert.deepEqual(weightSumsOf(weighted(3, 1, 5)), [3, 4, 9]);
  });

  it('gives idle endpoints requests in proportion to their weights', () => {
    const endpoints = weighted(1, 9, 90);
    const picks = [0, 0, 0];
    const sums = weightSumsOf(endpoints) ?? [];
    for (let x = 0.5; x < 100; x++) {
      const { index } = chooseOfTwoWeighted(endpoints, sums, yields(x / 100, 0.5)) ?? { index: -1 };
      picks[index] = (picks[index] ?? 0) + 1;
    }
    assert.deepEqual(picks, [1, 9, 90]);
  });

  it('never picks the one of the two that has more requests in flight for its weight', () => {
    const endpoint = fc.record({ weight: fc.integer({ min: 1, max: 1000 }), load: fc.nat(50) });
    fc.assert(
      fc.property(fc.array(endpoint, { minLength: 2, maxLength: 9 }), below1, below1, (endpoints, x, y) => {
        const sums = weightSumsOf(endpoints);
        if (sums === null) return;
        const total = sums.at(-1) ?? 0;
        const drawn = [x, y].map((number) => endpoints[sums.findIndex((sum) => sum > number * total)]);
        const picked = chooseOfTwoWeighted(endpoints, sums, yields(x, y));
        const perWeight = drawn.map((one) => (one === undefined ? Infinity : one.load / one.weight));
        assert.ok(picked !== null && drawn.includes(picked));
        assert.ok(picked.load / picked.weight <= Math.min(...perWeight) + 1e-9);
      }),
    );
  });
});
