import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { durationBoundsMs, type ExchangeCount } from '../core/counters.ts';
import fc from '../../test/properties.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { bucketOf } from './counters.ts';
import { seriesMax, TrafficHistory } from './traffic-history.ts';

/** The counts that a worker sends for these exchanges. */
function counted(durationsMs: readonly number[], labels: Partial<ExchangeCount> = {}): ExchangeCount {
  const durations = new Array<number>(durationBoundsMs.length + 1).fill(0);
  for (const ms of durationsMs) durations[bucketOf(ms)] = (durations[bucketOf(ms)] ?? 0) + 1;
  return {
    route: '/',
    upstream: 'api',
    statusClass: '2xx',
    shape: 'none',
    cause: 'none',
    end: 'forwarded',
    grpcStatus: null,
    count: durationsMs.length,
    durationMsSum: 0,
    durationMsMin: Math.min(...durationsMs),
    durationMsMax: Math.max(...durationsMs),
    bytesIn: 0,
    bytesOut: 0,
    durations,
    ...labels,
  };
}

const failed = { statusClass: '5xx', shape: 'too_slow', cause: 'response_head_timeout' } as const;

function begin(): { readonly clock: SimulatedClock; readonly history: TrafficHistory } {
  const clock = new SimulatedClock();
  return { clock, history: new TrafficHistory(clock) };
}

/** All steps of this length, each as its second since the start and its requests. */
function stepsOf(
  history: TrafficHistory,
  stepS: number,
  key: 'all' | `upstream:${string}` = 'all',
): [number, number][] {
  return history.steps(key, stepS, -Infinity, Infinity).map(({ startedAt, requests }) => [startedAt / 1000, requests]);
}

describe('the history of requests', () => {
  test('has requests, errors, shapes and percentiles of each second that has ended', () => {
    const { clock, history } = begin();
    history.add([counted([1, 1, 1, 2]), counted([900], failed)]);
    assert.deepEqual(stepsOf(history, 1), []);
    clock.advanceSync(1000);
    const [step] = history.steps('all', 1, 0, 1000);
    assert.deepEqual([step?.requests, step?.errors, step?.shapes], [5, 1, { too_slow: 1 }]);
    assert.ok((step?.p50Ms ?? 0) <= 1.1 && (step?.p99Ms ?? 0) > 800);
  });

  test('has percentiles of each step between its shortest and its longest request', () => {
    const { clock, history } = begin();
    for (const [durationsMs, waitMs] of [
      [[10.9, 41.2], 1000],
      [[4.21], 9000],
      [[700], 50_000],
    ] as const) {
      history.add([counted(durationsMs)]);
      clock.advanceSync(waitMs);
    }
    const figures = (stepS: number): (number | null)[][] =>
      history.steps('all', stepS, -Infinity, Infinity).map(({ p50Ms, p99Ms }) => [p50Ms, p99Ms]);
    assert.deepEqual(figures(1), [
      [11, 41.18],
      [4.21, 4.21],
      [700, 700],
    ]);
    assert.deepEqual(figures(10), [
      [10.5, 41.16],
      [700, 700],
    ]);
  });

  test('sums seconds up to steps of 10 s and a minute', () => {
    const { clock, history } = begin();
    for (let second = 0; second < 120; second++) {
      history.add([counted([1])]);
      clock.advanceSync(1000);
    }
    assert.equal(stepsOf(history, 1).length, 120);
    assert.deepEqual(
      stepsOf(history, 10),
      Array.from({ length: 12 }, (_, index) => [index * 10, 10]),
    );
    assert.deepEqual(stepsOf(history, 60), [
      [0, 60],
      [60, 60],
    ]);
  });

  test('keeps 600 seconds, and longer steps for longer', () => {
    const { clock, history } = begin();
    for (let minute = 0; minute < 15; minute++) {
      history.add([counted([1])]);
      clock.advanceSync(60_000);
    }
    assert.deepEqual(
      stepsOf(history, 1).map(([second]) => second),
      [300, 360, 420, 480, 540, 600, 660, 720, 780, 840],
    );
    assert.equal(stepsOf(history, 10).length, 15);
    assert.equal(stepsOf(history, 60).length, 15);
  });

  test('forgets what is older than a day', () => {
    const { clock, history } = begin();
    history.add([counted([1])]);
    clock.advanceSync(24 * 3_600_000);
    history.add([counted([1])]);
    clock.advanceSync(60_000);
    assert.deepEqual(stepsOf(history, 60), [[24 * 3600, 1]]);
  });

  test('is of each upstream and route, and of 100 series at most', () => {
    const { clock, history } = begin();
    history.add([counted([1], { upstream: 'a', route: '/a' }), counted([1], { upstream: 'b', route: '/b' })]);
    for (let index = 0; index < 200; index++) history.add([counted([1], { upstream: `u${index}` })]);
    clock.advanceSync(1000);
    assert.deepEqual(stepsOf(history, 1, 'upstream:a'), [[0, 1]]);
    assert.equal(history.has('route:/b'), true);
    assert.equal(history.has('upstream:u150'), false);
    assert.deepEqual(stepsOf(history, 1), [[0, 202]]);
  });

  describe('after reloads', () => {
    const named = (upstreams: readonly string[]) => ({
      upstreams: upstreams.map((id) => ({ id })),
      routes: [{ id: '/' }],
    });
    const requestOf = (upstream: string) => [counted([1], { upstream })];

    test('keeps what was removed until a new name needs the place, and then the series that was removed first goes', () => {
      const { history } = begin();
      const many = Array.from({ length: seriesMax - 2 }, (_, index) => `u${index}`);
      history.useNames(named(many));
      for (const one of many) history.add(requestOf(one));
      history.useNames(named(many.slice(1)));
      history.useNames(named([...many.slice(2), 'new', 'newer', 'newest']));
      for (const one of ['u0', 'u1']) assert.equal(history.has(`upstream:${one}`), true, one);
      for (const [one, gone] of [
        ['new', 'u0'],
        ['newer', 'u1'],
      ] as const) {
        history.add(requestOf(one));
        assert.deepEqual([history.has(`upstream:${one}`), history.has(`upstream:${gone}`)], [true, false]);
      }
      history.add(requestOf('newest'));
      assert.equal(history.has('upstream:newest'), false);
    });

    test('has never more series than it may, and one of each name of the configuration that has had a request since', () => {
      const names = fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { minLength: 60, maxLength: seriesMax - 4 });
      const reloads = fc.array(fc.tuple(names, fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 })), {
        maxLength: 8,
      });
      fc.assert(
        fc.property(reloads, (all) => {
          const { history } = begin();
          for (const [configured, late] of all) {
            const upstreams = configured.map((number) => `u${number}`);
            history.useNames(named(upstreams));
            // Requests of removed names end after the reload.
            for (const number of late) history.add(requestOf(`u${number}`));
            for (const one of upstreams) history.add(requestOf(one));
            for (const one of upstreams) assert.equal(history.has(`upstream:${one}`), true, one);
            const kept = Array.from({ length: 401 }, (_, number) => history.has(`upstream:u${number}`)).filter(Boolean);
            assert.ok(kept.length <= seriesMax - 2, `${kept.length} upstreams`);
          }
        }),
      );
    });
  });

  test('begins its steps with the minutes of the wall clock', () => {
    const clock = new SimulatedClock(Date.UTC(2026, 0, 1, 12, 0, 42, 250));
    const history = new TrafficHistory(clock);
    history.add([counted([1])]);
    clock.advanceSync(60_000);
    assert.deepEqual(stepsOf(history, 60), [[-42.25, 1]]);
  });

  test('says of the last seconds what has just happened', () => {
    const { clock, history } = begin();
    history.add([counted([1, 1])]);
    clock.advanceSync(3000);
    history.add([counted([1], failed)]);
    assert.deepEqual(history.recent('all', 5), { requests: 3, errors: 1 });
    clock.advanceSync(3000);
    assert.deepEqual(history.recent('all', 5), { requests: 1, errors: 1 });
    assert.equal(history.silentS('all'), 3);
    clock.advanceSync(10_000);
    assert.deepEqual(history.recent('all', 5), { requests: 0, errors: 0 });
    assert.deepEqual(history.recent('upstream:none', 5), { requests: 0, errors: 0 });
    assert.deepEqual([history.silentS('all'), history.silentS('upstream:none')], [13, null]);
    history.add([counted([1])]);
    assert.equal(history.silentS('all'), 0);
    clock.advanceSync(61_000);
    assert.equal(history.silentS('all'), null);
  });

  test('loses and doubles no request, whenever they come', () => {
    const pauses = fc.array(fc.tuple(fc.integer({ min: 0, max: 45_000 }), fc.integer({ min: 1, max: 5 })), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(pauses, (requests) => {
        const { clock, history } = begin();
        let total = 0;
        for (const [pauseMs, count] of requests) {
          clock.advanceSync(pauseMs);
          history.add([counted(new Array<number>(count).fill(1))]);
          total += count;
        }
        clock.advanceSync(60_000);
        const sum = stepsOf(history, 60).reduce((all, [, count]) => all + count, 0);
        assert.equal(sum, total);
      }),
    );
  });
});
