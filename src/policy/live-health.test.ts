import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Instant, after } from '../core/time.ts';
import {
  doubtOf,
  ejected,
  firstPauseMs,
  type LiveHealth,
  type LiveSample,
  longestPauseMs,
  mayEject,
  noted,
  requestsMin,
  tried,
  trialSuccesses,
  trusted,
  unreachableInRowMax,
  windowMs,
} from './live-health.ts';

const start = 1_000_000 as Instant;
const good = (successes: number): LiveSample => ({ successes, failures: 0, unreachableInRow: 0 });
const bad = (failures: number, unreachableInRow = 0): LiveSample => ({ successes: 0, failures, unreachableInRow });

function afterAll(samples: readonly LiveSample[], everyMs = 100, from: LiveHealth = trusted(start)): LiveHealth {
  let now = start;
  let health = from;
  for (const sample of samples) {
    now = after(now, everyMs);
    health = noted(health, sample, now, 0);
  }
  return health;
}

describe('an endpoint is doubted', () => {
  const cases: readonly (readonly [what: string, samples: readonly LiveSample[], doubted: boolean])[] = [
    ['when nothing has been asked of it', [], false],
    ['when more than half of twenty fail', [good(9), bad(11)], true],
    ['when just half of twenty fail', [good(10), bad(10)], false],
    ['when all of nineteen fail, of which none was a connection', [bad(19)], false],
    ['when five connections in a row cannot be made', [bad(2, 2), bad(3, 3)], true],
    ['when four cannot, then one can, then four', [bad(4, 4), good(1), bad(4, 4)], false],
    ['when five cannot, with another failure between', [bad(3, 3), bad(3, 2)], false],
    ['when many succeed and then five connections in a row fail', [good(1000), bad(5, 5)], true],
  ];
  for (const [what, samples, doubted] of cases) {
    test(`${what}: ${doubted ? 'yes' : 'no'}`, () => assert.equal(doubtOf(afterAll(samples)) !== null, doubted));
  }

  test('by the window only: what failed before is forgotten', () => {
    const health = noted(afterAll([bad(100)]), good(1), after(start, windowMs + 5100), 0);
    assert.equal(doubtOf(health), null);
  });

  test('with the figures that say why', () => {
    const doubt = doubtOf(afterAll([good(6), bad(24)]));
    assert.deepEqual(doubt, { requests: 30, failures: 24, windowMs, unreachableInRow: 0 });
  });

  test('never by fewer failures than the rules name, in whatever order they come', () => {
    const sample = fc
      .record({ successes: fc.nat(5), failures: fc.nat(5), row: fc.nat(5) })
      .map(({ successes, failures, row }) => ({ successes, failures, unreachableInRow: Math.min(row, failures) }));
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 40 }), (samples) => {
        const doubt = doubtOf(afterAll(samples));
        const failures = samples.reduce((sum, one) => sum + one.failures, 0);
        if (doubt === null) return true;
        return failures > requestsMin / 2 || failures >= unreachableInRowMax;
      }),
    );
  });
});

describe('an endpoint that is out', () => {
  test('is tried again after its pause, and not before', () => {
    const out = ejected(trusted(start), start, 0);
    assert.equal(tried(out, after(start, firstPauseMs - 1)).state, 'ejected');
    assert.equal(tried(out, after(start, firstPauseMs)).state, 'on_trial');
  });

  test('is trusted again after some successes in a row', () => {
    const out = ejected(trusted(start), start, 0);
    const trial = tried(out, out.until);
    const nearly = noted(trial, good(trialSuccesses - 1), out.until, 0);
    assert.equal(nearly.state, 'on_trial');
    assert.equal(noted(nearly, good(1), out.until, 0).state, 'trusted');
  });

  test('goes out again by the first failure of its trial, for longer each time, up to a limit', () => {
    let health: LiveHealth = ejected(trusted(start), start, 0);
    let now = start;
    const pauses: number[] = [];
    for (let time = 0; time < 8; time++) {
      assert.ok(health.state === 'ejected');
      pauses.push(health.until - now);
      now = health.until;
      health = noted(tried(health, now), bad(1), now, 0);
    }
    assert.deepEqual(pauses, [10_000, 20_000, 40_000, 80_000, 160_000, longestPauseMs, longestPauseMs, longestPauseMs]);
  });

  test('is forgiven after ten good minutes', () => {
    const once = ejected(trusted(start), start, 0);
    const back = trusted(once.until, once.ejections);
    assert.equal(ejected(back, after(back.since, 599_999), 0).ejections, 2);
    assert.equal(ejected(back, after(back.since, 600_000), 0).ejections, 1);
  });

  test('does not come back in the same instant as all others', () => {
    assert.equal(ejected(trusted(start), start, 0.5).until - start, firstPauseMs * 1.1);
  });
});

test('half of the endpoints stay, and always one', () => {
  const most = (passing: number): number => {
    let out = 0;
    while (mayEject(passing, out)) out += 1;
    return out;
  };
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 10].map(most), [0, 0, 1, 1, 2, 2, 3, 5]);
});
