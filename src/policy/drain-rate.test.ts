import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instant } from '../core/time.ts';
import { LocalTurnCounter } from '../core/local-semaphore.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { DrainRate, retryAfterS, type SharedQueue } from './drain-rate.ts';
import { type QueueScenario, toldWaits, truthfulShare } from './queue-model.test-support.ts';

/** The queue of one worker alone, or of all that share it. */
function queueOf(total = 1): () => SharedQueue {
  const shared = { turns: new LocalTurnCounter(), waitingRequests: { total } };
  return () => shared;
}

describe('the speed of a queue', () => {
  it('says a second while it is not known, at every position', () => {
    const rate = new DrainRate(queueOf());
    for (const position of [1, 2, 40]) assert.equal(rate.waitMs(0 as Instant, position, false), 1000);
    rate.begin(0 as Instant);
    assert.equal(rate.waitMs(3000 as Instant, 40, true), 3000);
  });

  it('is known from the first turn on, and measured while requests wait', () => {
    const rate = new DrainRate(queueOf());
    rate.begin(0 as Instant);
    for (let count = 1; count <= 40; count++) {
      assert.equal(rate.isMeasured, count > 8);
      rate.move((count * 100) as Instant);
      assert.equal(Math.round(rate.waitMs((count * 100) as Instant, 10, false)), 1000);
    }
  });

  it('is that of all workers, whichever of them the turns come from', () => {
    const shared = queueOf(8);
    const rates = Array.from({ length: 8 }, () => new DrainRate(shared));
    for (const rate of rates) rate.begin(0 as Instant);
    for (let count = 1; count <= 400; count++) rates[count % 8]?.move((count * 10) as Instant);
    for (const rate of rates) assert.equal(Math.round(rate.waitMs(4000 as Instant, 100, true)), 1000);
  });

  it('is measured by a worker whose own requests get no turn', () => {
    const shared = queueOf(2);
    const [own, other] = [new DrainRate(shared), new DrainRate(shared)];
    own.begin(0 as Instant);
    other.begin(0 as Instant);
    for (let count = 1; count <= 40; count++) other.move((count * 10) as Instant);
    assert.equal(Math.round(own.waitMs(400 as Instant, 10, true)), 100);
    assert.equal(own.isMeasured, true);
  });

  it('is measured by a worker of which no request waits, from its second refusal on', () => {
    const shared = queueOf(2);
    const [own, other] = [new DrainRate(shared), new DrainRate(shared)];
    other.begin(0 as Instant);
    assert.equal(own.waitMs(0 as Instant, 10, false), 1000);
    for (let count = 1; count <= 40; count++) other.move((count * 10) as Instant);
    assert.equal(Math.round(own.waitMs(400 as Instant, 100, false)), 1000);
  });

  it('does not count the time in which no request waited', () => {
    const shared = queueOf(1);
    const rate = new DrainRate(shared);
    rate.begin(0 as Instant);
    for (let count = 1; count <= 20; count++) rate.move((count * 100) as Instant);
    rate.begin(9000 as Instant);
    rate.move(9100 as Instant);
    assert.equal(Math.round(rate.waitMs(9100 as Instant, 10, true)), 1000);
  });

  it('counts several turns at once as what they are on average, just before and just after them', () => {
    const rate = new DrainRate(queueOf(100));
    rate.begin(0 as Instant);
    for (let burst = 1; burst <= 20; burst++)
      for (let count = 0; count < 10; count++) rate.move((burst * 200) as Instant);
    for (const at of [4000, 4199]) {
      const waitMs = rate.waitMs(at as Instant, 100, true);
      assert.ok(waitMs > 1800 && waitMs < 2200, `${waitMs} ms at ${at}`);
    }
  });

  it('counts for how long the queue has not moved', () => {
    const rate = new DrainRate(queueOf());
    rate.begin(0 as Instant);
    for (let count = 1; count <= 40; count++) rate.move((count * 100) as Instant);
    assert.equal(rate.waitMs(9000 as Instant, 1, true), 5000);
  });

  it('says at most how long a request may wait: those before it have left by then', () => {
    const rate = new DrainRate(queueOf());
    rate.begin(0 as Instant);
    for (let count = 1; count <= 40; count++) rate.move((count * 100) as Instant);
    assert.equal(Math.round(rate.waitMs(4000 as Instant, 128, true, 2000)), 2100);
    assert.equal(Math.round(rate.waitMs(4000 as Instant, 128, true)), 12_800);
  });
});

describe('Retry-After', () => {
  const cases: readonly [waitMs: number, random: number, seconds: number][] = [
    [0, 0, 1],
    [0, 0.99, 1],
    [834, 0.99, 2],
    [1001, 0, 2],
    [4000, 0, 5],
    [4000, 0.99, 6],
    [40_000, 0.99, 60],
    [1e9, 0.5, 60],
  ];
  for (const [waitMs, random, seconds] of cases) {
    it(`is ${seconds} s for a wait of ${waitMs} ms and the chance ${random}`, () =>
      assert.equal(retryAfterS(waitMs, random), seconds));
  }

  const usual = { firstShare: 0.5, queueMax: 128, queueMs: 2000, burst: 1, even: false, lastsMs: 30_000 };
  const scenarios: readonly [name: string, scenario: Omit<QueueScenario, 'workers'>][] = [
    ['a queue of the usual length', { ...usual, perSecond: () => 100 }],
    ['a queue in which most requests wait in vain', { ...usual, perSecond: () => 20 }],
    ['a queue of some seconds', { ...usual, queueMs: 30_000, lastsMs: 60_000, perSecond: () => 20 }],
    ['turns that come twenty at once', { ...usual, queueMs: 30_000, burst: 20, even: true, perSecond: () => 20 }],
    ['a worker with few requests', { ...usual, firstShare: 0.95, perSecond: () => 100 }],
  ];
  for (const [name, scenario] of scenarios) {
    for (const workers of [1, 2]) {
      it(`is one to two times the wait, in whole seconds, for 19 of 20 refusals: ${name}, ${workers} workers`, () => {
        const told = toldWaits({ ...scenario, workers }, new SeededRandom(name)).filter(({ atMs }) => atMs > 3000);
        const { early, late, count } = truthfulShare(told);
        assert.ok(count > 200, `${count} refusals`);
        assert.ok(early + late <= 0.05, `${early} too early, ${late} too late`);
      });
    }
  }

  for (const workers of [1, 2]) {
    it(`follows a queue whose speed changes threefold within 5 s, ${workers} workers`, () => {
      const periodMs = 15_000;
      const perSecond = (atMs: number): number => (Math.floor(atMs / periodMs) % 2 === 0 ? 60 : 20);
      const scenario = { ...usual, workers, queueMax: 64, queueMs: 30_000, lastsMs: 120_000, perSecond };
      // What a request is told before a change that it waits beyond, nobody could have known.
      const told = toldWaits(scenario, new SeededRandom('changes')).filter(({ atMs, waitMs }) => {
        const phaseMs = atMs % periodMs;
        return atMs > periodMs && phaseMs > 5000 && phaseMs + waitMs < periodMs;
      });
      const { early, late, count } = truthfulShare(told);
      assert.ok(count > 200, `${count} refusals`);
      assert.ok(early + late <= 0.05, `${early} too early, ${late} too late`);
    });
  }
});
