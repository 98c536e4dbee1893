import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { durationBoundsMs, type ExchangeCount } from '../core/counters.ts';
import * as fc from '../../test/properties.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { bucketOf } from './counters.ts';
import { LastMinute } from './last-minute.ts';

/** The counts that a worker sends for `durationsMs.length` exchanges. */
function counted(durationsMs: readonly number[], labels: Partial<ExchangeCount> = {}): ExchangeCount {
  const durations = new Array<number>(durationBoundsMs.length + 1).fill(0);
  for (const ms of durationsMs) {
    const cell = bucketOf(ms);
    durations[cell] = (durations[cell] ?? 0) + 1;
  }
  return {
    ...{
      route: 'r',
      upstream: 'api',
      statusClass: '2xx',
      shape: 'none',
      cause: 'none',
      end: 'forwarded',
      grpcStatus: null,
    },
    ...{
      count: durationsMs.length,
      durationMsSum: 0,
      durationMsMin: Math.min(...durationsMs),
      durationMsMax: Math.max(...durationsMs),
      bytesIn: 0,
      bytesOut: 0,
      durations,
    },
    ...labels,
  };
}

function begin(): { clock: SimulatedClock; minute: LastMinute } {
  const clock = new SimulatedClock();
  return { clock, minute: new LastMinute(clock) };
}

const times = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);

describe('the last minute', () => {
  test('has rate, errors and percentiles of each upstream and of all requests', () => {
    const { clock, minute } = begin();
    clock.advanceSync(10_000);
    minute.add([
      counted([...times(980, 3.2), ...times(10, 80)]),
      counted(times(10, 900), { statusClass: '5xx', shape: 'app_error' }),
    ]);
    minute.add([counted(times(5, 0.3), { upstream: 'web' })]);
    const api = minute.of('api');
    assert.deepEqual([api.requests, api.errors, api.errorShare], [1000, 10, 0.01]);
    assert.deepEqual([api.seconds, api.requestsPerS], [10, 100]);
    assert.ok(Math.abs((api.p50Ms ?? 0) - 3.2) / 3.2 < 0.17, String(api.p50Ms));
    assert.ok(Math.abs((api.p99Ms ?? 0) - 80) / 80 < 0.17, String(api.p99Ms));
    assert.deepEqual([minute.of('web').requests, minute.all.requests], [5, 1005]);
  });

  test('counts as errors neither clients that left nor what a maintenance or a pause refuses', () => {
    const { minute } = begin();
    const refused = { statusClass: '5xx', shape: 'refused_by_gateway' } as const;
    minute.add([
      counted(times(3, 1), { ...refused, cause: 'maintenance' }),
      counted(times(3, 1), { ...refused, cause: 'pause_timeout' }),
      counted(times(1, 1), { ...refused, cause: 'pause_full' }),
      counted(times(2, 1), { ...refused, cause: 'pool_full' }),
      counted(times(4, 1), { end: 'truncated', shape: 'client_abort' }),
    ]);
    assert.deepEqual([minute.of('api').requests, minute.of('api').errors], [13, 2]);
  });

  test('counts requests that their clients left, and has the rate of the last seconds beside that of the minute', () => {
    const { clock, minute } = begin();
    for (let second = 0; second < 90; second += 1) {
      minute.add([counted(times(100, 1))]);
      if (second >= 70)
        minute.add([counted(times(489, 2000), { statusClass: 'none', shape: 'client_abort', end: 'abandoned' })]);
      clock.advanceSync(1000);
    }
    const { requestsPerS, recentPerS, abandoned, errors } = minute.of('api');
    assert.deepEqual([recentPerS, abandoned, errors], [589, 489 * 20, 0]);
    assert.ok(requestsPerS > 250 && requestsPerS < 300, String(requestsPerS));
    clock.advanceSync(15_000);
    assert.equal(minute.of('api').recentPerS, 0);
    assert.deepEqual([minute.of('none').recentPerS, minute.of('none').abandoned], [0, 0]);
  });

  test('counts as left by clients neither what the gateway refused with 413 or 400 nor a response that was cut', () => {
    const { minute } = begin();
    const refused = { statusClass: '4xx', shape: 'client_abort', cause: 'request_refused', end: 'generated' } as const;
    minute.add([
      counted(times(6, 1), refused),
      counted(times(2, 1), { ...refused, end: 'truncated' }),
      counted(times(3, 1), { statusClass: '2xx', shape: 'client_abort', cause: 'client_gone', end: 'abandoned' }),
    ]);
    const { requests, abandoned, errors } = minute.of('api');
    assert.deepEqual([requests, abandoned, errors], [11, 3, 0]);
  });

  test('without requests has null for percentiles and error share', () => {
    const { minute } = begin();
    const { requests, requestsPerS, errors, errorShare, p50Ms, p99Ms } = minute.of('nobody');
    assert.deepEqual([requests, requestsPerS, errors, errorShare, p50Ms, p99Ms], [0, 0, 0, null, null, null]);
  });

  test('forgets requests older than a minute, even after a long pause', () => {
    const { clock, minute } = begin();
    for (let second = 0; second < 600; second += 1) {
      minute.add([counted(times(second < 300 ? 100 : 10, 1))]);
      clock.advanceSync(1000);
      const { seconds, requests } = minute.of('api');
      assert.ok(seconds <= 60.001 && seconds >= Math.min(second, 55), `${seconds} at ${second}`);
      if (second < 300) assert.equal(requests / 100, Math.round(seconds));
      if (second >= 360) assert.equal(requests / 10, Math.round(seconds));
    }
    for (const pauseMs of [59_000, 61_000, 600_000, 86_400_000]) {
      clock.advanceSync(pauseMs);
      minute.add([counted([2])]);
      clock.advanceSync(1);
      if (pauseMs > 60_000) assert.equal(minute.of('api').requests, 1, String(pauseMs));
      clock.advanceSync(70_000);
      assert.equal(minute.of('api').requests, 0);
    }
  });

  test('counts each 5xx and each truncated response as an error, but not a client that left or a 404', () => {
    const { minute } = begin();
    minute.add([
      counted([1], { statusClass: '5xx', shape: 'unreachable' }),
      counted([1], { shape: 'reset', end: 'truncated' }),
      counted([1], { statusClass: 'none', shape: 'client_abort', end: 'abandoned' }),
      counted([1], { statusClass: '4xx', shape: 'refused_by_gateway', end: 'generated' }),
    ]);
    assert.deepEqual([minute.of('api').requests, minute.of('api').errors], [4, 2]);
  });

  test('does not count a tunnel as a slow request', () => {
    const { minute } = begin();
    minute.add([counted(times(10, 2)), counted(times(90, 99_000), { statusClass: '1xx' })]);
    const { requests, p99Ms } = minute.of('api');
    assert.equal(requests, 100);
    assert.ok((p99Ms ?? Infinity) <= 2.25, String(p99Ms));
  });

  test('has rate, errors and percentiles of each route, over all upstreams', () => {
    const { clock, minute } = begin();
    clock.advanceSync(10_000);
    minute.add([
      counted(times(90, 3), { route: '/cart' }),
      counted(times(10, 900), { route: '/cart', upstream: 'web', statusClass: '5xx', shape: 'app_error' }),
      counted(times(7, 1), { route: '/' }),
    ]);
    const { requests, errors, p50Ms, p99Ms } = minute.ofRoute('/cart');
    assert.deepEqual([requests, errors], [100, 10]);
    assert.ok((p50Ms ?? Infinity) < 3.6 && (p99Ms ?? 0) > 750, `${p50Ms} ${p99Ms}`);
    assert.deepEqual(minute.countsOfRoute('/cart'), { requests: 100, errors: 10 });
    assert.deepEqual([minute.ofRoute('/').requests, minute.countsOfRoute('/none').requests], [7, 0]);
  });

  test('does not count the lifetime of a stream as a slow request', () => {
    const { minute } = begin();
    minute.add([counted(times(10, 2)), counted(times(90, 76_000), { isLongLived: true })]);
    const [all, route] = [minute.all, minute.ofRoute('r')];
    assert.deepEqual([all.requests, route.requests], [100, 100]);
    assert.ok((all.p99Ms ?? Infinity) <= 2.25 && (route.p99Ms ?? Infinity) <= 2.25, `${all.p99Ms} ${route.p99Ms}`);
  });

  test('has percentiles between the shortest and the longest request of that minute', () => {
    const durations = fc.array(fc.double({ min: 0, max: 200_000, noNaN: true }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(durations, durations, (earlier, some) => {
        const { clock, minute } = begin();
        minute.add([counted(earlier)]);
        clock.advanceSync(65_000);
        minute.add([counted(some), counted([300_000], { statusClass: '1xx' })]);
        const { p50Ms, p99Ms } = minute.of('api');
        const [min, max] = [Math.min(...some), Math.max(...some)].map((ms) => Math.round(ms * 1000) / 1000);
        assert.ok(min! <= p50Ms! && p50Ms! <= p99Ms! && p99Ms! <= max!, `${min} ≤ ${p50Ms} ≤ ${p99Ms} ≤ ${max}`);
      }),
    );
  });

  test('holds a limited number of upstreams, and makes room for new ones after a minute', () => {
    const { clock, minute } = begin();
    minute.add(Array.from({ length: 2500 }, (_, at) => counted([1], { upstream: `u${at}` })));
    assert.deepEqual([minute.of('u1999').requests, minute.of('u2400').requests, minute.all.requests], [1, 0, 2500]);
    clock.advanceSync(61_000);
    minute.add([counted([1], { upstream: 'u2400' })]);
    assert.equal(minute.of('u2400').requests, 1);
  });
});
