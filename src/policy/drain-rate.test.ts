import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instant } from '../core/time.ts';
import { DrainRate, retryAfterS } from './drain-rate.ts';

describe('the speed of a queue', () => {
  it('says a second while it is not known, at every position', () => {
    const rate = new DrainRate();
    for (const position of [1, 2, 40]) assert.equal(rate.waitMs(0 as Instant, position, false), 1000);
    rate.begin(0 as Instant);
    assert.equal(rate.waitMs(3000 as Instant, 40, true), 3000);
  });

  it('is known from the first interval on, and measured while requests wait', () => {
    const rate = new DrainRate();
    rate.begin(0 as Instant);
    for (let count = 1; count <= 40; count++) {
      assert.equal(rate.isMeasured, count > 8);
      rate.move((count * 100) as Instant);
      assert.equal(Math.round(rate.waitMs((count * 100) as Instant, 10, false)), 1000);
    }
  });

  it('counts for how long the queue has not moved', () => {
    const rate = new DrainRate();
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
