import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExchangeCount } from '../core/counters.ts';
import type { FailureFamily } from '../core/live-incident.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { FamilyWindow, SlidingSeconds } from './family-window.ts';
import { IncidentTracker } from './incident-tracker.ts';

/** Seconds until an incident opens; null: it does not. */
function opensAfter(
  family: FailureFamily,
  seconds: number,
  counts: (second: number) => readonly [requests: number, failed: number],
): number | null {
  const window = new FamilyWindow(family);
  const [requests, attempts] = [new SlidingSeconds(), new SlidingSeconds()];
  for (let second = 1; second <= seconds; second++) {
    const [all, failed] = counts(second);
    requests.add(second, all);
    attempts.add(second, all);
    window.failed.add(second, failed);
    if (window.opens(second, second, requests, attempts)) return second;
  }
  return null;
}

describe('failures become an incident', () => {
  const cases: readonly [
    name: string,
    family: FailureFamily,
    counts: (second: number) => readonly [number, number],
    after: number | null,
  ][] = [
    ['after three that are one in a hundred', 'gone', (second) => [60, second >= 100 ? 1 : 0], 102],
    ['not where they are one in a thousand', 'gone', (second) => [1000, second >= 100 ? 1 : 0], null],
    ['after five 500s of an application that had none', 'application', (second) => [50, second >= 100 ? 3 : 0], 102],
    ['not where an application always had as many', 'application', () => [50, 2], null],
    [
      'where an application has five times as many as always',
      'application',
      (second) => [100, second >= 100 ? 10 : 1],
      102,
    ],
    [
      'after three in a second, soon after two that were too few',
      'gone',
      (second) => (second === 84 ? [3, 3] : [1, second === 70 || second === 71 ? 1 : 0]),
      84,
    ],
    [
      'after the third of some that fail every seven seconds, of few requests',
      'slow',
      (second) => [2, second >= 100 && second % 7 === 0 ? 1 : 0],
      119,
    ],
    ['not where as few fail of many', 'slow', (second) => [6, second >= 100 && second % 10 === 0 ? 1 : 0], null],
    [
      'after 24 in a second, of so many requests that they are less than one in a hundred of five seconds',
      'gone',
      (second) => [800, second === 100 ? 24 : 0],
      100,
    ],
    ['not after nine in a second of so many', 'gone', (second) => [800, second === 100 ? 9 : 0], null],
    [
      'where few requests come and most fail',
      'gone',
      (second) => (second % 10 === 0 ? [1, second >= 100 ? 1 : 0] : [0, 0]),
      120,
    ],
  ];
  for (const [name, family, counts, after] of cases)
    test(name, () => assert.equal(opensAfter(family, 200, counts), after));
});

/** When incidents of an application open and are over within five minutes. */
function incidentsOf(requestsAt: (second: number) => number, failedAt: (second: number) => number): readonly string[] {
  const tracker = new IncidentTracker(0);
  const told: string[] = [];
  for (let second = 1; second <= 300; second++) {
    tracker.note({ ...answers(requestsAt(second), failedAt(second)), staleReusesFailed: 0 }, second * 1000);
    for (const { kind } of tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] })))
      if (kind !== 'grown') told.push(`${kind} in ${second}`);
  }
  return told;
}

/** An application answers `all` requests, `failed` of them with 5xx. */
function answers(all: number, failed: number): { exchanges: ExchangeCount[]; outcomes: EndpointOutcomes[] } {
  const exchanges = [
    sampleCount({ upstream: 'app', count: all - failed }),
    sampleCount({ upstream: 'app', count: failed, shape: 'app_error', statusClass: '5xx' }),
  ];
  const outcomes = { upstream: 'app', endpoint: 'app/1', successes: all, serverErrors: failed, causes: [] };
  return { exchanges: exchanges.filter(({ count }) => count > 0), outcomes: [outcomes as unknown as EndpointOutcomes] };
}

describe('an application of which half of the requests fail from its start', () => {
  for (const [rate, requestsAt, failedAt, expected] of [
    ['two a second', () => 2, () => 1, 'opened in 4'],
    ['twenty a second', () => 20, () => 10, 'opened in 1'],
    [
      'one every two seconds',
      (second: number) => second % 2,
      (second: number) => (second % 4 === 1 ? 1 : 0),
      'opened in 13',
    ],
  ] as const)
    test(`has one incident that goes on, with ${rate}`, () =>
      assert.deepEqual(incidentsOf(requestsAt, failedAt), [expected]));
});

describe('an application of which 15 % of the requests fail from its start', () => {
  test('has no incident, where that is not seen in its first second', () =>
    assert.deepEqual(
      incidentsOf(
        () => 20,
        () => 3,
      ),
      [],
    ));
  test('has one incident that goes on, where it is', () =>
    assert.deepEqual(
      incidentsOf(
        () => 100,
        () => 15,
      ),
      ['opened in 1'],
    ));
});

test('attempts whose failure other attempts hide are an incident without a failed request', () => {
  const window = new FamilyWindow('application');
  const [requests, attempts] = [new SlidingSeconds(), new SlidingSeconds()];
  requests.add(1, 40);
  attempts.add(1, 50);
  window.failed.add(1, 0);
  window.attemptsFailed.add(1, 4);
  assert.equal(window.opens(1, 1, requests, attempts), false);
  window.attemptsFailed.add(1, 6);
  assert.equal(window.opens(1, 1, requests, attempts), true);
});

test('an incident begins with a second in which something failed, however much is usual', () => {
  const window = new FamilyWindow('application');
  const requests = new SlidingSeconds();
  for (let second = 1; second <= 100; second++) {
    requests.add(second, 100);
    window.failed.add(second, second % 2 === 0 ? 3 : 0);
    window.opens(second, second, requests, new SlidingSeconds());
  }
  assert.equal(window.begin(101, requests), 100);
});

test('counts of more than five minutes before are forgotten', () => {
  const seconds = new SlidingSeconds();
  seconds.add(10, 5);
  seconds.add(11, 2);
  assert.equal(seconds.sum(12, 5), 7);
  assert.equal(seconds.sum(15, 5), 2);
  seconds.add(314, 1);
  assert.equal(seconds.sum(314, 300), 1);
  seconds.add(2000, 1);
  assert.equal(seconds.sum(2000, 300), 1);
});

test('five attempts in half a minute that other attempts have answered become an incident, where they are a tenth of all', () => {
  const opensAt = (attemptsEachS: number): number | null => {
    const window = new FamilyWindow('network');
    const [requests, attempts] = [new SlidingSeconds(), new SlidingSeconds()];
    for (let second = 1; second <= 200; second++) {
      requests.add(second, attemptsEachS);
      attempts.add(second, attemptsEachS);
      if (second >= 100 && second % 6 === 0) window.attemptsFailed.add(second, 1);
      if (window.opens(second, second, requests, attempts)) return second;
    }
    return null;
  };
  assert.equal(opensAt(1), 126);
  assert.equal(opensAt(2), null);
});

test('where clumps of failures are usual, two of them in one minute are no incident; where none came before, they are', () => {
  const opensAt = (isClumped: boolean, everyS = 600): number | null => {
    const [window, requests, attempts] = [new FamilyWindow('application'), new SlidingSeconds(), new SlidingSeconds()];
    const end = 4 * 3600;
    for (let second = 1; second <= end; second++) {
      // Two requests in five seconds.
      const isAsked = second % 5 < 2;
      const clump = isClumped && second % everyS === 300 ? 3 : second % 1800 === 900 ? 1 : 0;
      const failed = clump + (second === end - 20 || second === end - 3 ? 4 : 0);
      requests.add(second, Math.max(isAsked ? 1 : 0, failed));
      if (failed > 0) window.failed.add(second, failed);
      if (window.opens(second, second, requests, attempts)) return second;
    }
    return null;
  };
  assert.notEqual(opensAt(false), null);
  assert.equal(opensAt(true), null);
  // Where most failures come by themselves, and only some in clumps.
  assert.equal(opensAt(true, 3600), null);
});

test('where clumps of failures are usual, two of them at once are no incident; failures that go on, or are many, are', () => {
  const opensAfterS = (failedAt: (second: number) => number): number | null => {
    const [window, requests, attempts] = [new FamilyWindow('application'), new SlidingSeconds(), new SlidingSeconds()];
    const begin = 4 * 3600;
    for (let second = 1; second <= begin + 60; second++) {
      const usual = second % 600 === 300 ? 3 : second % 60 === 30 ? 1 : 0;
      const failed = second < begin ? usual : failedAt(second - begin);
      requests.add(second, 20);
      if (failed > 0) window.failed.add(second, failed);
      if (window.opens(second, second, requests, attempts)) return second - begin;
    }
    return null;
  };
  const twoClumps = [2, 3, 1, 2];
  assert.equal(
    opensAfterS((second) => twoClumps[second] ?? 0),
    null,
  );
  assert.equal(
    opensAfterS(() => 2),
    10,
  );
  assert.equal(
    opensAfterS(() => 10),
    1,
  );
});
