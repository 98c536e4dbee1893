import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instant } from '../core/time.ts';
import { LocalTurnCounter } from '../core/local-semaphore.ts';
import { DrainRate, retryAfterS } from './drain-rate.ts';

/** The turns of one worker alone, or of all that share them. */
function turnsOf(turns = new LocalTurnCounter()): () => LocalTurnCounter {
  return () => turns;
}

describe('the speed of a queue', () => {
  it('says a second while it is not known, at every position', () => {
    const rate = new DrainRate(turnsOf());
    for (const position of [1, 2, 40]) assert.equal(rate.waitMs(0 as Instant, position, false), 1000);
    rate.begin(0 as Instant);
    assert.equal(rate.waitMs(3000 as Instant, 40, true), 3000);
  });

  it('is known from the first interval on, and measured while requests wait', () => {
    const rate = new DrainRate(turnsOf());
    rate.begin(0 as Instant);
    for (let count = 1; count <= 40; count++) {
      assert.equal(rate.isMeasured, count > 8);
      rate.move((count * 100) as Instant);
      assert.equal(Math.round(rate.waitMs((count * 100) as Instant, 10, false)), 1000);
    }
  });

  it('is that of all workers, whichever of them the turns come from', () => {
    const turns = new LocalTurnCounter();
    const rates = Array.from({ length: 8 }, () => new DrainRate(turnsOf(turns)));
    for (const rate of rates) rate.begin(0 as Instant);
    for (let count = 1; count <= 400; count++) rates[count % 8]?.move((count * 10) as Instant);
    for (const rate of rates) assert.equal(Math.round(rate.waitMs(4000 as Instant, 100, true)), 1000);
  });

  it('is measured by a worker whose own requests get no turn', () => {
    const turns = new LocalTurnCounter();
    const [own, other] = [new DrainRate(turnsOf(turns)), new DrainRate(turnsOf(turns))];
    own.begin(0 as Instant);
    other.begin(0 as Instant);
    for (let count = 1; count <= 40; count++) other.move((count * 10) as Instant);
    assert.equal(Math.round(own.waitMs(400 as Instant, 10, true)), 100);
    assert.equal(own.isMeasured, true);
  });

  it('counts for how long the queue has not moved', () => {
    const rate = new DrainRate(turnsOf());
    rate.begin(0 as Instant);
    for (let count = 1; count <= 40; count++) rate.move((count * 100) as Instant);
    assert.equal(rate.waitMs(9000 as Instant, 1, true), 5000);
  });
});

describe('Retry-After', () => {
  const cases: readonly [waitMs: number, random: number, seconds: number][] = [
    [0, 0, 1],
    [0, 0.99, 2],
    [1001, 0, 2],
    [4000, 0, 4],
    [4000, 0.99, 6],
    [59_000, 0.99, 60],
    [1e9, 0.5, 60],
  ];
  for (const [waitMs, random, seconds] of cases) {
    it(`is ${seconds} s for a wait of ${waitMs} ms and the chance ${random}`, () =>
      assert.equal(retryAfterS(waitMs, random), seconds));
  }
});
