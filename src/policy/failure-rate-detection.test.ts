import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from '../testing/properties.test-support.ts';
import { after, type Instant } from '../core/time.ts';
import { FailureRateDetection } from './failure-rate-detection.ts';
import type { AttemptOutcomes } from './outlier-detection.ts';
import { defaultFailureRate } from './outlier-settings.ts';

const { requestsMin, consecutiveUnreachableMax, windowMs } = defaultFailureRate;
const start = 1_000_000 as Instant;
const none = { successes: 0, serverErrors: 0, failures: 0, consecutiveFailures: 0, consecutiveUnreachable: 0 };
const good = (successes: number): AttemptOutcomes => ({ ...none, successes });
const bad = (failures: number, consecutiveUnreachable = 0): AttemptOutcomes => {
  return { ...none, failures, consecutiveFailures: failures, consecutiveUnreachable };
};

function detectionAfter(reports: readonly AttemptOutcomes[], everyMs = 100): FailureRateDetection {
  const detection = new FailureRateDetection();
  reports.forEach((report, index) => detection.onAttemptsEnded(report, 0, after(start, (index + 1) * everyMs)));
  return detection;
}

describe('an endpoint is an outlier', () => {
  const cases: readonly (readonly [what: string, reports: readonly AttemptOutcomes[], isOutlier: boolean])[] = [
    ['when it had no requests', [], false],
    ['when more than half of twenty fail', [good(9), bad(11)], true],
    ['when just half of twenty fail', [good(10), bad(10)], false],
    ['when all of nineteen fail after they connected', [bad(19)], false],
    ['when five connections in a row cannot be made', [bad(2, 2), bad(3, 3)], true],
    ['when four cannot, then one can, then four cannot', [bad(4, 4), good(1), bad(4, 4)], false],
    ['when five cannot, with another failure between', [bad(3, 3), bad(3, 2)], false],
    ['when many succeed and then five connections in a row fail', [good(1000), bad(5, 5)], true],
  ];
  for (const [what, reports, isOutlier] of cases) {
    test(`${what}: ${isOutlier ? 'yes' : 'no'}`, () => {
      assert.equal(detectionAfter(reports).evidence() !== null, isOutlier);
    });
  }

  test('by the window alone: what failed before is forgotten', () => {
    const detection = detectionAfter([bad(100)]);
    assert.ok(detection.hasFailures);
    detection.onAttemptsEnded(good(1), 0, after(start, windowMs + 5100));
    assert.deepEqual([detection.evidence(), detection.hasFailures], [null, false]);
  });

  test('with the figures that say why', () => {
    assert.deepEqual(detectionAfter([good(6), bad(24)]).evidence(), {
      reason: '24 of 30 requests within 30 s failed',
      ...{ requests: 30, failures: 24, windowMs, consecutiveUnreachable: 0 },
    });
    assert.equal(detectionAfter([good(1), bad(7, 7)]).evidence()?.reason, '7 of 8 requests within 30 s failed');
    assert.equal(detectionAfter([bad(7, 7)]).evidence()?.reason, '7 connections in a row could not be made');
  });

  test('never with fewer failures than the settings name, in whatever order they come', () => {
    const report = fc
      .record({ successes: fc.nat(5), failures: fc.nat(5), row: fc.nat(5) })
      .map(({ successes, failures, row }) => {
        const consecutiveUnreachable = Math.min(row, failures);
        return { ...none, successes, failures, consecutiveFailures: consecutiveUnreachable, consecutiveUnreachable };
      });
    fc.assert(
      fc.property(fc.array(report, { maxLength: 40 }), (reports) => {
        const failures = reports.reduce((sum, one) => sum + one.failures, 0);
        if (detectionAfter(reports).evidence() === null) return true;
        return failures > requestsMin / 2 || failures >= consecutiveUnreachableMax;
      }),
    );
  });

  test('by other limits where they are given', () => {
    const detection = new FailureRateDetection({ ...defaultFailureRate, requestsMin: 4, successShareMin: 0.9 });
    detection.onAttemptsEnded(good(5), 0, start);
    assert.equal(detection.evidence(), null);
    detection.onAttemptsEnded(bad(1), 0, start);
    assert.equal(detection.evidence()?.failures, 1);
  });
});
