import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { after, type Instant } from '../core/time.ts';
import { afterProbation, ejected, mayEject, startProbation, type TrustState, trusted } from './ejection.ts';
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
  return afterProbation(trust, outcomes, now, 0, settings);
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
    const { longestPauseMs } = settings;
    assert.deepEqual(pauses, [10_000, 20_000, 40_000, 80_000, 160_000, longestPauseMs, longestPauseMs, longestPauseMs]);
  });

  test('rests as long as it has asked for, five minutes at most', () => {
    const pause = (restMs: number): number =>
      ejected(trusted(start), start, { ...byChance, restMs }, settings).until - start;
    assert.deepEqual([0, 5000, 45_000, 86_400_000].map(pause), [10_000, 10_000, 45_000, 300_000]);
  });

  test('has the times of its circuit breaker where that keeps requests away: 2 s at most while checks pass', () => {
    for (const [isChecked, expected] of [
      [true, [500, 1000, 2000, 2000]],
      [false, [500, 1000, 2000, 4000]],
    ] as const) {
      const breaker = breakerEjection({ openMs: 500, openMaxMs: null }, settings, isChecked);
      let trust: TrustState = trusted(start);
      const pauses: number[] = [];
      while (pauses.length < expected.length) {
        const out: Extract<TrustState, { state: 'ejected' }> =
          trust.state === 'probation'
            ? (afterProbation(trust, bad, start, 0, breaker) as typeof out)
            : ejected(trust, start, { random: 0, byBreaker: true }, breaker);
        pauses.push(out.until - start);
        trust = startProbation(out, out.until);
        assert.ok(trust.state === 'probation' && trust.byBreaker);
      }
      assert.deepEqual(pauses, expected);
    }
  });

  test('begins with the first pause again after ten good minutes', () => {
    const once = ejected(trusted(start), start, byChance, settings);
    const back = trusted(once.until, once.ejections);
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
