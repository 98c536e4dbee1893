import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../../../test/properties.ts';
import { sampleFailure } from './fetch-world.test-support.ts';
import { type OriginBreaker, originBreaker } from './origin-breaker.ts';
import { breakerDefaults } from './retry-defaults.ts';

const { openMs, waitMs: waitMaxMs } = breakerDefaults;
const [orders, stock] = ['https://api.example.org/orders', 'https://api.example.org/stock'];
const maintenance = { ...sampleFailure, status: 503, retryAfterMs: 25_000 };

const newBreaker = (): OriginBreaker => originBreaker(breakerDefaults, () => {});
const fail = (breaker: OriginBreaker, now: number, failure = sampleFailure, isProbe = false): void =>
  breaker.failed(failure, orders, isProbe, now, 0);
const admit = (breaker: OriginBreaker, now: number, url = orders): number | null =>
  breaker.admit(now, url, waitMaxMs, 0, false);

/** Open since 0 for `openMs`, and longer for what asked for it. */
function openBreaker(failure = sampleFailure): OriginBreaker {
  const breaker = newBreaker();
  for (let count = 0; count < 5; count++) fail(breaker, 0, failure);
  assert.equal(breaker.state, 'open');
  return breaker;
}

describe('a breaker', () => {
  const rows: readonly (readonly [after: string, outcomes: readonly (number | 'good' | 'asks')[], state: string])[] = [
    ['five failures in a row', [0, 0, 0, 0, 0], 'open'],
    ['four failures in a row', [0, 1, 2, 3], 'closed'],
    ['three failures and nothing else for a while', [0, 0, openMs], 'open'],
    ['three failures in less time', [0, 0, openMs - 1], 'closed'],
    ['two failures', [0, openMs], 'closed'],
    ['three failures that ask for a wait', ['asks', 'asks', 'asks'], 'open'],
    ['two failures, one of which asks for a wait, and nothing else for a while', ['asks', openMs], 'open'],
    ['failures with a good answer between them', [0, 0, 0, 0, 'good', 9000], 'closed'],
    ['a good answer, and failures behind it that are close together', [0, 'good', 9000, 9000, 9001], 'closed'],
    ['every second of twenty', Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? 'good' : 0)), 'open'],
  ];
  for (const [after, outcomes, state] of rows) {
    test(`is ${state} after ${after}`, () => {
      const breaker = newBreaker();
      for (const at of outcomes) {
        if (at === 'good') breaker.succeeded(false);
        else if (at === 'asks') fail(breaker, 0, { ...sampleFailure, retryAfterMs: 100 });
        else fail(breaker, at);
      }
      assert.equal(breaker.state, state);
    });
  }

  const asked: readonly (readonly [
    what: string,
    now: number,
    url: string,
    waitMaxMs: number,
    answer: number | null,
  ])[] = [
    ['waits with a call to the path that asked for it', 1000, orders, waitMaxMs, 4000],
    ['sends a call to another path', 1000, stock, waitMaxMs, null],
    ['sends a call that has no time to wait', 1000, orders, 3999, null],
    ['sends a call when the wait is over', 5000, orders, waitMaxMs, null],
  ];
  for (const status of [429, 503]) {
    for (const [what, now, url, maxMs, answer] of asked) {
      test(`that a ${status} with Retry-After has left closed ${what}`, () => {
        const breaker = newBreaker();
        fail(breaker, 0, { ...sampleFailure, status, retryAfterMs: 5000 });
        assert.equal(breaker.state, 'closed');
        assert.equal(breaker.admit(now, url, maxMs, 0, false), answer);
      });
    }
  }

  test('sends another probe while the first one has no answer, and closes by the first that is good', () => {
    const breaker = openBreaker();
    assert.equal(admit(breaker, openMs), null);
    assert.equal(admit(breaker, 2.5 * openMs - 1), 0);
    assert.equal(admit(breaker, 2.5 * openMs), null);
    breaker.succeeded(true);
    fail(breaker, 3 * openMs, sampleFailure, true);
    breaker.cancelled(3 * openMs);
    assert.equal(breaker.state, 'closed');
  });

  test('sends a call to another path that it would refuse, and no other before Retry-After', () => {
    const breaker = openBreaker(maintenance);
    const pauseMs = 0.95 * openMs;
    assert.ok(admit(breaker, pauseMs - 1, stock) !== null, 'but for a short while');
    assert.equal(admit(breaker, pauseMs, orders), 25_000);
    assert.equal(admit(breaker, pauseMs, stock), null);
    breaker.cancelled(pauseMs);
    assert.ok(admit(breaker, pauseMs, orders) !== null, 'whatever becomes of the probe');
    assert.equal(admit(breaker, pauseMs, stock), null);
    breaker.succeeded(true);
    assert.equal(breaker.state, 'closed');
  });

  for (const [waiters, pause, spread] of [
    [0, 0.95, 0.05],
    [15, 0.8, 0.2],
    [75, 0.2, 0.8],
    [500, 0.2, 0.8],
  ] as const)
    test(`behind which ${waiters} calls wait probes after ${pause} of its time, and lets them come back in ${spread}`, () => {
      let pauseMs: number | null = null;
      const breaker = originBreaker(breakerDefaults, ({ openMs: ms }) => (pauseMs = ms));
      for (let count = 0; count < 5; count++) fail(breaker, 0);
      for (let count = 0; count < waiters; count++) assert.ok(admit(breaker, 0) !== null);
      assert.equal(admit(breaker, openMs), null);
      fail(breaker, openMs, sampleFailure, true);
      assert.equal(pauseMs, openMs * pause);
      const [soonest, latest] = [0, 1].map((chance) => breaker.admit(openMs, orders, waitMaxMs, chance, true));
      assert.ok(Math.abs(latest! - soonest! - openMs * spread) < 1e-6);
    });

  test('whatever the chance: a probe in time, none before Retry-After, and all that waited soon behind a good one', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.integer({ min: 0, max: 3000 }), isRepeatable: fc.boolean() }), {
          minLength: 1,
          maxLength: 30,
        }),
        fc.integer({ min: 0, max: 5000 }),
        fc.infiniteStream(chance),
        (begins, retryAfterMs, chances) => {
          const draw = (): number => chances.next().value;
          const breaker = newBreaker();
          for (let count = 0; count < 5; count++)
            breaker.failed({ ...sampleFailure, retryAfterMs }, orders, false, 0, draw());
          const callers = begins.map((begun) => ({ ...begun, begun: begun.at, isIn: false }));
          const firstAt = Math.min(...begins.map(({ at }) => at));
          const [answerMs, soonMs] = [50, openMs / 3];
          let goodAt: number | null = null;
          while (callers.some(({ isIn }) => !isIn)) {
            const next = callers.filter(({ isIn }) => !isIn).toSorted((a, b) => a.at - b.at)[0]!;
            if (goodAt !== null && next.at >= goodAt && breaker.state === 'half_open') breaker.succeeded(true);
            const waitMs = breaker.admit(
              next.at,
              orders,
              Number.POSITIVE_INFINITY,
              next.isRepeatable ? draw() : (1 + draw()) / 2,
              next.at > next.begun,
            );
            if (waitMs !== null) next.at += Math.max(waitMs, 1);
            else {
              next.isIn = true;
              assert.ok(next.at >= retryAfterMs);
              if (goodAt === null) {
                assert.ok(next.at <= Math.max(firstAt, retryAfterMs + openMs) + soonMs);
                goodAt = next.at + answerMs;
              }
              const { begun } = next;
              assert.ok(next.at <= Math.max(begun, goodAt) + soonMs + 1, `${next.at} behind ${goodAt}`);
              assert.ok(next.at <= Math.max(begun, retryAfterMs) + 2000);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
