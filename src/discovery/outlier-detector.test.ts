import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { EndpointId, EndpointState, UpstreamId } from '../core/endpoint.ts';
import type { NewEvent } from '../core/event.ts';
import { latencyCellOf } from '../core/latency-cells.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { AttemptOfClient, RouteTraffic } from '../core/route-traffic.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import {
  defaultEjection,
  type OutlierDetectionSpec,
  type OutlierSettings,
  outlierSettingsOf,
} from '../policy/outlier-settings.ts';
import { SeededRandom, SimulatedClock } from '../testing/testing.ts';
import { OutlierDetector } from './outlier-detector.ts';

const { firstPauseMs, probationSuccesses } = defaultEjection;
const none = {
  ...{
    successes: 0,
    serverErrors: 0,
    rateLimited: 0,
    restMs: 0,
    failures: 0,
    consecutiveFailures: 0,
    consecutiveUnreachable: 0,
    latencyMs: 0,
    causes: [],
  },
};

const upstream = 'app' as UpstreamId;
let clock: SimulatedClock;
let emitted: NewEvent[];
let changes: number;
let checked: Record<string, EndpointState>;
let mayStay: boolean;
let releases: Record<string, string>;
let detector: OutlierDetector;
let settings: OutlierSettings;
let drained: readonly string[];

beforeEach(() => {
  clock = new SimulatedClock();
  emitted = [];
  changes = 0;
  checked = { a: 'healthy', b: 'healthy' };
  mayStay = false;
  releases = {};
  settings = outlierSettingsOf();
  drained = [];
  detector = new OutlierDetector({
    clock,
    random: new SeededRandom(1),
    events: { emit: (event) => void emitted.push(event) },
    checked: () => new Map(endpoints().map((endpoint) => [endpoint.id, endpoint])),
    checkOf: () => 'tcp',
    settingsOf: () => settings,
    overridden: (all) => all.map((one) => (drained.includes(one.id) ? { ...one, state: 'draining' } : one)),
    onChange: (changed) => {
      changes += 1;
      detector.review(changed);
    },
  });
});

function endpoints(): readonly EndpointSnapshot[] {
  return Object.entries(checked).map(([name, state]) => ({
    id: `app/${name}` as EndpointId,
    address: { kind: 'tcp', host: name, port: 80 },
    state,
    ...(state === 'unhealthy' && mayStay ? { mayStay } : {}),
    reason: state === 'unhealthy' ? 'answered 404' : 'accepts connections',
    sinceInstant: 0,
    checks: null,
    release: releases[name] ?? null,
    exit: null,
  }));
}

function seen(name = 'a'): EndpointSnapshot {
  const endpoint = detector.adjust(endpoints()).find(({ id }) => id === `app/${name}`);
  assert.ok(endpoint !== undefined);
  return endpoint;
}

/** A batch reports outcomes of `name`, in the state that workers know. */
function report(outcome: Partial<EndpointOutcomes>, name = 'a'): void {
  const { id, state } = seen(name);
  detector.onOutcomes([{ upstream, endpoint: id, state, ...none, ...outcome }]);
}

const detectionSpec: OutlierDetectionSpec = {
  windowMs: 30_000,
  requestsMin: 20,
  failureShareMax: 0.5,
  consecutiveFailuresMax: 10,
  countsServerErrors: false,
  countsRateLimits: false,
  compared: [],
  firstPauseMs,
  longestPauseMs: 300_000,
  ejectedShareMax: 0.5,
};

const slow = (count: number): Partial<EndpointOutcomes> => ({
  failures: count,
  causes: [{ cause: 'response_head_timeout', count }],
});

test('a probation after failures is judged by the routes that failed; after refused connections by any', async () => {
  const on = (route: string, counted: Partial<RouteTraffic>): RouteTraffic => ({
    ...{ route, upstream, endpoint: 'app/a', answered: 0, serverErrors: 0, latencies: [] },
    ...{ failed: [], slow: [], awaited: [], ...counted },
  });
  const few = on('cart', { answered: 9, failures: 1 });
  const outcome = { upstream, endpoint: 'app/a', state: 'healthy', ...none, ...slow(30) } as const;
  detector.onOutcomes([outcome], [on('shop', { failures: 29 }), few], 1);
  await clock.advance(firstPauseMs * 1.3);
  assert.deepEqual(seen().probationRoutes, ['shop']);
  const tried = { ...outcome, ...none, state: 'probation', successes: 3 } as const;
  detector.onOutcomes([tried], [on('cart', { answered: 3 })], 1);
  assert.equal(seen().state, 'probation');
  detector.onOutcomes([{ ...tried, successes: 0, ...slow(1) }], [on('shop', { failures: 1 })], 1);
  await clock.advance(firstPauseMs * 3);
  assert.deepEqual([seen().state, seen().probationRoutes], ['probation', ['shop']]);
  detector.onOutcomes([tried], [on('shop', { answered: 3 })], 1);
  assert.equal(seen().state, 'healthy');
  report({ failures: 5, consecutiveFailures: 5, consecutiveUnreachable: 5 });
  await clock.advance(firstPauseMs * 5);
  assert.deepEqual([seen().state, seen().probationRoutes], ['probation', undefined]);
});

describe('an endpoint whose checks pass while its requests fail', () => {
  test('is ejected, and the disagreement is reported with its figures', () => {
    report({ successes: 4 });
    report(slow(20));
    const { state, reason, checks } = seen();
    assert.equal(state, 'ejected');
    assert.match(
      reason,
      /^its checks pass, but 20 of 24 attempts within 30 s failed \(mostly response_head_timeout\); out for 1\d s$/,
    );
    assert.ok((checks?.nextInstant ?? 0) > clock.now(), 'Retry-After can be computed of it');
    assert.equal(changes, 1);
    const [event] = emitted;
    assert.ok(event?.kind === 'health_disagreement');
    assert.deepEqual([event.from, event.to, event.subject], ['healthy', 'ejected', 'endpoint:app/a']);
    const { pauseMs, ...evidence } = event.evidence as Extract<NewEvent<'health_disagreement'>, object>['evidence'];
    assert.ok(pauseMs !== null && pauseMs >= firstPauseMs);
    assert.deepEqual(evidence, {
      address: 'a:80',
      check: 'tcp',
      requests: 24,
      failures: 20,
      windowMs: 30_000,
      consecutiveUnreachable: 0,
      causes: { response_head_timeout: 20 },
    });
  });

  test('is ejected at once when no connection to it can be made, five times in a row', () => {
    report({ successes: 500 });
    report({ failures: 5, consecutiveUnreachable: 5, causes: [{ cause: 'connect_refused', count: 5 }] });
    assert.equal(seen().state, 'ejected');
    assert.match(seen().reason, /5 connections in a row could not be made \(mostly connect_refused\)/);
  });

  for (const [which, traffic, state] of [
    ['five in a row suffice where the other one answers', { successes: 50 }, 'ejected'],
    ['not where the other one fails too', { successes: 50, failures: 10 }, 'healthy'],
    ['nor where nothing is known of the other one', { successes: 0 }, 'healthy'],
  ] as const) {
    test(`${which}: balancers give an endpoint that fails few requests that may not be repeated`, async () => {
      for (let count = 0; count < 5; count++) {
        report(traffic, 'b');
        report({ ...slow(1), consecutiveFailures: 1 });
        await clock.advance(400);
      }
      assert.equal(seen().state, state);
    });
  }

  test('stays when it is the only one, which is reported, but not with every batch', () => {
    checked = { a: 'healthy', b: 'unhealthy' };
    for (let batch = 0; batch < 10; batch++) report(slow(10));
    assert.equal(seen().state, 'healthy');
    assert.match(seen().reason, /^its checks pass, but .* failed .*; it stays, since too few others are left$/);
    assert.equal(emitted.length, 1);
    assert.deepEqual([emitted[0]?.from, emitted[0]?.to], ['healthy', 'healthy']);
  });

  test('says so only while its requests fail', async () => {
    checked = { a: 'healthy' };
    report(slow(30));
    assert.match(seen().reason, /but 30 of 30/);
    await clock.advance(40_000);
    report({ successes: 1 });
    assert.equal(seen().reason, 'accepts connections');
  });

  test('is reported once for as long as its failures come and go, and again when they grow tenfold or begin again', async () => {
    checked = { a: 'healthy' };
    for (let second = 0; second < 120; second++) {
      report(second % 2 === 0 ? slow(25) : { successes: 26 });
      await clock.advance(1000);
    }
    assert.equal(emitted.length, 1);
    report(slow(4000));
    assert.equal(emitted.length, 2);
    report(slow(4000));
    assert.equal(emitted.length, 2);
    await clock.advance(31_000);
    report({ successes: 1 });
    assert.equal(seen().reason, 'accepts connections');
    report(slow(30));
    assert.equal(emitted.length, 3);
  });

  test('is called the only one where its upstream has no other', () => {
    checked = { a: 'healthy' };
    report(slow(30));
    const says = /; it stays, since it is the only endpoint of its upstream$/;
    assert.match(seen().reason, says);
    assert.match(emitted[0]?.reason ?? '', says);
  });

  test('is ejected only while another one stays', () => {
    report(slow(30), 'a');
    report(slow(30), 'b');
    assert.deepEqual([seen('a').state, seen('b').state], ['ejected', 'healthy']);
  });
});

describe('an endpoint that is ejected', () => {
  beforeEach(async () => {
    report(slow(30));
    assert.equal(seen().state, 'ejected');
    emitted = [];
  });

  test('is on probation when its pause is over, and trusted again after some successes', async () => {
    await clock.advance(firstPauseMs * 1.2);
    assert.equal(seen().state, 'probation');
    for (let time = 0; time < probationSuccesses; time++) report({ successes: 1 });
    assert.equal(seen().state, 'healthy');
    assert.equal(seen().reason, 'accepts connections');
    assert.deepEqual(
      emitted.map(({ kind, from, to }) => [kind, from, to]),
      [
        ['endpoint_state', 'ejected', 'probation'],
        ['endpoint_state', 'probation', 'healthy'],
      ],
    );
  });

  test('is out again, for longer, when a request of its probation fails', async () => {
    await clock.advance(firstPauseMs * 1.2);
    report(slow(1));
    assert.equal(seen().state, 'ejected');
    await clock.advance(firstPauseMs * 1.5);
    assert.equal(seen().state, 'ejected', 'the second pause is twice the first');
    await clock.advance(firstPauseMs);
    assert.equal(seen().state, 'probation');
  });

  test('starts without its earlier failures when it is trusted again', async () => {
    await clock.advance(firstPauseMs * 1.2);
    report({ successes: probationSuccesses });
    report(slow(1));
    assert.equal(seen().state, 'healthy');
    report(slow(19));
    assert.equal(seen().state, 'ejected');
  });

  test('is not out for longer because requests fail that it got while no endpoint was healthy', () => {
    const before = seen();
    report(slow(30));
    assert.deepEqual(seen(), before);
    assert.equal(emitted.length, 0);
  });

  test('is not tried while its checks fail, and is when they pass again', async () => {
    checked['a'] = 'unhealthy';
    detector.checksChanged(upstream);
    await clock.advance(firstPauseMs * 1.2);
    assert.equal(seen().state, 'unhealthy');
    checked['a'] = 'healthy';
    detector.checksChanged(upstream);
    assert.equal(seen().state, 'probation');
  });

  test('is tried as soon as its checks pass again where one of them found that nothing listened: another program runs there', () => {
    detector.onRefusedCheck('app/a' as EndpointId);
    assert.equal(seen().state, 'ejected', 'not before its checks say so');
    checked['a'] = 'unhealthy';
    detector.checksChanged(upstream);
    checked['a'] = 'healthy';
    detector.checksChanged(upstream);
    assert.equal(seen().state, 'probation');
    report({ successes: probationSuccesses });
    assert.equal(seen().state, 'healthy');
  });

  test('is not judged by requests that began before', async () => {
    await clock.advance(firstPauseMs * 1.2);
    const late: EndpointOutcomes = { upstream, endpoint: 'app/a', state: 'healthy', ...none, failures: 9 };
    detector.onOutcomes([late]);
    assert.equal(seen().state, 'probation');
  });

  test('is forgotten when it is gone, or its process begins anew', async () => {
    checked['a'] = 'starting';
    detector.checksChanged(upstream);
    checked['a'] = 'healthy';
    assert.equal(seen().state, 'healthy');
    await clock.advance(firstPauseMs * 2);
    assert.equal(emitted.length, 0);
  });
});

describe('the circuit breaker of an endpoint that is ejected', () => {
  const circuitBreaker = { openMs: 500, openMaxMs: null };
  beforeEach(() => {
    settings = outlierSettingsOf(undefined, circuitBreaker);
    report(slow(30));
    assert.equal(seen().state, 'ejected');
    emitted = [];
  });

  for (const [which, lose] of [
    ['opens its own', () => report(slow(30), 'b')],
    [
      'fails its checks',
      () => {
        checked['b'] = 'unhealthy';
        detector.checksChanged(upstream);
      },
    ],
    ['is drained', () => (drained = ['app/b'])],
  ] as const)
    test(`decides when the other endpoint ${which}`, async () => {
      lose();
      detector.review(upstream);
      assert.equal(seen().state, 'circuit_open');
      await clock.advance(600);
      assert.equal(seen().state, 'half_open');
      report(slow(1));
      assert.equal(seen().state, 'circuit_open');
      await clock.advance(2400);
      report({ successes: probationSuccesses });
      assert.equal(seen().state, 'healthy');
    });

  test('decides where it is on probation, too', async () => {
    await clock.advance(firstPauseMs * 1.2);
    assert.equal(seen().state, 'probation');
    report(slow(30), 'b');
    assert.equal(seen().state, 'half_open');
  });

  test('leaves the decision to outlier detection again once the other endpoint is back', async () => {
    report(slow(30), 'b');
    await clock.advance(600);
    report({ successes: probationSuccesses }, 'b');
    assert.equal(seen('b').state, 'healthy');
    report(slow(1));
    assert.equal(seen().state, 'ejected');
    const { checks } = seen();
    const pauseMs = (checks?.nextInstant ?? 0) - clock.now();
    assert.ok(pauseMs >= firstPauseMs * 2 && pauseMs <= firstPauseMs * 2.4, 'its second ejection');
  });
});

test('an endpoint is not ejected where the others are drained, and stays', () => {
  drained = ['app/b'];
  report(slow(30));
  assert.equal(seen().state, 'healthy');
  assert.match(seen().reason, /it stays, since too few others are left$/);
});

test('5xx that count as failures end a probation badly', async () => {
  settings = outlierSettingsOf({ ...detectionSpec, countsServerErrors: true });
  report({ successes: 30, serverErrors: 30 });
  assert.equal(seen().state, 'ejected');
  await clock.advance(firstPauseMs * 1.2);
  report({ successes: probationSuccesses, serverErrors: 1 });
  assert.equal(seen().state, 'ejected');
});

describe('an endpoint whose check fails, although it may be the check that is wrong', () => {
  function checkFails(): void {
    mayStay = true;
    checked['a'] = 'unhealthy';
    detector.checksChanged(upstream);
  }

  test('stays where its requests succeed, and the disagreement is reported at once', () => {
    report({ successes: 30 });
    checkFails();
    assert.equal(seen().state, 'healthy');
    assert.equal(
      seen().reason,
      'its checks fail (answered 404), but 30 of 30 attempts within 30 s were answered; it stays: either the check or the application is wrong',
    );
    assert.deepEqual(
      emitted.map(({ kind, from, to }) => [kind, from, to]),
      [['health_disagreement', 'unhealthy', 'healthy']],
    );
    const evidence = emitted[0]?.evidence as { requests?: number; failures?: number; pauseMs?: number | null };
    assert.deepEqual([evidence.requests, evidence.failures, evidence.pauseMs], [30, 0, null]);
    detector.checksChanged(upstream);
    assert.equal(emitted.length, 1, 'and once');
  });

  test('is not said to have a wrong check where requests fail as well', () => {
    report({ successes: 60 });
    report(slow(1));
    checkFails();
    assert.equal(
      seen().reason,
      'its checks fail (answered 404), but 60 of 61 attempts within 30 s were answered; it stays, since most requests are answered',
    );
  });

  test('stays while nobody asks it', async () => {
    report({ successes: 30 });
    checkFails();
    await clock.advance(600_000);
    detector.checksChanged(upstream);
    assert.equal(seen().state, 'healthy');
  });

  test('is out as soon as requests fail too', () => {
    report({ successes: 30 });
    checkFails();
    report(slow(2));
    assert.equal(seen().state, 'unhealthy');
    assert.deepEqual([emitted.at(-1)?.kind, emitted.at(-1)?.to], ['endpoint_state', 'unhealthy']);
  });

  test('is out where too little is known of its requests, or where they fail', () => {
    report({ successes: 9 });
    report({ successes: 30 }, 'b');
    report(slow(3), 'b');
    mayStay = true;
    checked = { a: 'unhealthy', b: 'unhealthy' };
    detector.checksChanged(upstream);
    assert.deepEqual([seen('a').state, seen('b').state], ['unhealthy', 'unhealthy']);
    assert.equal(emitted.length, 0);
  });

  test('is out where the check can not be mistaken', () => {
    report({ successes: 30 });
    checked['a'] = 'unhealthy';
    detector.checksChanged(upstream);
    assert.equal(seen().state, 'unhealthy');
  });

  test('is as healthy as any other when its checks pass again', () => {
    report({ successes: 30 });
    checkFails();
    checked['a'] = 'healthy';
    detector.checksChanged(upstream);
    assert.deepEqual([seen().state, seen().reason], ['healthy', 'accepts connections']);
  });
});

test('outcomes of an endpoint that does not exist are dropped', () => {
  detector.onOutcomes([
    {
      upstream,
      endpoint: 'app/x',
      state: 'healthy',
      ...none,
      failures: 99,
      consecutiveUnreachable: 9,
    },
  ]);
  assert.equal(emitted.length, 0);
});

describe('an endpoint that differs from the others on the same routes', () => {
  const traffic = (name: string, counted: Partial<RouteTraffic>): RouteTraffic => ({
    ...{ route: 'shop', upstream, endpoint: `app/${name}`, answered: 20, serverErrors: 0 },
    ...{ latencies: [latencyCellOf(20), 20], failed: [], slow: [], awaited: [] },
    ...counted,
  });
  const clients = (count: number, ms: number): AttemptOfClient[] =>
    Array.from({ length: count }, (_, client) => ({ client, ms }));
  const failing = traffic('a', { serverErrors: 20, failed: clients(8, 20) });
  const late = traffic('a', { answered: 12, latencies: [latencyCellOf(3000), 12], slow: clients(8, 3000) });
  const well = traffic('b', {});

  const cases = [
    ['5xx', failing, '20 of 20 responses were 5xx within 10 s, 0 of 20 at the other endpoints on the same routes'],
    [
      'late responses',
      late,
      '12 of 12 responses came late within 10 s, 0 of 20 at the other endpoints on the same routes',
    ],
  ] as const;
  for (const [what, counted, reason] of cases)
    test(`is ejected for ${what}, and the event has the figures of both`, () => {
      clock.advanceSync(60_000);
      detector.onOutcomes([], [counted, well], 1);
      assert.equal(seen().state, 'ejected');
      assert.equal(
        emitted[0]?.reason,
        `its checks pass, but ${reason}; it gets no requests for 10 s while another endpoint may get them`.replace(
          '10 s while',
          `${pauseS()} s while`,
        ),
      );
    });

  const pauseS = (): number => Math.round(((seen().checks?.nextInstant ?? 0) - clock.now()) / 1000);

  const probations = [
    ['answers 5xx again', failing, { successes: 3, serverErrors: 1 }, traffic('a', { serverErrors: 1 }), 'ejected'],
    ['answers well', failing, { successes: 3 }, traffic('a', {}), 'healthy'],
    ['is late again', late, { successes: 3 }, traffic('a', { slow: clients(1, 3000) }), 'ejected'],
    ['is in time, and answers 5xx as all do', late, { successes: 3, serverErrors: 1 }, traffic('a', {}), 'healthy'],
  ] as const;
  for (const [what, before, outcome, now, state] of probations)
    test(`is ${state === 'healthy' ? 'trusted' : 'ejected'} after a probation in which it ${what}`, async () => {
      clock.advanceSync(60_000);
      detector.onOutcomes([], [before, well], 1);
      await clock.advance(firstPauseMs * 1.3);
      assert.equal(seen().state, 'probation');
      detector.onOutcomes([{ upstream, endpoint: 'app/a', state: 'probation', ...none, ...outcome }], [now], 1);
      assert.equal(seen().state, state);
    });

  test('is tried again at once where an operator wants it', () => {
    clock.advanceSync(60_000);
    assert.equal(detector.endPause('app/a' as EndpointId), false);
    detector.onOutcomes([], [failing, well], 1);
    assert.equal(detector.endPause('app/a' as EndpointId), true);
    assert.equal(seen().state, 'probation');
    assert.equal(emitted.at(-1)?.to, 'probation');
  });

  test('is not trusted for answers on routes that had not failed, until no others have come for a minute', async () => {
    clock.advanceSync(60_000);
    const cart = (count: number): RouteTraffic => traffic('a', { route: 'cart', answered: count });
    detector.onOutcomes([], [failing, well, cart(20), traffic('b', { route: 'cart' })], 1);
    await clock.advance(firstPauseMs * 1.3);
    assert.deepEqual(seen().probationRoutes, ['shop']);
    assert.match(seen().reason, /^on probation with one request of the route shop at a time/);
    const answered = { upstream, endpoint: 'app/a', state: 'probation', ...none, successes: 3 } as const;
    detector.onOutcomes([answered], [cart(3)], 1);
    assert.equal(seen().state, 'probation');
    await clock.advance(60_000);
    assert.equal(seen().probationRoutes, undefined);
    detector.onOutcomes([answered], [cart(3)], 1);
    assert.equal(seen().state, 'healthy');
  });

  test('is ejected again while a request of its probation waits for too long', async () => {
    clock.advanceSync(60_000);
    detector.onOutcomes([], [late, well], 1);
    await clock.advance(firstPauseMs * 1.3 + 1500);
    detector.onOutcomes([], [traffic('a', { answered: 0, latencies: [], awaited: clients(1, 100) })], 1);
    assert.equal(seen().state, 'probation', 'not late yet');
    detector.onOutcomes([], [traffic('a', { answered: 0, latencies: [], awaited: clients(1, 500) })], 1);
    assert.equal(seen().state, 'ejected');
  });

  test('is not ejected again for what it did before its probation', async () => {
    clock.advanceSync(60_000);
    detector.onOutcomes([], [traffic('a', { answered: 60, serverErrors: 60, failed: clients(8, 20) }), well], 1);
    await clock.advance(firstPauseMs * 1.3);
    const well3 = { upstream, endpoint: 'app/a', state: 'probation', ...none, successes: 3 } as const;
    detector.onOutcomes([well3], [traffic('a', { answered: 3 }), well], 1);
    assert.equal(seen().state, 'healthy');
    clock.advanceSync(600);
    detector.onOutcomes([], [traffic('a', {}), well], 1);
    assert.equal(seen().state, 'healthy');
  });

  test('is ejected in the workers too when a request of its probation waits for too long', async () => {
    clock.advanceSync(60_000);
    detector.onOutcomes([], [late, well], 1);
    await clock.advance(firstPauseMs * 1.3 + 1500);
    const before = changes;
    detector.onOutcomes([], [traffic('a', { answered: 0, latencies: [], awaited: clients(1, 500) })], 1);
    assert.equal(changes, before + 1);
  });

  test('that stays since too few others are left is reported once, until it differs no more', () => {
    checked = { a: 'healthy', b: 'healthy', c: 'healthy' };
    clock.advanceSync(60_000);
    report(slow(30), 'c');
    assert.equal(seen('c').state, 'ejected');
    const before = changes;
    for (let batch = 0; batch < 10; batch++) {
      clock.advanceSync(600);
      report({ successes: 20 });
      detector.onOutcomes([], [failing, well], 1);
    }
    assert.match(
      seen().reason,
      /20 responses were 5xx[^]*it stays, since too few others are left$|of \d+ responses were 5xx[^]*it stays/,
    );
    assert.equal(changes, before + 1);
    clock.advanceSync(61_000);
    detector.onOutcomes([], [traffic('a', {}), well], 1);
    assert.equal(seen().reason, 'accepts connections');
  });

  test('stays where the operator has written that traffic takes none out', () => {
    settings = outlierSettingsOf(null);
    clock.advanceSync(60_000);
    detector.onOutcomes([], [failing, well], 1);
    assert.equal(seen().state, 'healthy');
  });

  test('is not compared with endpoints of another release', () => {
    releases = { a: 'r2' };
    clock.advanceSync(60_000);
    detector.onOutcomes([], [failing, well], 1);
    assert.equal(seen().state, 'healthy');
  });

  test('is not called late while it has just become ready', () => {
    detector.onOutcomes([], [late, well], 1);
    assert.equal(seen().state, 'healthy');
  });
});
