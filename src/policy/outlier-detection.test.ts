import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Instant, after } from '../core/time.ts';
import {
  outlierEvidenceOf,
  ejected,
  firstPauseMs,
  type OutlierState,
  type OutcomeSample,
  longestPauseMs,
  mayEject,
  afterSample,
  requestsMin,
  startProbation,
  probationSuccesses,
  trusted,
  unreachableInRowMax,
  windowMs,
} from './outlier-detection.ts';

const start = 1_000_000 as Instant;
const good = (successes: number): OutcomeSample => ({ successes, failures: 0, consecutiveUnreachable: 0 });
const bad = (failures: number, consecutiveUnreachable = 0): OutcomeSample => ({
  successes: 0,
  failures,
  consecutiveUnreachable,
});

function afterAll(samples: readonly OutcomeSample[], everyMs = 100, from: OutlierState = trusted(start)): OutlierState {
  let now = start;
  let health = from;
  for (const sample of samples) {
    now = after(now, everyMs);
    health = afterSample(health, sample, now, 0);
  }
  return health;
}

describe('an endpoint is doubted', () => {
  const cases: readonly (readonly [what: string, samples: readonly OutcomeSample[], doubted: boolean])[] = [
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
    test(`${what}: ${doubted ? 'yes' : 'no'}`, () =>
      assert.equal(outlierEvidenceOf(afterAll(samples)) !== null, doubted));
  }

  test('by the window only: what failed before is forgotten', () => {
    const health = afterSample(afterAll([bad(100)]), good(1), after(start, windowMs + 5100), 0);
    assert.equal(outlierEvidenceOf(health), null);
  });

  test('with the figures that say why', () => {
    const evidence = outlierEvidenceOf(afterAll([good(6), bad(24)]));
    assert.deepEqual(evidence, { requests: 30, failures: 24, windowMs, consecutiveUnreachable: 0 });
  });

  test('never by fewer failures than the rules name, in whatever order they come', () => {
    const sample = fc
      .record({ successes: fc.nat(5), failures: fc.nat(5), row: fc.nat(5) })
      .map(({ successes, failures, row }) => ({
        successes,
        failures,
        consecutiveUnreachable: Math.min(row, failures),
      }));
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 40 }), (samples) => {
        const evidence = outlierEvidenceOf(afterAll(samples));
        const failures = samples.reduce((sum, one) => sum + one.failures, 0);
        if (evidence === null) return true;
        return failures > requestsMin / 2 || failures >= unreachableInRowMax;
      }),
    );
  });
});

describe('an endpoint that is out', () => {
  test('is tried again after its pause, and not before', () => {
    const out = ejected(trusted(start), start, 0);
    assert.equal(startProbation(out, after(start, firstPauseMs - 1)).state, 'ejected');
    assert.equal(startProbation(out, after(start, firstPauseMs)).state, 'probation');
  });

  test('is trusted again after some successes in a row', () => {
    const out = ejected(trusted(start), start, 0);
    const trial = startProbation(out, out.until);
    const nearly = afterSample(trial, good(probationSuccesses - 1), out.until, 0);
    assert.equal(nearly.state, 'probation');
    assert.equal(afterSample(nearly, good(1), out.until, 0).state, 'trusted');
  });

  test('goes out again by the first failure of its trial, for longer each time, up to a limit', () => {
    let health: OutlierState = ejected(trusted(start), start, 0);
    let now = start;
    const pauses: number[] = [];
    for (let time = 0; time < 8; time++) {
      assert.ok(health.state === 'ejected');
      pauses.push(health.until - now);
      now = health.until;
      health = afterSample(startProbation(health, now), bad(1), now, 0);
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
