import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { durationBoundsMs } from '../core/counters.ts';
import type { Cause } from '#failures/failure.ts';
import type { IncidentSuspect } from '../core/live-incident.ts';
import { eventAt, incidentOf, ranking } from './ranking.test-support.ts';
import type { SuspectContext } from './suspect-facts.ts';
import type { RouteLimits } from './watched-upstream.ts';

/** 30 durations of each of these, in milliseconds. */
const counts = (...ends: readonly number[]): readonly number[] =>
  [...durationBoundsMs, Infinity].map((_, cell) => 30 * ends.filter((ms) => cellOf(ms) === cell).length);
const cellOf = (ms: number): number => durationBoundsMs.findIndex((bound) => ms <= bound);

describe('a timeout that cuts usual requests is named', () => {
  const limits = { responseHeadMs: 350, attemptMs: 350, exchangeMs: 350 };
  const none = { responseHeadMs: 30_000, attemptMs: null, exchangeMs: null };
  const cases: readonly (readonly [
    what: string,
    cause: Cause,
    limits: Readonly<Record<string, RouteLimits>>,
    limit: RegExp,
    advice: RegExp,
  ])[] = [
    [
      'as configured',
      'response_head_timeout',
      { '/a': limits },
      /of 350 ms cuts/,
      /`timeouts.response_head` \(now 350 ms\) to more than 700 ms/,
    ],
    ['of two routes', 'response_head_timeout', { '/a': limits, '/b': limits }, /of 350 ms cuts/, /700 ms/],
    [
      'of the exchange',
      'exchange_timeout',
      { '/a': { ...none, exchangeMs: 350 } },
      /of 350 ms/,
      /`timeouts.exchange` .* 700 ms/,
    ],
    ['of an attempt', 'attempt_timeout', { '/a': { ...none, attemptMs: 350 } }, /of 350 ms/, /`retry.attempt_timeout`/],
    [
      '"about", where the routes differ',
      'response_head_timeout',
      { '/a': limits, '/b': none },
      /of about 400 ms/,
      /800 ms/,
    ],
    ['"about", where another one has ended them', 'exchange_timeout', { '/a': none }, /of about 400 ms/, /800 ms/],
    [
      '"about", where it is far from what was seen',
      'response_head_timeout',
      { '/a': none },
      /of about 400 ms/,
      /800 ms/,
    ],
  ];
  for (const [what, cause, ofRoutes, limit, advice] of cases)
    test(what, () => {
      const routes = Object.keys(ofRoutes).map((route) => ({ route, failed: 9 }));
      const found = ranking(
        { ...incidentOf('slow', [[cause, 9]]), routes },
        {
          ...{ usualDurations: counts(290), slowDurations: counts(352) },
          watched: { application: null, endpoints: [], limitsOf: (route) => ofRoutes[route] ?? null },
        },
      ).find(({ name }) => name === 'timeout_too_short');
      assert.match(found?.sentence ?? '', limit);
      assert.match(found?.nextStep ?? '', advice);
    });
});

test('usual responses are said to take no longer than the longest of them', () => {
  const context = { usualDurations: counts(290), slowDurations: counts(352), usualMaxMs: 291.4 };
  const found = ranking(incidentOf('slow', [['response_head_timeout', 9]]), context);
  const { sentence, evidence } = found.find(({ name }) => name === 'timeout_too_short') ?? assert.fail('not found');
  assert.match(sentence, /one in a hundred takes 291 ms or more/);
  assert.ok(evidence.includes('99 % of the others took up to 291 ms'), evidence.join());
});

describe('a timeout that a reload made shorter than what responses take', () => {
  const limit = (responseHeadMs: number): RouteLimits => ({ responseHeadMs, attemptMs: null, exchangeMs: null });
  const applied = (afterMs: number, revision: number) =>
    eventAt(afterMs, {
      ...{ kind: 'configuration_applied', subject: 'gateway', revision, actor: 'signal:SIGHUP' },
      evidence: { changed: ['routes: /rep (timeouts), /slow (timeouts)'], returned: [] },
    });
  const look = {
    ...{ endpoint: 'app/1', isAccepting: true, isHanging: false, cause: null, answer: 'answered 200' },
    ...{ tookMs: 608, at: Date.UTC(2026, 0, 1, 12) + 2000 },
  };
  interface Scene {
    readonly usual?: readonly number[];
    readonly directLook?: SuspectContext['directLook'];
    readonly routes?: readonly string[];
    readonly afterMs?: number;
    readonly before?: RouteLimits;
    readonly failedSinceMs?: number;
    /** What a later revision, the third, has set. */
    readonly later?: RouteLimits;
  }
  const suspects = (scene: Scene): readonly IncidentSuspect[] => {
    const { usual = [400, 600, 600, 600, 700, 900, 1200], routes = ['/rep', '/slow'], before = limit(5000) } = scene;
    const { directLook = null, afterMs = -12_000, failedSinceMs = null, later } = scene;
    const changed = (route: string): boolean => ['/rep', '/slow'].includes(route);
    const incident = incidentOf('slow', [['response_head_timeout', 90]]);
    return ranking(
      { ...incident, requests: 100, routes: routes.map((route) => ({ route, failed: 45 })) },
      {
        ...{ usualDurations: counts(...usual), slowDurations: counts(505), directLook, failedSinceMs },
        events: [applied(afterMs, 2), ...(later === undefined ? [] : [applied(30_000, 3)])],
        watched: {
          ...{ application: null, endpoints: [] },
          limitsOf: (route) => (changed(route) ? (later ?? limit(500)) : limit(500)),
          limitsBefore: (route, revision) => {
            if (!changed(route)) return null;
            return revision === 2 ? before : revision === 3 && later !== undefined ? limit(500) : null;
          },
        },
      },
    );
  };

  test('is the first suspect, with both limits and what responses took', () => {
    const [first] = suspects({ directLook: look });
    assert.equal(first?.name, 'timeout_too_short');
    assert.equal(
      first.sentence,
      'A new configuration lowered `timeouts.response_head` of /rep, /slow from 5 s to 500 ms 12 s before the first failure, to less than responses take.',
    );
    assert.deepEqual(first.evidence, [
      'revision 2, requested by signal:SIGHUP, changed routes: /rep (timeouts), /slow (timeouts)',
      "86 % of the upstream's responses took longer than 500 ms before",
      'a direct request to app/1 answered 200 after 608 ms',
    ]);
    assert.match(
      first.nextStep,
      /^Set `timeouts\.response_head` of \/rep, \/slow to 5 s again and run `candor reload`/,
    );
  });

  const cases: readonly (readonly [what: string, Scene, isLowered: boolean])[] = [
    ['is suspected nearly three minutes later', { afterMs: -179_000 }, true],
    ['is suspected where only a direct request shows what responses take', { usual: [], directLook: look }, true],
    ['is not suspected where responses were faster before', { usual: [20, 30], directLook: look }, false],
    ['is not suspected where nothing shows what responses take', { usual: [] }, false],
    ['is not suspected where it was raised', { before: limit(300) }, false],
    ['is not suspected where other routes fail', { routes: ['/other'] }, false],
    ['is not suspected where requests failed so before', { failedSinceMs: -60_000 }, false],
    ['is suspected where a later reload raised it again', { later: limit(5000) }, true],
  ];
  for (const [what, scene, isLowered] of cases)
    test(what, () => {
      const all = suspects(scene);
      const at = all.findIndex(({ sentence }) => sentence.includes('lowered'));
      assert.equal(at === 0, isLowered, JSON.stringify(all));
      assert.equal(at === -1, !isLowered);
    });

  test('is not to be set again where that was done', () =>
    assert.match(suspects({ later: limit(5000) })[0]?.nextStep ?? '', /^The timeout is 5 s now: /));
});

describe('a direct request that was answered after the timeout', () => {
  const of = (usual: readonly number[]): IncidentSuspect | undefined => {
    const routes = [{ route: '/a', failed: 9 }];
    return ranking(
      { ...incidentOf('slow', [['response_head_timeout', 9]]), routes },
      {
        ...{ usualDurations: counts(...usual), slowDurations: counts(505) },
        directLook: {
          ...{ endpoint: 'app/1', isAccepting: true, isHanging: false, cause: null, answer: 'answered 200' },
          ...{ tookMs: 608, at: 0 },
        },
        watched: {
          ...{ application: null, endpoints: [] },
          limitsOf: () => ({ responseHeadMs: 500, attemptMs: null, exchangeMs: null }),
        },
      },
    )[0];
  };
  test('shows that the timeout may be too short', () =>
    assert.match(of([])?.sentence ?? '', /^The timeout of 500 ms may be too short: .* after 608 ms\.$/));
  test('shows a slow application where responses were faster before', () =>
    assert.equal(of([20, 30])?.name, 'slow_application'));
});

test('requests that wait too long for the end of a pause are its fault, however long ago it began', () => {
  const began = eventAt(-900_000, {
    kind: 'overlay_changed',
    subject: 'overlay:pause:route:checkout',
    actor: 'admin:socket',
    reason: 'paused until further notice: migration',
    evidence: { before: null, after: {} },
  });
  const incident = { ...incidentOf('full', [['pause_timeout', 30]]), routes: [{ route: 'checkout', failed: 30 }] };
  const [first] = ranking(incident, { events: [began] });
  assert.deepEqual(
    [first?.name, first?.sentence, first?.evidence],
    [
      'operator_action',
      'A pause of checkout goes on, and requests wait for its end for longer than they may.',
      ['admin:socket: paused until further notice: migration'],
    ],
  );
});
