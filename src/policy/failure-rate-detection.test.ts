import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { after, type Instant } from '../core/time.ts';
import { FailureRateDetection } from './failure-rate-detection.ts';
import type { AttemptOutcomes } from './outlier-detection.ts';
import { defaultFailureRate } from './outlier-settings.ts';

const { requestsMin, consecutiveFailuresMax, consecutiveUnreachableMax, windowMs } = defaultFailureRate;
const start = 1_000_000 as Instant;
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
    ['when just half of twenty fail', [bad(9), good(10), bad(1)], false],
    ['when ten in a row fail after they connected', [good(1000), bad(4), bad(6)], true],
    ['when nine do, then one succeeds, then nine fail', [bad(9), good(1), bad(9)], false],
    [
      'when half of many fail in turns',
      Array.from({ length: 100 }, (_, index) => (index % 2 ? good(1) : bad(1))),
      false,
    ],
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
        return failures > requestsMin / 2 || failures >= Math.min(consecutiveFailuresMax, consecutiveUnreachableMax);
      }),
    );
  });

  test('within a second or two of all its requests failing, however many succeeded in the half minute before', () => {
    const detection = new FailureRateDetection();
    let now = start;
    const report = (outcomes: AttemptOutcomes): void => {
      now = after(now, 100);
      detection.onAttemptsEnded(outcomes, 0, now);
    };
    for (let batch = 0; batch < 300; batch++) report(good(100));
    // A request in eight still succeeds, so that few fail in a row.
    let batches = 0;
    while (detection.evidence() === null && batches < 300) {
      report({ ...bad(7), consecutiveFailures: 3, successes: 1 });
      batches += 1;
    }
    assert.ok(batches * 100 <= 3000, `${batches * 100} ms`);
    assert.match(detection.evidence()?.reason ?? '', /^\d+ of \d+ requests within [24] s failed$/);
  });

  test('by 5xx responses only where they count, and then over the whole window', () => {
    const errors = (serverErrors: number): AttemptOutcomes => ({ ...none, successes: serverErrors, serverErrors });
    const counting = new FailureRateDetection({ ...defaultFailureRate, countsServerErrors: true });
    const ignoring = new FailureRateDetection();
    for (const detection of [counting, ignoring]) {
      for (let second = 0; second < 10; second++) detection.onAttemptsEnded(good(10), 0, after(start, second * 1000));
      for (let second = 10; second < 20; second++)
        detection.onAttemptsEnded(errors(10), 0, after(start, second * 1000));
    }
    assert.deepEqual([counting.evidence(), ignoring.evidence()], [null, null], 'half of them');
    counting.onAttemptsEnded(errors(1), 0, after(start, 20_000));
    ignoring.onAttemptsEnded(errors(1000), 0, after(start, 20_000));
    assert.equal(counting.evidence()?.reason, '101 of 201 requests within 30 s failed');
    assert.equal(ignoring.evidence(), null);
  });

  test('by responses 429 with Retry-After only where they count, with the rest that they asked for', () => {
    const limited: AttemptOutcomes = { ...none, successes: 20, rateLimited: 20, restMs: 45_000 };
    const counting = new FailureRateDetection({ ...defaultFailureRate, countsRateLimits: true });
    const ignoring = new FailureRateDetection();
    for (const detection of [counting, ignoring]) detection.onAttemptsEnded(limited, 0, start);
    assert.equal(counting.evidence()?.restMs, 45_000);
    assert.equal(ignoring.evidence(), null);
  });

  const rows: readonly (readonly [
    what: string,
    everyMs: number,
    reports: number,
    othersAreWell: boolean,
    is: boolean,
  ])[] = [
    ['five in a row over a second, while the other endpoints answer', 300, 5, true, true],
    ['four in a row', 500, 4, true, false],
    ['five in a row, while the other endpoints fail too', 300, 5, false, false],
    ['nine in a row of one moment', 10, 9, true, false],
  ];
  for (const [what, everyMs, reports, othersAreWell, isOutlier] of rows) {
    test(`by ${what}: ${isOutlier ? 'yes' : 'no'}`, () => {
      const detection = detectionAfter([good(3), ...Array.from({ length: reports }, () => bad(1))], everyMs);
      assert.equal(detection.evidence(othersAreWell) !== null, isOutlier);
    });
  }

  for (const [what, reports, othersAreWell, isOutlier] of [
    [
      'half in turns, while the other endpoints answer',
      Array.from({ length: 30 }, (_, at) => (at % 2 ? good(1) : bad(1))),
      true,
      true,
    ],
    [
      'half in turns, while they fail too',
      Array.from({ length: 30 }, (_, at) => (at % 2 ? good(1) : bad(1))),
      false,
      false,
    ],
    ['a third and more, while the other endpoints answer', [bad(3), good(13), bad(4)], true, true],
    ['less than a third', [bad(3), good(14), bad(3)], true, false],
  ] as const)
    test(`by ${what}: ${isOutlier ? 'yes' : 'no'}`, () => {
      assert.equal(detectionAfter(reports).evidence(othersAreWell) !== null, isOutlier);
    });

  test('by five in a row only if nothing succeeded between', () => {
    const detection = detectionAfter([bad(1), bad(1), bad(1), good(1), bad(1), bad(1), bad(1), bad(1)], 500);
    assert.equal(detection.evidence(true), null);
  });

  test('by other limits where they are given', () => {
    const detection = new FailureRateDetection({ ...defaultFailureRate, requestsMin: 4, successShareMin: 0.9 });
    detection.onAttemptsEnded(good(5), 0, start);
    assert.equal(detection.evidence(), null);
    detection.onAttemptsEnded(bad(1), 0, start);
    assert.equal(detection.evidence()?.failures, 1);
  });
});

describe('failures of one client', () => {
  const of = (failures: number, ...clients: string[]): AttemptOutcomes => ({
    ...bad(failures),
    failedClients: clients.map((client) => ({ client, count: failures / clients.length })),
  });
  const answered = (...addresses: string[]): readonly AttemptOutcomes[] =>
    addresses.map((answeredBy) => ({ ...good(1), answeredBy }));
  const others = answered('10.0.0.1', '10.0.0.2', '10.0.0.3');
  for (const [what, reports, isOutlier] of [
    ['in a row, while others are answered', [...others, of(1000, '10.9.9.9')], false],
    [
      'in a row and among many, while it is answered too',
      [...others, ...answered('10.9.9.9'), of(10, '10.9.9.9')],
      false,
    ],
    ['between answers of others', Array.from({ length: 30 }, () => [of(9, '10.9.9.9'), ...others]).flat(), false],
    ['with as many of others', [...others, of(5, '10.9.9.9'), of(5, '10.0.0.1')], true],
    [
      'with hundreds more, and as many of others as suffice',
      [...others, of(500, '10.9.9.9'), of(6, '10.0.0.1', '10.0.0.2')],
      true,
    ],
    ['where nobody else is answered', [of(10, '10.9.9.9')], true],
    ['behind another gateway, with its check', [...answered('10.0.0.1', '10.0.0.2'), of(10, '10.9.9.9')], true],
    ['with connections that cannot be made', [...others, bad(5, 5)], true],
    ['that are not told apart', [...others, bad(10)], true],
  ] as const)
    test(`${what}: ${isOutlier ? 'an outlier' : 'none'}`, () => {
      const detection = detectionAfter(reports);
      assert.equal(detection.evidence() !== null, isOutlier);
    });

  test('also with 5xx, where these are failures', () => {
    const detection = new FailureRateDetection({ ...defaultFailureRate, countsServerErrors: true });
    const errors = (client: string): AttemptOutcomes => ({
      ...{ ...none, successes: 30, serverErrors: 30, answeredBy: client },
      errorClients: [{ client, count: 30 }],
    });
    for (const report of [...others, errors('10.9.9.9')]) detection.onAttemptsEnded(report, 0, start);
    assert.equal(detection.evidence(), null);
    detection.onAttemptsEnded(errors('10.0.0.1'), 0, start);
    assert.notEqual(detection.evidence(), null);
  });
});
