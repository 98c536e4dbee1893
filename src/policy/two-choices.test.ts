import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { chooseOfTwo } from './two-choices.ts';

/** Chance that says these numbers, and remembers how many were asked for. */
function saying(...numbers: number[]): { next(): number; fill(): void; asked: number } {
  return {
    asked: 0,
    next() {
      return numbers[this.asked++] ?? 0;
    },
    fill() {},
  };
}

const below1 = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('chooseOfTwo', () => {
  it('has nothing to choose from nothing, and asks no chance for one', () => {
    assert.equal(chooseOfTwo([], saying()), null);
    const chance = saying();
    assert.deepEqual(chooseOfTwo([{ load: 9 }], chance), { load: 9 });
    assert.equal(chance.asked, 0);
  });

  it('draws two different ones, and never takes the more loaded of them', () => {
    const loads = fc.array(fc.nat(9), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(loads, below1, below1, (all, x, y) => {
        const eligible = all.map((load, place) => ({ load, place }));
        const chosen = chooseOfTwo(eligible, saying(x, y));
        const first = Math.floor(x * eligible.length);
        const second = (first + 1 + Math.floor(y * (eligible.length - 1))) % eligible.length;
        assert.notEqual(first, second);
        assert.ok(chosen?.place === first || chosen?.place === second);
        assert.equal(chosen?.load, Math.min(all[first] ?? 0, all[second] ?? 0));
      }),
    );
  });

  it('reaches every one', () => {
    const eligible = [0, 1, 2, 3].map((place) => ({ load: 0, place }));
    const reached = new Set<number | undefined>();
    for (let x = 0; x < 1; x += 0.05)
      for (let y = 0; y < 1; y += 0.05) reached.add(chooseOfTwo(eligible, saying(x, y))?.place);
    assert.deepEqual(reached, new Set([0, 1, 2, 3]));
  });
});
