import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyCellOf } from '../core/latency-cells.ts';
import type { RouteTraffic } from '../core/route-traffic.ts';
import type { Instant } from '../core/time.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { type SiblingEvent, SiblingOutliers, type Siblings } from './sibling-outliers.ts';

interface Endpoint {
  /** Requests each second on each route. */
  readonly perS: number;
  readonly ms: number;
  /** 5xx, as a share of its answers. */
  readonly errors?: number;
  /** Requests that are sent and not answered. */
  readonly hangs?: true;
}

interface Play {
  readonly endpoints: Readonly<Record<string, Endpoint>>;
  readonly routes?: readonly string[];
  readonly clients?: number;
  readonly seconds?: number;
  readonly siblings?: Partial<Siblings>;
  readonly seed?: number;
}

/** What is found first, and after how many seconds. */
function play({
  endpoints,
  routes = ['shop'],
  clients = 12,
  seconds = 60,
  siblings = {},
  seed = 1,
}: Play): string | null {
  const random = new SeededRandom(seed);
  const outliers = new SiblingOutliers();
  const names = Object.keys(endpoints);
  const all = { endpoints: new Set(names), beginning: new Set<string>(), events: both, byClient: false, ...siblings };
  for (let quarter = 1; quarter <= seconds * 4; quarter++) {
    const now = (quarter * 250) as Instant;
    for (const route of routes)
      for (const name of names)
        outliers.add(quarterOf(route, name, endpoints[name] as Endpoint, { quarter, clients, random }), 1, now);
    const found = outliers.find(all, now);
    if (found !== null) return `${found.endpoint} ${found.event} ${Math.ceil(quarter / 4)} s`;
  }
  return null;
}

const both: readonly SiblingEvent[] = ['server_error', 'late'];

function quarterOf(
  route: string,
  endpoint: string,
  { perS, ms, errors = 0, hangs }: Endpoint,
  { quarter, clients, random }: { quarter: number; clients: number; random: SeededRandom },
): RouteTraffic {
  let count = 0;
  for (let one = 0; one < Math.ceil(perS); one++) if (random.next() < perS / Math.ceil(perS) / 4) count += 1;
  const client = (): number => Math.floor(random.next() * clients);
  const ofClients = Array.from({ length: count }, () => ({ client: client(), ms }));
  const failed = ofClients.filter(() => random.next() < errors);
  if (hangs) {
    const waiting = Array.from({ length: Math.floor((perS * quarter) / 4) }, (_, index) => ({
      client: client(),
      ms: quarter * 250 - (index * 1000) / perS,
    }));
    return { ...none, route, endpoint, awaited: waiting.slice(0, 64) };
  }
  return {
    ...{ ...none, route, endpoint, answered: count, serverErrors: failed.length },
    latencies: count === 0 ? [] : [latencyCellOf(ms), count],
    ...{ failed: failed.slice(0, 8), slow: ms > 100 ? ofClients.slice(0, 8) : [] },
  };
}

const none: RouteTraffic = {
  ...{ route: '', upstream: 'shop', endpoint: '', answered: 0, serverErrors: 0 },
  ...{ latencies: [], failed: [], slow: [], awaited: [] },
};

const well: Endpoint = { perS: 30, ms: 20 };

const found: readonly (readonly [what: string, Play, string | null])[] = [
  [
    'an endpoint that answers 500 to everything',
    { endpoints: { a: { ...well, errors: 1 }, b: well, c: well } },
    'a server_error 1 s',
  ],
  [
    'one that answers 500 to a fifth',
    { endpoints: { a: { ...well, errors: 0.2 }, b: well, c: well } },
    'a server_error 3 s',
  ],
  [
    'one that takes 3 s, and gets a fiftieth of the requests',
    { endpoints: { a: { perS: 2, ms: 3000 }, b: well, c: well } },
    'a late 3 s',
  ],
  ['one that is 300 ms slower', { endpoints: { a: { perS: 10, ms: 320 }, b: well, c: well } }, 'a late 3 s'],
  [
    'one that does not answer any more',
    { endpoints: { a: { perS: 4, ms: 20, hangs: true }, b: well, c: well } },
    'a late 3 s',
  ],
  [
    'one that fails where requests come seldom',
    { endpoints: { a: { perS: 0.4, ms: 20, errors: 1 }, b: { perS: 0.4, ms: 20 } }, seconds: 120 },
    'a server_error 57 s',
  ],
  [
    'none where all fail alike',
    { endpoints: { a: { ...well, errors: 1 }, b: { ...well, errors: 1 }, c: { ...well, errors: 1 } } },
    null,
  ],
  [
    'none where all fail half of the time',
    { endpoints: { a: { ...well, errors: 0.5 }, b: { ...well, errors: 0.5 } } },
    null,
  ],
  ['none where all are slow', { endpoints: { a: { perS: 30, ms: 3000 }, b: { perS: 30, ms: 3000 } } }, null],
  ['none where one is twice as slow', { endpoints: { a: { perS: 30, ms: 80 }, b: { perS: 30, ms: 40 } } }, null],
  ['none where one client causes all of it', { endpoints: { a: { ...well, errors: 1 }, b: well }, clients: 1 }, null],
  ['none that is alone', { endpoints: { a: { ...well, errors: 1 } } }, null],
  [
    'none that just began and is slow',
    { endpoints: { a: { perS: 10, ms: 900 }, b: well }, siblings: { beginning: new Set(['a']) } },
    null,
  ],
  [
    'one that just began and fails',
    { endpoints: { a: { ...well, errors: 1 }, b: well }, siblings: { beginning: new Set(['a']) } },
    'a server_error 1 s',
  ],
  [
    'none by what is not compared',
    { endpoints: { a: { ...well, errors: 1 }, b: well }, siblings: { events: ['late'] } },
    null,
  ],
  [
    'one by clients, where these stay at an endpoint',
    { endpoints: { a: { ...well, errors: 1 }, b: well, c: well }, siblings: { byClient: true } },
    'a server_error 1 s',
  ],
  [
    'none by two clients who stay there',
    { endpoints: { a: { ...well, errors: 1 }, b: well }, clients: 2, siblings: { byClient: true } },
    null,
  ],
];

for (const [what, situation, expected] of found)
  test(`finds ${what}`, () => {
    assert.equal(play(situation), expected);
  });

test('pauses of a second and a half, in which requests wait, make no endpoint late, whenever they begin, and where a second one follows', () => {
  for (const [perS, begin, again] of [
    [4, 80, 200],
    [30, 80, 200],
    [30, 83, 200],
    [30, 83, 99],
  ] as const) {
    const outliers = new SiblingOutliers();
    const siblings = { endpoints: new Set(['a', 'b']), beginning: new Set<string>(), events: both, byClient: false };
    for (let quarter = 1; quarter <= 160; quarter++) {
      const now = (quarter * 250) as Instant;
      const paused = quarter - (quarter <= again ? begin : again);
      const waiting = Array.from({ length: Math.max(0, Math.floor((paused * perS) / 4)) }, (_, index) => ({
        client: index,
        ms: paused * 250 - (index * 1000) / perS,
      }));
      const usual = { ...none, route: 'shop', answered: Math.ceil(perS / 4), latencies: [latencyCellOf(20), perS / 4] };
      const ended = waiting.flatMap(({ ms }) => [latencyCellOf(ms), 1]);
      const isEnd = paused === 6;
      const a = paused <= 0 || paused > 6 ? usual : { ...usual, answered: 0, latencies: [], awaited: waiting };
      outliers.add(
        {
          ...(isEnd ? { ...a, answered: waiting.length, latencies: ended, slow: waiting.slice(0, 8), awaited: [] } : a),
          endpoint: 'a',
        },
        1,
        now,
      );
      outliers.add({ ...usual, endpoint: 'b' }, 1, now);
      assert.equal(
        outliers.find(siblings, now),
        null,
        `${perS} requests a second, begun at ${begin / 4} s, after ${paused / 4} s`,
      );
    }
  }
});

test('a route that is slow by nature makes no endpoint late that serves more of it', () => {
  const outliers = new SiblingOutliers();
  const random = new SeededRandom(3);
  const siblings = { endpoints: new Set(['a', 'b']), beginning: new Set<string>(), events: both, byClient: false };
  for (let quarter = 1; quarter <= 120; quarter++) {
    const now = (quarter * 250) as Instant;
    for (const [route, endpoint, perS, ms] of [
      ['report', 'a', 20, 2500],
      ['report', 'b', 2, 2500],
      ['cart', 'a', 2, 20],
      ['cart', 'b', 40, 20],
    ] as const)
      outliers.add(quarterOf(route, endpoint, { perS, ms }, { quarter, clients: 9, random }), 1, now);
    assert.equal(outliers.find(siblings, now), null);
  }
});

test('chance makes hardly any endpoint an outlier: one of three, of which all fail in 3 % of requests, in less than one of 100 minutes', () => {
  let ejected = 0;
  const failing = { ...well, errors: 0.03 };
  for (let seed = 1; seed <= 100; seed++)
    if (play({ endpoints: { a: failing, b: failing, c: failing }, seed }) !== null) ejected += 1;
  assert.ok(ejected <= 1, `${ejected} of 100`);
});

test('what all endpoints did before the window is forgotten: one is late though all were later then', () => {
  const random = new SeededRandom(1);
  const outliers = new SiblingOutliers();
  const all = { endpoints: new Set(['a', 'b', 'c']), beginning: new Set<string>(), events: both, byClient: false };
  let found: string | null = null;
  for (let quarter = 1; quarter <= 4 * 170 && found === null; quarter++) {
    const now = (quarter * 250) as Instant;
    for (const name of all.endpoints) {
      const ms = quarter <= 4 * 70 ? 1000 : quarter > 4 * 160 && name === 'a' ? 600 : 20;
      outliers.add(quarterOf('shop', name, { perS: 10, ms }, { quarter, clients: 12, random }), 1, now);
    }
    const outlier = outliers.find(all, now);
    if (outlier !== null) found = `${outlier.endpoint} ${outlier.event} ${Math.ceil(quarter / 4) - 160} s`;
  }
  assert.equal(found, 'a late 3 s');
});
