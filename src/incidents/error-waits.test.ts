import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { durationBoundsMs, type ExchangeCount } from '../core/counters.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { IncidentTracker } from './incident-tracker.ts';

function counted(route: string, count: number, ms: number, more: Partial<ExchangeCount> = {}): ExchangeCount {
  const durations = new Array<number>(durationBoundsMs.length + 1).fill(0);
  durations[durationBoundsMs.findIndex((bound) => ms <= bound)] = count;
  return sampleCount({ upstream: 'shop', route, count, durations, durationMsMin: ms, durationMsMax: ms, ...more });
}

/** Half of the requests of one route fail in the way of the test; returns the first suspect then. */
function firstSuspect(msOf: (second: number) => number, elsewhereFails = false): string {
  const tracker = new IncidentTracker(0);
  const failure = { shape: 'app_error', statusClass: '5xx' } as const;
  for (let second = 1; second <= 90; second++) {
    const failing = second > 60;
    const exchanges = ['checkout', 'cart', 'search'].flatMap((route, at) =>
      failing && (at === 0 || elsewhereFails)
        ? [counted(route, 4, 40), counted(route, 4, msOf(second), failure)]
        : [counted(route, 8, 40)],
    );
    const responses = failing
      ? [{ endpoint: 'shop/1', method: 'GET' as const, upstream: 'shop', status: 504, count: 4 }]
      : [];
    tracker.note({ exchanges, responses, outcomes: [], staleReusesFailed: 0 }, second * 1000);
    tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }));
  }
  const [first] = tracker.list(91_000)[0]?.suspects ?? [];
  return first === undefined ? 'none' : `${first.name}: ${first.sentence}`;
}

describe('an application whose own errors', () => {
  test('all take 3.0 s waits for something on that route', () =>
    assert.match(
      firstSuspect((second) => 3000 + (second % 7)),
      /^dependency: .* after 3 s, its timeout for it, on the route checkout\./,
    ));
  test('take different times, as long as its other responses, or no time, fails by itself', () => {
    assert.match(
      firstSuspect((second) => 300 * (second % 9) + 250),
      /^application_errors/,
    );
    assert.match(
      firstSuspect(() => 45),
      /^application_errors/,
    );
    assert.match(
      firstSuspect(() => 1),
      /^application_errors/,
    );
  });
  test('come on every route after one time waits for it everywhere', () =>
    assert.match(
      firstSuspect(() => 2000, true),
      /^dependency: .* on the routes checkout, cart, search\./,
    ));
});
