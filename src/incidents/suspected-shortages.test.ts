import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CountedCause, IncidentSuspect } from '../core/live-incident.ts';
import { endpointOf, eventAt, incidentOf, ranking } from './ranking.test-support.ts';
import type { SuspectContext } from './suspect-facts.ts';

type Attempts = readonly (readonly [failed: number, all: number])[];

/** Attempts at app/1, app/2, …; the incident's endpoints are listed the worst first. */
function suspectsOf(attempts: Attempts, more: Partial<SuspectContext> = {}): readonly IncidentSuspect[] {
  const cause: CountedCause['cause'] = 'app_error';
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
      'few fail, all at one',
      [
        [9, 170],
        [0, 290],
      ],
      'one_endpoint',
    ],
    [
      'so few fail that chance may have chosen one',
      [
        [3, 56],
        [0, 100],
      ],
      'application_errors',
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
      'the other one: 0 of 46 attempts failed',
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

test('the endpoint of a restarted instance is no other endpoint', () => {
  const endpoints = [
    { endpoint: 'app/web/1/127.0.0.1:4001', attempts: 65, failed: 65 },
    { endpoint: 'app/web/1/127.0.0.1:4002', attempts: 300, failed: 0 },
  ];
  const namesWith = (instances: SuspectContext['instances']): readonly string[] =>
    ranking({ ...incidentOf('application', [['app_error', 65]]), endpoints }, { instances }).map(({ name }) => name);
  const instance = { revision: 1, startedMs: 0, readyMs: 1000 };
  assert.ok(!namesWith(new Map([['web/1', instance]])).includes('one_endpoint'));
  assert.ok(namesWith(new Map()).includes('one_endpoint'), 'two addresses of one host name are two endpoints');
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

describe('a limit of the gateway is the first suspect where requests were refused at it', () => {
  const refusedAt = (reason: string, limit: number | null) =>
    eventAt(1000, {
      ...{
        kind: 'connections_refused',
        subject: 'gateway',
        to: 'refusing',
        reason: `clients were refused (${reason})`,
      },
      evidence: { reason, count: 12, limit, address: null },
    });
  for (const [what, cause, events, sentence, step] of [
    [
      'all connections',
      'too_many_connections',
      [refusedAt('connections_max', 50), refusedAt('memory', null)],
      '50 connections were open, as many as are allowed.',
      /raise `client\.connections_max`/,
    ],
    [
      'all connections, without an event',
      'too_many_connections',
      [refusedAt('memory', null)],
      'As many connections were open as are allowed.',
      /raise `client\.connections_max`/,
    ],
    [
      'memory',
      'shed',
      [refusedAt('memory', null)],
      'A worker had hardly any memory left.',
      /Raise `workers\.memory_max`/,
    ],
    [
      'the time of workers',
      'shed',
      [refusedAt('connections_max', 50)],
      'A worker had more requests than it could serve in time.',
      /`workers\.delay_max` is the limit/,
    ],
  ] as const)
    test(what, () => {
      const [first] = ranking(incidentOf('gateway', [[cause, 30]]), { events });
      assert.equal(first?.name, 'gateway_limit');
      assert.equal(first.sentence, sentence);
      assert.match(first.nextStep, step);
    });

  test('and none where few requests were', () => {
    const found = ranking(
      incidentOf('gateway', [
        ['hops_exceeded', 30],
        ['too_many_connections', 3],
      ]),
    );
    assert.ok(found.every(({ name }) => name !== 'gateway_limit'));
  });
});

describe('a full pool tells how long its connections are in use', () => {
  const settings: NonNullable<SuspectContext['watched']['settings']> = {
    ...{ connectionsMax: 5, idleConnectionMs: 60_000, queueMs: 2000 },
  };
  const incident = { ...incidentOf('full', [['queue_timeout', 90]]), rate: { before: null, during: 20 } };
  const pool = (more: Partial<SuspectContext>) =>
    ranking(incident, {
      watched: { application: null, settings, endpoints: [endpointOf('app/1')] },
      held: { meanMs: 2500, perS: 2 },
      ...more,
    }).find(({ name }) => name === 'pool_full');
  const takes = 'an answered request takes 2.5 s on average';

  test('and what its connections serve then', () => {
    assert.equal(pool({})?.evidence[1], `${takes}: 5 connections serve 2 requests/s, and 20 requests/s come`);
    const endpoints = [endpointOf('app/1'), endpointOf('app/2'), endpointOf('app/3', { state: 'unhealthy' })];
    assert.equal(
      pool({ watched: { application: null, settings, endpoints } })?.evidence[1],
      `${takes}: 2 times 5 connections serve 4 requests/s, and 20 requests/s come`,
    );
  });
  test('but only how many were answered, where that is far less', () =>
    assert.equal(
      pool({ held: { meanMs: 28, perS: 1 } })?.evidence[1],
      'an answered request takes 28 ms on average; 1 requests/s were answered, and 20 requests/s come',
    ));
  test('but not where connections carry several requests, or it is not known', () => {
    assert.equal(pool({ held: { meanMs: 2500, perS: 12 } })?.evidence[1], takes);
    assert.equal(pool({ held: null })?.evidence.length, 1);
  });
  test('and says that a store is needed only where there is none', () => {
    assert.match(pool({})?.nextStep ?? '', /`candor logs` \(needs a `store`\) which/);
    const watched = { application: null, endpoints: [], storesOutput: true } as const;
    assert.match(pool({ watched })?.nextStep ?? '', /`candor logs` which/);
  });
});

describe('where an endpoint goes out and the others answer otherwise', () => {
  const [out, spare] = ['app/127.0.0.1:3001', 'app/127.0.0.1:3002'];
  const endpoints = [{ endpoint: spare, attempts: 80, failed: 50 }];
  const incident = { ...incidentOf('changed', [['changed_response', 50]]), endpoints };
  const wentOut = (afterMs: number) =>
    eventAt(afterMs, { kind: 'endpoint_state', subject: `endpoint:${out}`, from: 'healthy', to: 'unhealthy' });
  const reload = eventAt(-11_000, {
    ...{ kind: 'configuration_applied', subject: 'gateway', revision: 2 },
    evidence: { changed: ['upstreams: app'], contentHash: '', source: '' },
  });
  const firstOf = (afterMs: number, state = 'unhealthy'): IncidentSuspect | undefined =>
    ranking(incident, {
      events: [reload, wentOut(afterMs)],
      watched: { application: null, endpoints: [endpointOf(out, { state }), endpointOf(spare)] },
    })[0];

  test('that is why, rather than a change of the configuration before', () => {
    const first = firstOf(-1000);
    assert.equal(first?.name, 'one_endpoint');
    assert.equal(
      first.sentence,
      `${out} went out 1 s before the first failure, and ${spare} answers otherwise than it did.`,
    );
  });
  test('not long before, nor where it is back', () => {
    assert.equal(firstOf(-60_000)?.name, 'configuration_change');
    assert.equal(firstOf(-1000, 'healthy')?.name, 'configuration_change');
  });
});
