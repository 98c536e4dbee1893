import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { durationBoundsMs } from '../../core/counters.ts';
import type { Cause } from '../../core/failure.ts';
import type { CountedCause, IncidentSuspect } from '../../core/live-incident.ts';
import { endpointOf, eventAt, incidentOf, ranking } from './ranking.test-support.ts';
import type { SuspectContext } from './suspect-facts.ts';
import type { RouteLimits } from './watched-upstream.ts';

type Attempts = readonly (readonly [failed: number, all: number])[];

/** Attempts at app/1, app/2, …; the incident's endpoints are listed the worst first. */
function suspectsOf(attempts: Attempts, more: Partial<SuspectContext> = {}): readonly IncidentSuspect[] {
  const cause: CountedCause['cause'] = 'application_5xx';
  const failed = attempts.reduce((sum, [count]) => sum + count, 0);
  const endpoints = attempts
    .map(([count, all], index) => ({ endpoint: `app/web/${index + 1}/127.0.0.1:80`, attempts: all, failed: count }))
    .toSorted((one, other) => other.failed - one.failed);
  return ranking({ ...incidentOf('application', [[cause, failed]]), endpoints }, more);
}

const oneBad: Attempts = [
  [65, 65],
  [0, 46],
];
const badId = 'app/web/1/127.0.0.1:80';

const many = (count: number, ...each: readonly (readonly [number, number])[]): Attempts =>
  Array.from({ length: count }, () => each).flat();

describe('of responses with 5xx, the endpoints from which nearly all come are the first suspect', () => {
  const cases: readonly (readonly [what: string, Attempts, first: string, sentence?: RegExp])[] = [
    [
      'the bad one gets more requests',
      [
        [65, 65],
        [0, 46],
      ],
      'one_endpoint',
      /^Only app\/web\/1\/\S+ fails; the other/,
    ],
    [
      'the bad one gets fewer',
      [
        [0, 90],
        [30, 30],
      ],
      'one_endpoint',
      /^Only app\/web\/2\/\S+ fails; the other/,
    ],
    [
      'the bad one answers half well',
      [
        [60, 120],
        [1, 70],
      ],
      'one_endpoint',
    ],
    [
      'two of six',
      [
        [0, 40],
        [50, 50],
        [40, 50],
        [0, 40],
        [1, 40],
        [0, 40],
      ],
      'one_endpoint',
      /^Only \S+, \S+ fail; the/,
    ],
    [
      'both fail alike',
      [
        [40, 65],
        [30, 46],
      ],
      'application_errors',
    ],
    [
      'both fail alike, and nearly all requests reach one',
      [
        [100, 400],
        [10, 40],
      ],
      'application_errors',
    ],
    [
      'the other one got too few requests',
      [
        [65, 65],
        [0, 3],
      ],
      'application_errors',
    ],
    [
      'the other one got none',
      [
        [65, 65],
        [0, 0],
      ],
      'application_errors',
    ],
    ['four of six', [...many(4, [30, 40]), ...many(2, [0, 40])], 'application_errors'],
    ['there is only one', [[65, 65]], 'application_errors'],
  ];
  for (const [what, attempts, first, sentence = /./] of cases)
    test(`${what}: ${first}`, () => {
      const [found] = suspectsOf(attempts);
      assert.equal(found?.name, first);
      assert.match(found.sentence, sentence);
    });

  test('with the attempts at each, and what to do', () => {
    const [found] = suspectsOf(oneBad, { watched: { application: null, endpoints: [endpointOf(badId)] } });
    assert.deepEqual(found?.evidence, [
      'app/web/1/127.0.0.1:80: 65 of 65 attempts failed',
      'the other one: 0 of 46 failed',
    ]);
    assert.match(found.nextStep, /`candor drain app\/web\/1\/127\.0\.0\.1:80` takes it out/);
  });

  const leaving: readonly (readonly [what: string, SuspectContext['watched']['endpoints']])[] = [
    ['was removed', []],
    ['was removed, and had been unhealthy', [endpointOf(badId, { state: 'unhealthy', isRemoved: true })]],
    ['is drained already', [endpointOf(badId, { state: 'draining' })]],
    ['was taken out by an operator', [endpointOf(badId, { takenOutBy: 'anna' })]],
  ];
  for (const [what, endpoints] of leaving)
    test(`without the advice to drain what ${what}`, () => {
      const [found] = suspectsOf(oneBad, { watched: { application: null, endpoints } });
      assert.equal(found?.nextStep, `Look at ${badId} itself.`);
    });
});

describe('an endpoint that is bad after a release', () => {
  const started = (revision: number, afterMs: number) => ({
    revision,
    startedMs: 600_000 + afterMs,
    readyMs: 600_000 + afterMs + 1000,
  });
  const applied = eventAt(-170_000, {
    ...{ kind: 'configuration_applied', subject: 'gateway', revision: 2, actor: 'signal:SIGHUP' },
    evidence: { contentHash: '2', source: 'candor.yaml', changed: ['applications: web'], returned: [] },
  });
  const watched = { application: 'web', endpoints: [] };
  const attempts: Attempts = [
    [0, 46],
    [65, 65],
  ];
  const firstOf = (first: number, second: number): string | undefined => {
    const instances = new Map([
      ['web/1', started(first, first === 2 ? -170_000 : -500_000)],
      ['web/2', started(second, second === 2 ? -170_000 : -500_000)],
    ]);
    return suspectsOf(attempts, { events: [applied], watched, instances })[0]?.name;
  };

  test('and is its instance: the release is suspected, even if it came minutes before', () =>
    assert.equal(firstOf(1, 2), 'release'));
  test('and is older than it: the endpoint is suspected', () => assert.equal(firstOf(2, 1), 'one_endpoint'));
});

describe('a timeout that cuts usual requests is named', () => {
  const counts = (...ends: readonly number[]): readonly number[] =>
    [...durationBoundsMs, Infinity].map((_, cell) => 30 * ends.filter((ms) => cellOf(ms) === cell).length);
  const cellOf = (ms: number): number => durationBoundsMs.findIndex((bound) => ms <= bound);
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
      /`timeouts.response_head` .* 700 ms/,
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
