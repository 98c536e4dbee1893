import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import type { Instant } from '../core/time.ts';
import { RetryBudget } from './retry-budget.ts';

const at = (ms: number): Instant => ms as Instant;

/** How many of `tries` are granted at one instant. */
function granted(budget: RetryBudget, now: Instant, tries: number): number {
  let count = 0;
  for (let n = 0; n < tries; n++) if (budget.spend(now)) count++;
  return count;
}

describe('the retry budget', () => {
  it('allows a few retries from the start', () => {
    assert.equal(granted(new RetryBudget(at(0)), at(0), 100), 30);
  });

  it('allows retries of a fifth of the requests at any rate', () => {
    const budget = new RetryBudget(at(0));
    granted(budget, at(0), 30);
    for (let n = 0; n < 100; n++) budget.earn();
    const count = granted(budget, at(0), 1000);
    assert.ok(count === 20 || count === 19, `${count}`); // Tenths are not exact in binary.
  });

  it('allows ten per second where requests earn fewer, and saves up no more than a hundred', () => {
    const budget = new RetryBudget(at(0));
    granted(budget, at(0), 30);
    assert.equal(granted(budget, at(1000), 100), 10);
    assert.equal(granted(budget, at(3_600_000), 1000), 100);
  });

  it('allows no more than a fifth of a thousand requests a second, whatever was saved at the start', () => {
    const budget = new RetryBudget(at(0));
    granted(budget, at(0), 30);
    let repeated = 0;
    for (let now = 0; now < 10_000; now++) {
      budget.earn();
      if (budget.spend(at(now))) repeated++;
    }
    assert.ok(repeated >= 1990 && repeated <= 2001, `${repeated}`);
  });

  it('never allows more than that, in whatever order requests and failures come', () => {
    const steps = fc.array(fc.record({ ms: fc.integer({ min: 0, max: 300 }), fails: fc.boolean() }), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(steps, (journey) => {
        const budget = new RetryBudget(at(0));
        let [now, repeated] = [0, 0];
        for (const { ms, fails } of journey) {
          now += ms;
          budget.earn();
          if (fails && budget.spend(at(now))) repeated++;
        }
        assert.ok(repeated <= 30 + 0.2 * journey.length + now / 100 + 1e-6, `${repeated}`);
      }),
    );
  });
});
