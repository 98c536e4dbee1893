import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { after, type Instant } from '../core/time.ts';
import { isGoodTraffic, isStillGoodTraffic, RecentTraffic } from './recent-traffic.ts';

const start = 1_000_000 as Instant;

describe('traffic shows that an endpoint works', () => {
  const cases: readonly (readonly [
    successes: number,
    serverErrors: number,
    failures: number,
    good: boolean,
    still: boolean,
  ])[] = [
    [0, 0, 0, false, true],
    [9, 0, 0, false, true],
    [10, 0, 0, true, true],
    [19, 0, 1, true, true],
    [18, 0, 1, false, false],
    [20, 2, 0, false, false],
    [0, 0, 1, false, false],
  ];
  for (const [successes, serverErrors, failures, good, still] of cases) {
    test(`${successes} answers, ${serverErrors} of them 5xx, and ${failures} failures: ${good ? 'yes' : 'no'}`, () => {
      const traffic = new RecentTraffic();
      traffic.add({ successes, serverErrors, failures }, start);
      const figures = traffic.figures(start);
      assert.deepEqual([isGoodTraffic(figures), isStillGoodTraffic(figures)], [good, still]);
    });
  }

  test('by the last half minute alone', () => {
    const traffic = new RecentTraffic();
    traffic.add({ successes: 0, serverErrors: 0, failures: 50 }, start);
    traffic.add({ successes: 20, serverErrors: 0, failures: 0 }, after(start, 29_000));
    assert.ok(!isGoodTraffic(traffic.figures(after(start, 29_500))));
    assert.deepEqual(traffic.figures(after(start, 31_000)), { requests: 20, failures: 0, windowMs: 30_000 });
  });
});
