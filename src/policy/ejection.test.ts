import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { after, type Instant } from '../core/time.ts';
import {
  afterProbation,
  byOwnBreaker,
  ejected,
  mayEject,
  startProbation,
  type TrustState,
  trusted,
} from './ejection.ts';
import type { AttemptOutcomes } from './outlier-detection.ts';
import { breakerEjection, defaultEjection as settings } from './outlier-settings.ts';

const start = 1_000_000 as Instant;
const byChance = { random: 0, byBreaker: false };
const none = {
  successes: 0,
  serverErrors: 0,
  rateLimited: 0,
  restMs: 0,
  failures: 0,
  consecutiveFailures: 0,
  consecutiveUnreachable: 0,
};
const good = (successes: number): AttemptOutcomes => ({ ...none, successes });
const bad: AttemptOutcomes = { ...none, failures: 1, consecutiveFailures: 1 };

function afterReport(trust: TrustState, outcomes: AttemptOutcomes, now: Instant): TrustState {
  assert.ok(trust.state === 'probation');
  return afterProbation(trust, outcomes, now, byChance, settings);
}

describe('an endpoint that is ejected', () => {
  test('is tried again after its pause, and not before', () => {
    const out = ejected(trusted(start), start, byChance, settings);
    assert.equal(startProbation(out, after(start, settings.firstPauseMs - 1)).state, 'ejected');
    assert.equal(startProbation(out, after(start, settings.firstPauseMs)).state, 'probation');
  });

  test('is trusted again after some successes in a row', () => {
    const out = ejected(trusted(start), start, byChance, settings);
    const nearly = afterReport(startProbation(out, out.until), good(settings.probationSuccesses - 1), out.until);
    assert.equal(nearly.state, 'probation');
    assert.equal(afterReport(nearly, good(1), out.until).state, 'trusted');
  });

  test('is out again after the first failure of its probation, for longer each time, up to a limit', () => {
    let trust: TrustState = ejected(trusted(start), start, byChance, settings);
    let now = start;
    const pauses: number[] = [];
    for (let time = 0; time < 8; time++) {
      assert.ok(trust.state === 'ejected');
      pauses.push(trust.until - now);
      now = trust.until;
      trust = afterReport(startProbation(trust, now), bad, now);
    }
    assert.deepEqual(pauses, [10_000, 20_000, 40_000, 80_000, 160_000, 250_000, 250_000, 250_000]);
  });

  test('rests as long as it has asked for, five minutes at most', () => {
    const pause = (restMs: number): number =>
      ejected(trusted(start), start, { ...byChance, restMs }, settings).until - start;
    assert.deepEqual([0, 5000, 45_000, 86_400_000].map(pause), [10_000, 10_000, 45_000, 300_000]);
  });

  test('has the times of its circuit breaker where that keeps requests away: 2 s at most while checks pass', () => {
    for (const [isChecked, expected] of [
      [true, [500, 1000, 1667, 1667]],
      [false, [500, 1000, 2000, 4000]],
    ] as const) {
      const breaker = breakerEjection({ openMs: 500, openMaxMs: null }, settings, isChecked);
      let trust: TrustState = trusted(start);
      const pauses: number[] = [];
      while (pauses.length < expected.length) {
        const out: Extract<TrustState, { state: 'ejected' }> =
          trust.state === 'probation'
            ? (afterProbation(trust, bad, start, { random: 0, byBreaker: true }, breaker) as typeof out)
            : ejected(trust, start, { random: 0, byBreaker: true }, breaker);
        pauses.push(Math.round(out.until - start));
        trust = startProbation(out, out.until);
        assert.ok(trust.state === 'probation' && trust.byBreaker);
      }
      assert.deepEqual(pauses, expected);
    }
  });

  test('is as long by its circuit breaker as `open` says, also where that is longer than the longest time', () => {
    for (const [openMaxMs, isChecked] of [
      [null, true],
      [null, false],
      [3000, true],
    ] as const) {
      const breaker = breakerEjection({ openMs: 40_000, openMaxMs }, settings, isChecked);
      const out = ejected(trusted(start), start, { random: 0.999_999, byBreaker: true }, breaker);
      assert.equal(Math.round(out.until - start), 40_000);
    }
  });

  test('begins with the first pause again after ten good minutes', () => {
    const once = ejected(trusted(start), start, byChance, settings);
    const back = trusted(once.until, once);
    assert.equal(ejected(back, after(back.since, 599_999), byChance, settings).ejections, 2);
    assert.equal(ejected(back, after(back.since, 600_000), byChance, settings).ejections, 1);
  });

  test('does not come back at the same moment as all others', () => {
    assert.equal(
      ejected(trusted(start), start, { ...byChance, random: 0.5 }, settings).until - start,
      settings.firstPauseMs * 1.1,
    );
  });
});

describe('the pauses of an endpoint', () => {
  test('are never longer than the longest one, chance included', () => {
    const latest = { random: 0.999_999, byBreaker: false };
    let trust: TrustState = trusted(start);
    for (let time = 0; time < 12; time++) {
      trust = ejected(trust, start, latest, settings);
      assert.ok(trust.state === 'ejected' && trust.until - start <= settings.longestPauseMs);
    }
    assert.ok(trust.state === 'ejected' && trust.until - start > settings.longestPauseMs - 1);
  });

  test('are not lengthened by those of its circuit breaker, and do not lengthen them', () => {
    const breaker = breakerEjection({ openMs: 500, openMaxMs: null }, settings, true);
    let trust: TrustState = trusted(start);
    for (let time = 0; time < 6; time++) trust = ejected(trust, start, { random: 0, byBreaker: true }, breaker);
    trust = ejected(trust, start, byChance, settings);
    assert.ok(trust.state === 'ejected');
    assert.equal(trust.until - start, settings.firstPauseMs);
    const fresh = ejected(trust, start, { random: 0, byBreaker: true }, { ...breaker, longestPauseMs: 300_000 });
    assert.equal(fresh.openings, 7);
    assert.equal(fresh.ejections, 1);
  });
});

describe('where no other endpoint is left, the circuit breaker of one that is ejected', () => {
  const breaker = breakerEjection({ openMs: 500, openMaxMs: null }, settings, true);
  const out = ejected(trusted(start), start, byChance, settings);
  for (const [which, trust, afterMs, expected] of [
    ['is open for its first pause since the ejection', out, 400, { state: 'ejected', until: start + 500 }],
    ['is half-open then', out, 500, { state: 'probation', since: start + 500, successes: 0 }],
    ['rests as long as the endpoint has asked for', { ...out, restMs: 4000 }, 500, { until: start + 4000 }],
    ['is half-open where the endpoint is on probation', startProbation(out, out.until), 10_000, { state: 'probation' }],
  ] as const)
    test(which, () => {
      const own = byOwnBreaker(trust, after(start, afterMs), breaker);
      assert.partialDeepStrictEqual(own, { ...expected, byBreaker: true });
    });

  test('stays as it is, and one that is trusted stays trusted', () => {
    const open = ejected(trusted(start), start, { random: 0, byBreaker: true }, breaker);
    for (const trust of [open, trusted(start)]) assert.equal(byOwnBreaker(trust, start, breaker), trust);
  });
});

test('half of the endpoints stay, and always one, unless the settings say otherwise', () => {
  const most = (passing: number, stayingShareMin = settings.stayingShareMin): number => {
    let out = 0;
    while (mayEject(passing, out, { ...settings, stayingShareMin })) out += 1;
    return out;
  };
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 10].map((passing) => most(passing)),
    [0, 0, 1, 1, 2, 2, 3, 5],
  );
  assert.deepEqual([most(10, 0.9), most(10, 0)], [1, 9]);
});
