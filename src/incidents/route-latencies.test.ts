import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { latencyCellOf } from '../core/latency-cells.ts';
import { durationBoundsMs } from '../core/counters.ts';
import type { Event } from '../core/event.ts';
import type { RouteTraffic } from '../core/route-traffic.ts';
import { bucketOf } from '../record/counters.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { incidentSentence } from './incident-sentence.ts';
import { IncidentTracker } from './incident-tracker.ts';
import { requestsQuery } from './requests-query.ts';

interface Play {
  readonly seconds?: number;
  /** Of the route search, at an endpoint; the other routes take what they always took. */
  readonly ms: (second: number, endpoint: string, drawn: number) => number;
  readonly perS?: number;
  readonly seed?: number;
}

/** Three endpoints answer two routes. */
function play({ seconds = 240, ms, perS = 8, seed = 1 }: Play): { told: readonly string[]; tracker: IncidentTracker } {
  const random = new SeededRandom(seed);
  const tracker = new IncidentTracker(0);
  const told: string[] = [];
  for (let second = 1; second <= seconds; second++) {
    const routes: RouteTraffic[] = [];
    for (const endpoint of ['shop/1', 'shop/2', 'shop/3'])
      for (const route of ['search', 'cart']) {
        const took = Array.from(
          { length: Math.round(perS * (0.5 + random.next())) },
          () => (route === 'search' ? ms(second, endpoint, random.next()) : 30) * (0.7 + random.next() ** 4),
        );
        routes.push({
          ...none,
          route,
          endpoint,
          answered: took.length,
          latencies: took.flatMap((one) => [latencyCellOf(one), 1]),
        });
      }
    const exchanges = ['search', 'cart'].map((route) =>
      sampleCount({ upstream: 'shop', route, count: countOf(routes, route) }),
    );
    const outcomes = ['shop/1', 'shop/2', 'shop/3'].map((endpoint) => ({
      ...({ upstream: 'shop', endpoint, state: 'healthy', causes: [] as [], serverErrors: 0, failures: 0 } as const),
      ...{ successes: countOf(routes, null, endpoint), rateLimited: 0, restMs: 0, latencyMs: 0 },
      ...{ consecutiveFailures: 0, consecutiveUnreachable: 0 },
    }));
    tracker.note({ exchanges, outcomes, routes, staleReusesFailed: 0 }, second * 1000);
    for (const { kind } of tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] })))
      if (kind !== 'grown') told.push(`${kind} ${second}`);
  }
  return { told, tracker };
}

const noOutcomes = {
  ...({ upstream: 'shop', state: 'healthy', causes: [] as [], serverErrors: 0, failures: 0 } as const),
  ...{ rateLimited: 0, restMs: 0, latencyMs: 0, consecutiveFailures: 0, consecutiveUnreachable: 0 },
};

const none: RouteTraffic = {
  ...{ route: '', upstream: 'shop', endpoint: '', answered: 0, serverErrors: 0 },
  ...{ latencies: [], failed: [], slow: [], awaited: [] },
};

const countOf = (routes: readonly RouteTraffic[], route: string | null, endpoint: string | null = null): number =>
  routes
    .filter((one) => (route === null || one.route === route) && (endpoint === null || one.endpoint === endpoint))
    .reduce((sum, { answered }) => sum + answered, 0);

describe('a route that goes from 35 ms to 4 s', () => {
  const slow = play({ ms: (second) => (second > 100 && second <= 160 ? 4000 : 35) });

  test('is an incident within ten seconds, and over a minute after it is quick again', () => {
    const [opened = '', resolved = '', ...others] = slow.told;
    assert.match(opened, /^opened 10[1-9]$/);
    assert.match(resolved, /^resolved 2[12][0-9]$/);
    assert.deepEqual(others, []);
  });

  test('is told with what was usual, and with a search that finds its requests', () => {
    const [incident] = play({ seconds: 150, ms: (second) => (second > 100 ? 4000 : 35) }).tracker.list(150_000);
    assert.ok(incident !== undefined);
    assert.match(
      incidentSentence(incident),
      /^Incident 1: responses begin much later than before \(upstream shop\): \d+ of \d+ requests took longer than usual: half of those of the route search take 3\.\d s, where 2\d ms were usual\. The application, or something it waits for, has become slow or hangs\.$/,
    );
    assert.deepEqual(
      incident.routes.map(({ route }) => route),
      ['search'],
    );
    assert.match(requestsQuery(incident), /^route:search duration:>\d+ms upstream:shop since:/);
    assert.deepEqual(
      [incident.shape, incident.whose, incident.suspects[0]?.name],
      ['too_slow', 'application', 'slow_application'],
    );
  });
});

test('one of three endpoints that is slow is named', () => {
  const { tracker, told } = play({
    seconds: 200,
    ms: (second, endpoint) => (second > 100 && endpoint === 'shop/2' ? 900 : 35),
  });
  assert.match(told[0] ?? '', /^opened 1[0-3][0-9]$/);
  const [suspect] = tracker.list(200_000)[0]?.suspects ?? [];
  assert.equal(suspect?.sentence, 'Only shop/2 is slow; the other endpoints answer as before.');
});

/** Few responses are always late, and after a deploy a third, then fewer. */
const coldShare = (second: number): number => (second <= 200 ? 0.003 : 0.003 + 0.3 * Math.exp((200 - second) / 9));

const well: readonly (readonly [what: string, ms: Play['ms']])[] = [
  ['that was always slow', () => 4000],
  ['that is twice as slow', (second) => (second > 100 ? 70 : 35)],
  ['that is slow for three seconds', (second) => (second > 100 && second <= 103 ? 3000 : 35)],
  ['that is slow for six seconds', (second) => (second > 100 && second <= 106 ? 3000 : 35)],
  ['that is slow for a second each ten', (second) => (second % 10 === 0 ? 600 : 35)],
  ['whose caches are cold for half a minute', (second, _, drawn) => (drawn < coldShare(second) ? 2000 : 35)],
  ['whose first responses are slow', (second) => (second <= 25 ? 2000 : 35)],
];
for (const [what, ms] of well)
  test(`a route ${what} is no incident`, () => {
    assert.deepEqual(play({ seconds: 400, ms }).told, []);
  });

test('one in sixteen responses that take 2.5 s is an incident, although workers tell of each while it is awaited', () => {
  const tracker = new IncidentTracker(0);
  const told: string[] = [];
  for (let quarter = 4; quarter <= 180 * 4; quarter++) {
    const second = Math.floor(quarter / 4);
    // A slow one begins every other second.
    const slow = second > 100 ? quarter % 8 : -1;
    const awaited = slow > 0 ? [{ client: second, ms: slow * 250 }] : [];
    const latencies = [latencyCellOf(35), 2, ...(slow === 0 ? [latencyCellOf(2500), 1] : [])];
    const routes = [{ ...none, route: 'search', endpoint: 'shop/1', answered: slow === 0 ? 3 : 2, latencies, awaited }];
    const exchanges = [sampleCount({ upstream: 'shop', route: 'search', count: 2 })];
    tracker.note({ exchanges, outcomes: [], routes, staleReusesFailed: 0 }, quarter * 250);
    for (const { kind } of tracker.judge(quarter * 250 + 1000, () => ({ application: null, endpoints: [] })))
      if (kind !== 'grown') told.push(`${kind} ${second}`);
  }
  assert.match(told.join(), /^opened 1[4-6]\d$/);
});

test('few requests that clients leave are an incident, although workers tell of each while it is awaited', () => {
  const tracker = new IncidentTracker(0);
  const told: string[] = [];
  for (let quarter = 4; quarter <= 220 * 4; quarter++) {
    const second = Math.floor(quarter / 4);
    // One begins every fourth second, and is left after three.
    const waitedMs = second > 100 ? (quarter % 16) * 250 : 0;
    const awaited = waitedMs > 0 && waitedMs < 3000 ? [{ client: second, ms: waitedMs }] : [];
    const routes = [
      { ...none, route: 'search', endpoint: 'shop/1', answered: 2, latencies: [latencyCellOf(35), 2], awaited },
    ];
    const exchanges = [sampleCount({ upstream: 'shop', route: 'search', count: 2 })];
    const durations = new Array<number>(durationBoundsMs.length + 1).fill(0);
    durations[bucketOf(3000)] = 1;
    const clients = [{ client: `10.0.0.${second % 9}`, count: 1 }];
    const left = { shape: 'client_abort', end: 'abandoned', statusClass: 'none', durations, clients } as const;
    if (waitedMs === 3000) exchanges.push(sampleCount({ upstream: 'shop', route: 'search', count: 1, ...left }));
    tracker.note({ exchanges, outcomes: [], routes, staleReusesFailed: 0 }, quarter * 250);
    for (const { kind } of tracker.judge(quarter * 250 + 1000, () => ({ application: null, endpoints: [] })))
      if (kind !== 'grown') told.push(`${kind} ${second}`);
  }
  assert.match(told.join(), /^opened 1[4-9]\d$/);
});

test('a route with hardly any requests is an incident when it is slow', () => {
  const { told } = play({ seconds: 400, perS: 0.6, ms: (second) => (second > 200 ? 4000 : 35) });
  assert.match(told[0] ?? '', /^opened 2[0-2][0-9]$/);
});

/** Clients leave the route search after `ms`, from the hundredth second on. `statusClass`: of the response that they had begun to get. */
function abandoned(
  ms: (number: number) => number,
  statusClass: '2xx' | 'none' = 'none',
  usualMs = 40,
  leaving: readonly string[] | null = null,
): readonly string[] {
  const tracker = new IncidentTracker(0);
  const random = new SeededRandom(4);
  for (let second = 1; second <= 140; second++) {
    const isLeft = second > 100;
    const routes = isLeft
      ? []
      : [{ ...none, route: 'search', endpoint: 'shop/1', answered: 8, latencies: [latencyCellOf(usualMs), 8] }];
    const durations = new Array<number>(durationBoundsMs.length + 1).fill(0);
    for (let number = 0; number < 8; number++) (durations[bucketOf(ms(random.next()))] as number) += 1;
    const by = leaving?.map((client) => ({ client, count: 8 / leaving.length }));
    const clients = by === undefined ? {} : { clients: by };
    const left = { shape: 'client_abort', end: 'abandoned', statusClass, durations, ...clients } as const;
    const exchange = sampleCount({ upstream: 'shop', route: 'search', count: 8, ...(isLeft ? left : {}) });
    tracker.note({ exchanges: [exchange], outcomes: [], routes, staleReusesFailed: 0 }, second * 1000);
    tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }));
  }
  return tracker.list(140_000).flatMap(({ suspects }) => suspects.slice(0, 1).map(({ sentence }) => sentence));
}

test('clients that all give up after two seconds are told, although no request has failed', () => {
  assert.deepEqual(
    abandoned(() => 2000),
    ['Clients, or a gateway in front of this one, give up after 2 s, before the application answers.'],
  );
});

test('one client that leaves tells nothing, several do', () => {
  const told = (...clients: readonly string[]) => abandoned(() => 2000, 'none', 40, clients).length;
  assert.deepEqual([told('10.0.0.1'), told('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4')], [0, 1]);
});

test('clients that give up after different times wait for a slow application', () => {
  assert.deepEqual(
    abandoned((drawn) => 500 + 9000 * drawn),
    ['The application, or something it waits for, has become slow or hangs.'],
  );
});

test('downloads that clients abort soon are no incident', () => {
  assert.deepEqual(
    abandoned((drawn) => 5 + 150 * drawn),
    [],
  );
});

test('a route of which one request in twenty takes two seconds is an incident once that has lasted', () => {
  const { told } = play({ seconds: 300, ms: (second, _, drawn) => (second > 120 && drawn < 0.05 ? 2000 : 35) });
  assert.match(told.join(), /^opened (1[6-9]|2[0-4])\d$/);
});

test('a route of which clients now leave a slow page after 1.2 s is an incident, though it was always slow', () => {
  const tracker = new IncidentTracker(0);
  for (let second = 1; second <= 200; second++) {
    const isLeft = second > 100 && second % 3 !== 0;
    const durations = new Array<number>(durationBoundsMs.length + 1).fill(0);
    durations[bucketOf(isLeft ? 1200 : 1600)] = 1;
    const left = isLeft ? ({ shape: 'client_abort', end: 'abandoned', statusClass: 'none' } as const) : {};
    const routes = isLeft
      ? []
      : [{ ...none, route: 'report', endpoint: 'shop/1', answered: 1, latencies: [latencyCellOf(1600), 1] }];
    const exchange = sampleCount({ upstream: 'shop', route: 'report', count: 1, durations, ...left });
    tracker.note({ exchanges: [exchange], outcomes: [], routes, staleReusesFailed: 0 }, second * 1000);
    tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }));
  }
  const [incident] = tracker.list(201_000);
  assert.equal(incident?.suspects[0]?.name, 'client_timeout');
});

test('downloads that clients abort late, after they have begun, are no incident', () => {
  assert.deepEqual(
    abandoned((drawn) => 500 + 9000 * drawn, '2xx'),
    [],
  );
});

test('a response that is late is counted once: while it is awaited, or when it begins', () => {
  const tracker = new IncidentTracker(0);
  for (let second = 1; second <= 130; second++) {
    const isLate = second > 120;
    const own = { ...none, route: 'search', endpoint: 'shop/1' };
    const ms = isLate ? 400 : 40;
    const note = (routes: readonly RouteTraffic[], at: number): void => {
      tracker.note({ exchanges: [], outcomes: [], routes, staleReusesFailed: 0 }, at);
    };
    if (isLate) note([{ ...own, awaited: [{ client: 1, ms: 300 }] }], second * 1000);
    note([{ ...own, answered: 1, latencies: [latencyCellOf(ms), 1] }], second * 1000 + 500);
    tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }));
    const late = tracker.list((second + 1) * 1000)[0]?.failed ?? 0;
    assert.ok(late <= Math.max(0, second - 120), `${late} in second ${second}`);
  }
});

test('a route with few requests, of which one of twenty takes long by nature, is no incident', () => {
  for (let seed = 1; seed <= 2; seed++) {
    const random = new SeededRandom(`long ${seed}`);
    const ms = (): number => (random.next() < 0.05 ? 9000 : 200);
    assert.deepEqual(play({ seconds: 1800, perS: 0.3, ms, seed }).told, [], `seed ${seed}`);
  }
});

/** Three slow responses of one endpoint in the hundredth second and three in the next, each with its ejection, if `times` says so. */
function ejected(times: number): readonly string[] {
  const tracker = new IncidentTracker(0);
  for (let second = 1; second <= 130; second++) {
    const isBad = second === 100 || (second === 115 && times === 2);
    const own = { ...none, route: 'search', endpoint: 'shop/1' };
    const answered = Array.from({ length: 20 }, () => latencyCellOf(35)).flatMap((cell) => [cell, 1]);
    const slow = isBad ? [latencyCellOf(3000), 4] : [];
    const routes = [{ ...own, answered: 20 + (isBad ? 4 : 0), latencies: [...answered, ...slow] }];
    const exchange = sampleCount({ upstream: 'shop', route: 'search', count: 20 });
    tracker.note({ exchanges: [exchange], outcomes: [], routes, staleReusesFailed: 0 }, second * 1000);
    const event = {
      ...{ kind: 'health_disagreement', subject: 'endpoint:shop/1', from: 'healthy', to: 'ejected', reason: '', at: 0 },
      evidence: { pauseMs: 10_000 },
    } as unknown as Event;
    if (isBad) tracker.onEvent(event, second * 1000 + 500);
    tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }));
  }
  return tracker.list(131_000).map(({ family }) => family);
}

test('an endpoint that is slow again after it was ejected is an incident; a pause that is over is none', () => {
  assert.deepEqual(ejected(1), []);
  assert.deepEqual(ejected(2), ['slower']);
});

test('people who click away from a slow page, each after another time, are no incident', () => {
  assert.deepEqual(
    abandoned((drawn) => 300 + 1200 * drawn, 'none', 1300),
    [],
  );
});

test('a few polls that begin to wait for news, beside the others, are no incident', () => {
  const ms = (second: number, _: string, drawn: number): number => (second > 120 && drawn < 0.05 ? 20_000 : 35);
  assert.deepEqual(play({ seconds: 400, ms }).told, []);
});

test('an endpoint that answers, and nearly always late, is an incident when it is ejected for the first time', () => {
  const opened = (isPausing: boolean): readonly string[] => {
    const tracker = new IncidentTracker(0);
    for (let second = 1; second <= 112; second++) {
      const isBad = second > 100 && second <= 104;
      const ms = isBad && !isPausing ? 340 : 35;
      const awaited = isBad && isPausing ? Array.from({ length: 6 }, (_, client) => ({ client, ms: 200 })) : [];
      const ofBad = isBad && isPausing ? [] : [latencyCellOf(ms), 6];
      const routes = [
        {
          ...none,
          route: 'search',
          endpoint: 'shop/1',
          answered: ofBad.length === 0 ? 0 : 6,
          latencies: ofBad,
          awaited,
        },
        { ...none, route: 'search', endpoint: 'shop/2', answered: 24, latencies: [latencyCellOf(35), 24] },
      ];
      const exchanges = [sampleCount({ upstream: 'shop', route: 'search', count: 30 })];
      const outcomes = [
        ['shop/1', ofBad.length === 0 ? 0 : 6],
        ['shop/2', 24],
      ].map(([endpoint, successes]) => ({ ...noOutcomes, endpoint: String(endpoint), successes: Number(successes) }));
      tracker.note({ exchanges, outcomes, routes, staleReusesFailed: 0 }, second * 1000);
      const event = {
        ...{
          kind: 'health_disagreement',
          subject: 'endpoint:shop/1',
          from: 'healthy',
          to: 'ejected',
          reason: '',
          at: 0,
        },
        evidence: { pauseMs: 10_000, failures: 20, check: 'tcp' },
      } as unknown as Event;
      if (second === 104) tracker.onEvent(event, second * 1000 + 500);
      tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }));
    }
    return tracker.list(112_000).map(({ suspects }) => suspects[0]?.sentence ?? '');
  };
  assert.deepEqual(opened(false), ['Only shop/1 is slow; the other endpoints answer as before.']);
  assert.deepEqual(opened(true), []);
});
