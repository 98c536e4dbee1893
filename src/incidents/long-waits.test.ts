import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { latencyCellOf } from '../core/latency-cells.ts';
import { clientHash, type RouteTraffic } from '../core/route-traffic.ts';
import { durationBoundsMs, type ExchangeCount } from '../core/counters.ts';
import { bucketOf } from '../record/counters.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { IncidentTracker } from './incident-tracker.ts';
import { LongWaits, longWaitsSince } from './long-waits.ts';

interface Request {
  readonly route: string;
  readonly from: number;
  readonly ms: number;
  readonly client: string;
}

/** Those of a route that were answered, or left. */
function exchangesOf(ended: readonly Request[], route: string, isLeft: boolean, leaveMs: number): ExchangeCount {
  const own = ended.filter((one) => one.route === route && one.ms > leaveMs === isLeft);
  const durations = new Array<number>(durationBoundsMs.length + 1).fill(0);
  for (const { ms } of own) (durations[bucketOf(Math.min(ms, leaveMs))] as number) += 1;
  const of = { upstream: 'shop', route, count: own.length, durations };
  if (!isLeft) return sampleCount({ ...of, client: own.at(-1)?.client ?? '' });
  const by = own.map(({ client }) => ({ client, count: 1 }));
  return sampleCount({ ...of, clients: by, shape: 'client_abort', end: 'abandoned', statusClass: 'none' });
}

interface Play {
  /** After how many milliseconds the response begins; Infinity: never. */
  readonly ms: (second: number, route: string, client: string, drawn: number) => number;
  readonly routes?: readonly string[];
  readonly perS?: number;
  readonly seconds?: number;
  /** Clients leave after this time. */
  readonly leaveMs?: number;
  readonly endpoint?: (second: number) => string;
}

const clients = Array.from({ length: 14 }, (_, at) => `127.0.66.${at + 1}`);

/** Clients of some routes of one application, and what workers report of them four times a second. */
function play({
  ms,
  routes = ['cart', 'api', 'search'],
  perS = 16,
  seconds = 160,
  leaveMs = 10_000,
  endpoint = () => 'shop/1',
}: Play): {
  readonly told: readonly string[];
  readonly first: string;
} {
  const random = new SeededRandom(11);
  const tracker = new IncidentTracker(0);
  const told: string[] = [];
  let first = '';
  let open: Request[] = [];
  for (let quarter = 4; quarter < seconds * 4; quarter++) {
    const now = quarter * 250;
    const second = Math.floor(now / 1000);
    for (const route of routes)
      for (let one = 0; one < perS / 4; one++) {
        if (random.next() > perS / 4 / Math.ceil(perS / 4)) continue;
        const client = clients[Math.floor(random.next() * clients.length)] as string;
        open.push({ route, client, from: now - 250 * random.next(), ms: ms(second, route, client, random.next()) });
      }
    const ended = open.filter((one) => now >= one.from + Math.min(one.ms, leaveMs));
    open = open.filter((one) => !ended.includes(one));
    const traffic = routes.map((route): RouteTraffic => {
      const own = ended.filter((one) => one.route === route && one.ms <= leaveMs);
      const awaited = open.filter((one) => one.route === route && now - one.from > 100);
      return {
        ...{ route, upstream: 'shop', endpoint: endpoint(second), serverErrors: 0, failed: [], slow: [] },
        answered: own.length,
        latencies: own.flatMap((one) => [latencyCellOf(one.ms), 1]),
        awaited: awaited.map((one) => ({ client: clientHash(one.client), ms: now - one.from })),
      };
    });
    const exchanges = routes.flatMap((route) =>
      [false, true].map((isLeft) => exchangesOf(ended, route, isLeft, leaveMs)),
    );
    tracker.note({ exchanges, outcomes: [], routes: traffic, staleReusesFailed: 0 }, now);
    for (const { kind, incident } of tracker.judge(now + 1, () => ({ application: null, endpoints: [] }))) {
      if (kind !== 'grown') told.push(`${kind} ${second}`);
      if (kind === 'opened') first = incident.suspects[0]?.sentence ?? '';
    }
  }
  return { told, first };
}

describe('a part of the requests that is not answered is an incident within ten seconds', () => {
  test('of all routes and clients, as where one of several workers stands still', () => {
    const { told, first } = play({
      ms: (second, _route, _client, drawn) => (second >= 100 && drawn < 0.06 ? Infinity : 20),
    });
    assert.match(told.join(), /^opened 1(?:0\d|10)$/);
    assert.match(
      first,
      /^A part of the application's workers, threads or connections does not answer, or only late: \d % of the requests of all routes and clients alike wait, and the others are answered as fast as ever\.$/,
    );
  });

  test('of one client', () => {
    const { told, first } = play({
      ms: (second, _, client) => (second >= 100 && client === '127.0.66.3' ? Infinity : 20),
    });
    assert.match(told.join(), /^opened 1(?:0\d|10)$/);
    assert.match(first, /^Nearly all requests that wait are those of one client, 127\.0\.66\.3;/);
  });

  test('that comes after three seconds', () => {
    const { told } = play({ ms: (second, _route, _client, drawn) => (second >= 100 && drawn < 0.05 ? 3000 : 20) });
    assert.match(told.join(), /^opened 1(?:0\d|1[0-3])$/);
  });
});

test('one request in a hundred of one route that is not answered is an incident within a minute', () => {
  const ms: Play['ms'] = (second, route, _, drawn) =>
    second >= 100 && route === 'cart' && drawn < 0.03 ? Infinity : 20;
  const { told } = play({ ms, seconds: 200 });
  assert.match(told.join(), /^opened 1[0-6]\d$/);
});

describe('short pauses that repeat are an incident within a minute', () => {
  const pausing =
    (everyS: number, share: number): Play['ms'] =>
    (second, _route, _client, drawn) =>
      second >= 100 && second % everyS === 0 && drawn < share ? 1200 : 20;

  for (const everyS of [8, 12])
    test(`all stands still for half a second every ${everyS} s`, () => {
      const { told, first } = play({ ms: pausing(everyS, 0.5), seconds: 200 });
      assert.match(told.join(), /^opened 1[0-6]\d$/);
      assert.match(
        first,
        new RegExp(
          `^The application, or something it waits for, stands still for a moment every ${everyS} s; in between`,
        ),
      );
    });

  test('not where they were as many in the minutes before', () => {
    const ms: Play['ms'] = (second, _route, _client, drawn) => (second % 12 === 0 && drawn < 0.5 ? 1200 : 20);
    assert.deepEqual(play({ ms, seconds: 300 }).told, []);
  });

  test('not where one client alone meets them', () => {
    const ms: Play['ms'] = (second, route, client) =>
      second >= 100 && second % 12 === 0 && route === 'search' && client === '127.0.66.3' ? 1200 : 20;
    assert.deepEqual(play({ ms, seconds: 200, perS: 60 }).told, []);
  });
});

describe('requests that become long one after the other, since their routes have different limits', () => {
  /** Of each route with its limit, one is sent a second for so long, beside twelve that are answered soon. */
  function since(forS: number): number | null {
    const routes = [2000, 3000, 5000].map((limitMs) => {
      const waits = new LongWaits(String(limitMs), () => 0);
      waits.settle(limitMs / 2, () => 0);
      return { waits, afterS: limitMs / 1000 };
    });
    for (let second = 90; second <= 112; second++)
      for (const { waits, afterS } of routes) {
        const sentAt = second - afterS;
        waits.add(12, sentAt >= 100 && sentAt < 100 + forS ? 1 : 0, [], second);
      }
    return longWaitsSince(
      routes.map(({ waits }) => waits),
      112,
    );
  }

  test('are those of a moment where they were sent in three seconds', () => assert.equal(since(3), null));
  test('are a part that waits where they were sent in eight', () => assert.equal(since(8), 102));
});

describe('no incident', () => {
  const cases: readonly (readonly [what: string, play: Play])[] = [
    [
      'what all wait for stands still for five seconds',
      { ms: (second, _, _client, drawn) => (second >= 100 && second < 105 ? (105 - second) * 1000 - 500 * drawn : 20) },
    ],
    [
      'what one route waits for stands still for five seconds',
      { ms: (second, route) => (second >= 100 && second < 105 && route === 'cart' ? (105 - second) * 1000 : 20) },
    ],
    [
      'an endpoint begins with cold caches',
      {
        ms: (second, _route, _client, drawn) =>
          second >= 100 && drawn < 0.15 * Math.exp((100 - second) / 10) ? 3000 : 20,
        endpoint: (second) => (second < 100 ? 'shop/1' : 'shop/2'),
      },
    ],
    [
      'few requests meet two pauses',
      { ms: (second, _route, _client, drawn) => ((second === 100 || second === 117) && drawn < 0.12 ? 2500 : 20) },
    ],
    [
      'one in twenty that always takes three seconds',
      { ms: (_second, _route, _client, drawn) => (drawn < 0.05 ? 3000 : 20) },
    ],
    [
      'one client that asks for much of one route',
      {
        ms: (second, route, client) =>
          second >= 100 && second < 130 && route === 'search' && client === '127.0.66.3' ? 4000 : 20,
      },
    ],
    [
      'one client that leaves what is slow',
      {
        ms: (second, route, client) => (second >= 100 && route === 'search' && client === '127.0.66.3' ? 9000 : 20),
        leaveMs: 1500,
        perS: 2,
      },
    ],
  ];
  for (const [what, one] of cases) test(what, () => assert.deepEqual(play(one).told, []));
});
