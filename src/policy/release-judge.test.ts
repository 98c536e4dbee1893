import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Instant } from '../core/time.ts';
import { ArmSum } from './arm-traffic.ts';
import { ReleaseJudge, requestsNeeded } from './release-judge.ts';
import { names, traffic } from './release-judge.test-support.ts';

const at = (ms: number): Instant => ms as Instant;
const judgeOf = (settings: Partial<ConstructorParameters<typeof ReleaseJudge>[0]> = {}): ReleaseJudge =>
  new ReleaseJudge({ names, routes: ['shop', 'cart'], ...settings });

describe('the judge of releases', () => {
  test('calls a release bad that fails where the old one does not, and names the route and the cause', () => {
    const judge = judgeOf();
    judge.add(traffic('old', 230), 0.05, at(0));
    judge.add(traffic('fresh', 3, { route: 'cart' }), 0.05, at(0));
    judge.add(traffic('fresh', 9, { failures: { connect_reset: 3, response_head_timeout: 1 } }), 0.05, at(0));
    const { verdict, reason, evidence, limit, worst, old, fresh } = judge.judge();
    assert.deepEqual([verdict, limit, evidence >= 100], ['bad', 100, true]);
    assert.equal(reason, '4 of 9 requests of r13 on route shop failed (connect_reset), 0 of 230 of r12');
    assert.deepEqual(worst, { route: 'shop', event: 'failure', cause: 'connect_reset' });
    assert.deepEqual(old, { requests: 230, failures: 0, serverErrors: 0, late: 0 });
    assert.deepEqual(fresh, { requests: 12, failures: 4, serverErrors: 0, late: 0 });
  });

  test('names no route where all have the errors', () => {
    const judge = judgeOf();
    judge.add(traffic('old', 900, { serverErrors: 1 }), 0.1, at(0));
    for (const route of ['shop', 'cart'])
      judge.add(traffic('fresh', 50, { route, serverErrors: 4, failures: { connect_refused: 1 } }), 0.1, at(0));
    const { verdict, reason, worst } = judge.judge();
    assert.equal(verdict, 'bad');
    assert.equal(reason, '10 of 100 requests of r13 failed or were answered with 5xx, 1 of 900 of r12');
    assert.deepEqual(worst, { route: null, event: 'server_error', cause: null });
  });

  test('finds no fault where both fail alike, and tells that nothing can be seen then', () => {
    const judge = judgeOf();
    for (let second = 0; second < 100; second++) {
      judge.add(traffic('old', 90, { failures: { connect_refused: 36 } }), 0.1, at(second * 1000));
      judge.add(traffic('fresh', 10, { failures: { connect_refused: 4 } }), 0.1, at(second * 1000));
    }
    const { verdict, reason, requestsNeeded: needed } = judge.judge();
    assert.deepEqual([verdict, needed], ['inconclusive', 0]);
    assert.equal(reason, 'r12 fails too: 3,600 of 9,000 requests of r12, 400 of 1,000 requests of r13');
  });

  test('calls a release good that fixes what the old one fails at', () => {
    const judge = judgeOf();
    judge.add(traffic('old', 50, { serverErrors: 30 }), 0.5, at(0));
    assert.equal(judge.judge().verdict, 'inconclusive');
    judge.add(traffic('fresh', 50, { serverErrors: 1 }), 0.5, at(0));
    assert.equal(judge.judge().verdict, 'good');
  });

  test('calls a release good when either has had enough requests, and tells until then how many are missing', () => {
    const judge = judgeOf();
    judge.add(traffic('old', 28_500, { serverErrors: 10 }), 0.05, at(0));
    judge.add(traffic('fresh', 1500), 0.05, at(0));
    assert.deepEqual(judge.judge().reason, '1,500 of 1,501 requests of r13 seen');
    judge.add(traffic('fresh', 1), 0.05, at(0));
    const { verdict, reason } = judge.judge();
    assert.deepEqual(
      [verdict, reason],
      ['good', 'no more failures or late responses in 1,501 requests of r13 than in 28,500 of r12'],
    );
    const mostlyFresh = judgeOf();
    mostlyFresh.add(traffic('old', 100), 0.95, at(0));
    mostlyFresh.add(traffic('fresh', 1900), 0.95, at(0));
    assert.equal(mostlyFresh.judge().reason, '100 of 1,501 requests of r12 seen');
  });

  test('says what it has found so far where that is not enough', () => {
    const judge = judgeOf();
    judge.add(traffic('old', 900), 0.1, at(0));
    judge.add(traffic('fresh', 100, { serverErrors: 2 }), 0.1, at(0));
    const { verdict, reason } = judge.judge();
    assert.equal(verdict, 'inconclusive');
    assert.equal(
      reason,
      '100 of 1,501 requests of r13 seen; 2 of 100 requests of r13 on route shop were answered with 5xx, 0 of 900 of r12',
    );
  });

  test('does not abort for a difference that may be small', () => {
    const cases = [
      [60, 'inconclusive'],
      [80, 'bad'],
    ] as const;
    for (const [serverErrors, verdict] of cases) {
      const judge = judgeOf({ routes: ['shop'] });
      judge.add(traffic('old', 1000, { serverErrors: 25 }), 0.5, at(0));
      judge.add(traffic('fresh', 1000, { serverErrors }), 0.5, at(0));
      assert.equal(judge.judge().verdict, verdict);
    }
  });

  test('compares only what chance has chosen', () => {
    const judge = judgeOf();
    for (const share of [0, 1]) judge.add(traffic('fresh', 100, { serverErrors: 100 }), share, at(0));
    const { verdict, fresh } = judge.judge();
    assert.deepEqual([verdict, fresh.requests], ['inconclusive', 0]);
  });

  test('takes a stall of two seconds for no slowness, but lateness that lasts', () => {
    const judge = judgeOf();
    const late = (second: number): void => judge.add(traffic('fresh', 50, { late: 40 }), 0.05, at(second * 1000));
    for (let second = 0; second < 2; second++) late(second);
    assert.equal(judge.judge().verdict, 'inconclusive');
    for (let second = 2; second < 12; second++) late(second);
    const { verdict, worst, reason } = judge.judge();
    assert.deepEqual([verdict, worst?.event], ['bad', 'late']);
    assert.equal(reason, '480 of 600 requests of r13 on route shop were late, 0 of 0 of r12');
  });

  test('counts a client that stays with a release once, even where it has moved to the other since', () => {
    const clientsOfBoth = Array.from({ length: 50 }, (_, client) => client);
    const errorsOf = (clients: readonly number[]) => ({
      serverErrors: clients.length,
      clients: { server_error: clients },
    });
    const sticky = judgeOf({ isSticky: true });
    for (let retry = 0; retry < 50; retry++) sticky.add(traffic('fresh', 1, errorsOf([7])), 0.05, at(retry));
    assert.equal(sticky.judge().verdict, 'inconclusive');
    const moved = judgeOf({ isSticky: true });
    moved.add(traffic('old', 90, errorsOf([1, 2, 3, 4, 5, 6, 7, 8])), 0.05, at(0));
    moved.add(traffic('fresh', 90, errorsOf([1, 2, 3, 4, 5, 6, 7, 8])), 0.25, at(0));
    assert.equal(moved.judge().verdict, 'inconclusive');
    assert.equal(moved.judge().reason, '0 of 31 clients of r13 seen');
    for (const arm of ['old', 'fresh'] as const)
      moved.add(traffic(arm, 50, { clients: { request: clientsOfBoth } }), 0.25, at(0));
    assert.equal(moved.judge().verdict, 'good');
    const several = judgeOf({ isSticky: true });
    several.add(traffic('fresh', 9, errorsOf([1, 2, 3, 4])), 0.05, at(0));
    assert.equal(several.judge().verdict, 'bad');
  });

  test('goes on in another process with what it had', () => {
    const settings = { names, routes: ['shop'], isSticky: true };
    const judge = new ReleaseJudge(settings);
    const rest = traffic('fresh', 9, { failures: { connect_reset: 2 }, clients: { failure: [1, 3] } });
    judge.add(traffic('old', 100, { late: 3, clients: { late: [9] } }), 0.05, at(0));
    judge.add(
      traffic('fresh', 9, { route: 'new', failures: { connect_reset: 1 }, clients: { failure: [1] } }),
      0.05,
      at(0),
    );
    const saved = JSON.parse(JSON.stringify(judge.saved())) as ReturnType<typeof judge.saved>;
    const restored = ReleaseJudge.restored(settings, saved);
    assert.deepEqual(restored.judge(), judge.judge());
    for (const one of [judge, restored]) one.add(rest, 0.25, at(5000));
    assert.deepEqual(restored.judge(), judge.judge());
  });
});

test('under the null the evidence is expected to be 1 or less, whatever events there are', () => {
  const events = [
    'failure',
    'late',
    'late',
    'late',
    'late',
    'late',
    'late',
    'server_error',
    'late',
    'failure',
  ] as const;
  for (const share of [0.05, 0.5, 0.9]) {
    let expected = 0;
    for (let arms = 0; arms < 2 ** events.length; arms++) {
      const judge = judgeOf({ routes: ['shop'] });
      let chance = 1;
      for (const [index, event] of events.entries()) {
        const isFresh = ((arms >> index) & 1) === 1;
        chance *= isFresh ? share : 1 - share;
        const counts = {
          failure: { failures: { connect_reset: 1 } },
          server_error: { serverErrors: 1 },
          late: { late: 1 },
        }[event];
        const route = index % 3 === 0 ? 'new' : 'shop';
        judge.add(traffic(isFresh ? 'fresh' : 'old', 1, { route, ...counts }), share, at(index * 120));
      }
      expected += chance * judge.judge().evidence;
    }
    assert.ok(expected <= 1 + 1e-9 && expected > 0.5, `${share}: ${expected}`);
  }
});

test('how many requests a verdict needs', () => {
  const cases = [
    [0, 0, 1501],
    [0, 100_000, 1501],
    [100, 100_000, 1501],
    [1, 100, 672],
    [1000, 100_000, 158],
    [30_000, 100_000, 31],
  ] as const;
  for (const [serverErrors, requests, needed] of cases) {
    const sum = ArmSum.of({ requests, failures: [], serverErrors, late: 0 });
    assert.equal(requestsNeeded(sum), needed, `${serverErrors} of ${requests}`);
  }
});
