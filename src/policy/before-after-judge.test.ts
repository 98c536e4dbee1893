import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../core/time.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { ArmSum } from './arm-traffic.ts';
import { BeforeAfterJudge } from './before-after-judge.ts';
import { names, traffic } from './release-judge.test-support.ts';

const now = 0 as Instant;

function judgeAfter(before: Readonly<Record<string, { readonly requests: number; readonly serverErrors?: number }>>) {
  const routes = new Map(
    Object.entries(before).map(([route, { requests, serverErrors = 0 }]) => [
      route,
      ArmSum.of({ requests, failures: [], serverErrors, late: 0 }),
    ]),
  );
  return new BeforeAfterJudge({ names, routes });
}

test('a release that fails more often than the old one did before is suspicious', () => {
  const judge = judgeAfter({ shop: { requests: 6000 }, cart: { requests: 54_000, serverErrors: 5 } });
  judge.add(traffic('fresh', 900, { route: 'cart' }), now);
  assert.equal(judge.judge().verdict, 'unsuspicious');
  assert.equal(judge.judge().reason, '900 requests of r13 seen');
  judge.add(traffic('fresh', 100, { failures: { connect_reset: 3 } }), now);
  const { verdict, reason, worst, limit, evidence } = judge.judge();
  assert.deepEqual([verdict, limit, evidence >= 20], ['suspicious', 20, true]);
  assert.equal(reason, '3 of 100 requests of r13 on route shop failed (connect_reset), 0 of 6,000 of r12 before');
  assert.deepEqual(worst, { route: 'shop', event: 'failure', cause: 'connect_reset' });
});

test('a release that fails as often as before, or half as often again, is not, nor is one failure', () => {
  const random = new SeededRandom(7);
  let suspicious = 0;
  for (let run = 0; run < 20; run++) {
    const judge = judgeAfter({ shop: { requests: 6000, serverErrors: 60 } });
    for (let second = 0; second < 300; second++)
      judge.add(traffic('fresh', 10, { serverErrors: random.next() < 0.15 ? 1 : 0 }), (second * 1000) as Instant);
    if (judge.judge().verdict === 'suspicious') suspicious += 1;
  }
  assert.equal(suspicious, 0);
  const once = judgeAfter({ shop: { requests: 60_000 } });
  once.add(traffic('fresh', 1, { serverErrors: 1 }), now);
  assert.equal(once.judge().verdict, 'unsuspicious');
});

test('a route that was not asked for before is compared with all of them', () => {
  const judge = judgeAfter({ shop: { requests: 6000, serverErrors: 300 } });
  judge.add(traffic('fresh', 100, { route: 'new', serverErrors: 5 }), now);
  assert.equal(judge.judge().verdict, 'unsuspicious');
  judge.add(traffic('fresh', 100, { route: 'new', serverErrors: 60 }), now);
  assert.equal(judge.judge().verdict, 'suspicious');
});

test('the comparison goes on in another process with what it had', () => {
  const judge = judgeAfter({ shop: { requests: 6000, serverErrors: 6 }, cart: { requests: 10 } });
  judge.add(traffic('fresh', 100, { serverErrors: 3, late: 4 }), now);
  const saved = JSON.parse(JSON.stringify(judge.saved())) as ReturnType<typeof judge.saved>;
  const restored = BeforeAfterJudge.restored(names, saved);
  assert.deepEqual(restored.judge(), judge.judge());
  for (const one of [judge, restored]) one.add(traffic('fresh', 50, { route: 'new', late: 5 }), 1000 as Instant);
  assert.deepEqual(restored.judge(), judge.judge());
});
