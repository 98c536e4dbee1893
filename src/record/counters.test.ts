import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { durationBoundsMs, type ExchangeCount } from '../core/counters.ts';
import type { AttemptFacts, EndedExchange } from '../core/exchange.ts';
import { fail } from '#failures/failure.ts';
import type { Instant } from '../core/time.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { bucketOf, CounterTotals, ExchangeCounters } from './counters.ts';
import { failedExchange, sampleClient, sampleExchange } from './sample-exchange.test-support.ts';

const lasting = (ms: number, changes: Partial<EndedExchange> = {}): EndedExchange =>
  sampleExchange({ endedAt: (5000 + ms) as Instant, ...changes });
const labels = ({ route, upstream, statusClass, shape, cause, end }: ExchangeCount): string =>
  [route, upstream, statusClass, shape, cause, end].join(' ');

const names = { routes: new Set(['shop', 'api']), upstreams: new Set(['shop']) };
const totalsOf = (keysMax?: number): CounterTotals => new CounterTotals(new SimulatedClock(), () => names, keysMax);

test('exchanges with the same labels are counted together, others separately', () => {
  const counters = new ExchangeCounters();
  const refused = fail('connect_refused', 'connect', { address: 'a:1' });
  const exchanges = [
    lasting(1),
    lasting(2),
    lasting(2, { statusSent: 304, statusReceived: 304 }),
    lasting(2, { statusSent: 500, statusReceived: 500 }),
    lasting(2, { route: 'api' }),
    lasting(2, { route: '', upstream: '', attempts: [], endKind: 'generated', statusSent: 404 }),
    failedExchange(refused, 502),
    failedExchange(fail('client_gone', 'response', { bytesSent: 0, how: 'closed' }), 0, { endKind: 'abandoned' }),
    lasting(2, { endKind: 'truncated', failure: refused }),
  ];
  for (const exchange of exchanges) counters.count(exchange);
  assert.deepEqual(
    counters.takeDelta().map((count) => [count.count, labels(count)]),
    [
      [2, 'shop shop 2xx none none forwarded'],
      [1, 'shop shop 3xx none none forwarded'],
      [1, 'shop shop 5xx app_error none forwarded'],
      [1, 'api shop 2xx none none forwarded'],
      [1, '  4xx none none generated'],
      [1, 'shop shop 5xx unreachable connect_refused generated'],
      [1, 'shop shop none client_abort client_gone abandoned'],
      [1, 'shop shop 2xx unreachable connect_refused truncated'],
    ],
  );
});

test('a time that the client had set is counted apart', () => {
  const counters = new ExchangeCounters();
  for (const setBy of ['client', undefined, 'client'] as const)
    counters.count(
      failedExchange(
        fail('exchange_timeout', 'response', { address: null, limitMs: 5, ...(setBy === undefined ? {} : { setBy }) }),
        504,
      ),
    );
  assert.deepEqual(
    counters.takeDelta().map(({ isClientDeadline, count }) => [isClientDeadline, count]),
    [
      [true, 2],
      [false, 1],
    ],
  );
});

test('a response that went on for long behind its head is counted apart, and a slow head is not', () => {
  const counters = new ExchangeCounters();
  const [attempt] = sampleExchange().attempts;
  const withHead = (headMs: number) => ({ attempts: [{ ...(attempt as AttemptFacts), headMs }] });
  counters.count(lasting(9000, withHead(8900)));
  counters.count(lasting(9000, withHead(20)));
  counters.count(lasting(4000, withHead(20)));
  counters.count(lasting(9000, withHead(-1)));
  const delta = counters.takeDelta();
  assert.deepEqual(
    delta.map(({ count, isLongLived }) => [count, isLongLived]),
    [
      [3, false],
      [1, true],
    ],
  );
  const headsOf = (one: ExchangeCount | undefined) => one?.heads?.flatMap((count, cell) => (count > 0 ? [cell] : []));
  assert.deepEqual(delta.map(headsOf), [undefined, [bucketOf(20)]]);
  counters.count(lasting(9000, withHead(300)));
  assert.deepEqual(headsOf(counters.takeDelta()[0]), [bucketOf(300)]);
  const totals = totalsOf();
  totals.add(delta);
  const [total, ...others] = totals.all();
  assert.deepEqual([total?.count, total?.durations.reduce((sum, count) => sum + count), others], [4, 4, []]);
});

test('durations fall into the first bound that they do not exceed', () => {
  const counters = new ExchangeCounters();
  for (const ms of [0, 1, 1.001, 100_000, 100_001]) counters.count(lasting(ms, { attempts: [] }));
  const [count] = counters.takeDelta();
  const expected = new Array<number>(durationBoundsMs.length + 1).fill(0);
  expected[0] = 1;
  expected[durationBoundsMs.indexOf(1)] = 1;
  expected[durationBoundsMs.indexOf(1) + 1] = 1;
  expected[durationBoundsMs.length - 1] = 1;
  expected[durationBoundsMs.length] = 1;
  assert.deepEqual(count?.durations, expected);
});

test('the cell of a duration is the same as that of a search from the first bound', () => {
  const slowly = (ms: number): number => {
    const found = durationBoundsMs.findIndex((bound) => ms <= bound);
    return found === -1 ? durationBoundsMs.length : found;
  };
  const near = durationBoundsMs.flatMap((bound) => [bound - 1e-9, bound, bound + 1e-9]);
  const spread = Array.from({ length: 5000 }, (_, at) => 1.004 ** at / 1000);
  for (const ms of [0, 0.001, 2 ** 27, 2 ** 33, 1e12, ...near, ...spread])
    assert.equal(bucketOf(ms), slowly(ms), String(ms));
});

test('a delta says when the first of its exchanges ended, and totals do not', () => {
  const counters = new ExchangeCounters();
  const totals = totalsOf();
  const { startedWall } = sampleExchange();
  const deltas = [
    [3, 9],
    [4, 2],
  ].map((durations) => {
    for (const ms of durations) counters.count(lasting(ms));
    return counters.takeDelta();
  });
  assert.deepEqual(
    deltas.map(([delta]) => delta?.firstEndedAt),
    [startedWall + 3, startedWall + 4],
  );
  for (const delta of deltas) totals.add(delta);
  assert.ok(!('firstEndedAt' in (totals.all()[0] ?? {})));
});

test('a delta says when the earliest of its exchanges began, also where it ended last', () => {
  const counters = new ExchangeCounters();
  const totals = totalsOf();
  for (const startedWall of [5000, 2000, 4000]) counters.count({ ...lasting(3), startedWall });
  const first = counters.takeDelta();
  counters.count({ ...lasting(3), startedWall: 9000 });
  const deltas = [...first, ...counters.takeDelta()];
  assert.deepEqual(
    deltas.map(({ firstStartedAt }) => firstStartedAt),
    [2000, 9000],
  );
  totals.add(deltas);
  assert.ok(!('firstStartedAt' in (totals.all()[0] ?? {})));
});

test('a delta has the counts since the previous one, and totals add them up', () => {
  const counters = new ExchangeCounters();
  const totals = totalsOf();
  counters.count(lasting(3, { bytesFromClient: 5 }));
  const first = counters.takeDelta();
  totals.add(first);
  assert.deepEqual(counters.takeDelta(), []);
  counters.count(lasting(4));
  counters.count(lasting(4, { route: 'api' }));
  totals.add(counters.takeDelta());
  assert.equal(first[0]?.count, 1, 'a taken delta does not change');
  assert.deepEqual(
    totals
      .all()
      .map((one) => [
        one.route,
        one.count,
        one.durationMsSum,
        one.durationMsMin,
        one.durationMsMax,
        one.bytesIn,
        one.bytesOut,
      ]),
    [
      ['shop', 2, 7, 3, 4, 5, 12_826],
      ['api', 1, 4, 4, 4, 0, 6413],
    ],
  );
});

test('beyond the limit exchanges are counted under "(other)", and none is lost', () => {
  const counters = new ExchangeCounters(3);
  const totals = totalsOf(2);
  for (let n = 0; n < 50; n++)
    counters.count(lasting(1, { route: `r${n}`, upstream: `u${n}`, statusSent: n % 2 === 0 ? 200 : 404 }));
  const delta = counters.takeDelta();
  assert.deepEqual(
    delta.map((count) => `${count.route} ${count.statusClass} ${count.count}`),
    ['r0 2xx 1', 'r1 4xx 1', 'r2 2xx 1', '(other) 4xx 24', '(other) 2xx 23'],
  );
  totals.add(delta);
  totals.add([{ ...(delta[0] as ExchangeCount), route: 'r0' }]);
  assert.deepEqual(
    totals.all().map((count) => `${count.route} ${count.statusClass} ${count.count}`),
    ['r0 2xx 2', 'r1 4xx 1', '(other) 2xx 24', '(other) 4xx 24'],
  );
});

test('a delta says whose requests failed, one that succeeded as a sample, and totals neither', () => {
  const counters = new ExchangeCounters();
  const of = (address: string, changes: Partial<EndedExchange> = {}): void =>
    counters.count(lasting(1, { client: sampleClient({ address }), ...changes }));
  const failure = fail('connect_refused', 'connect', { address: 'a:1' });
  for (const address of ['192.0.2.1', '2001:db8::1', '2001:db8::2', '192.0.2.1']) of(address, { failure });
  of('192.0.2.7');
  of('192.0.2.8');
  const delta = counters.takeDelta();
  assert.deepEqual(
    delta.map(({ client, clients }) => ({ client, clients })),
    [
      {
        client: '',
        clients: [
          { client: '192.0.2.1', count: 2 },
          { client: '2001:db8:0:0::/64', count: 2 },
        ],
      },
      { client: '192.0.2.8', clients: [] },
    ],
  );
  of('192.0.2.9', { failure });
  assert.deepEqual(counters.takeDelta()[0]?.clients, [{ client: '192.0.2.9', count: 1 }]);
  const totals = new CounterTotals(new SimulatedClock(), () => ({ routes: new Set(), upstreams: new Set() }));
  totals.add(delta);
  assert.ok(totals.all().every((total) => !('client' in total) && !('clients' in total)));
  assert.ok(totals.all().every((total) => !('clientRetries' in total)));
});

test('failures are told with their methods, statuses and paths, of which few are told apart', () => {
  const counters = new ExchangeCounters();
  const failure = fail('connect_refused', 'connect', { address: 'a:1' });
  const failedAt = (method: string, target: string): EndedExchange => ({
    ...failedExchange(failure, 502),
    method,
    target,
  });
  counters.count(failedAt('POST', '/pay?card=1'));
  counters.count(failedAt('POST', '/pay?card=2'));
  counters.count(failedAt('BREW', `/${'a'.repeat(200)}`));
  for (let id = 0; id < 20; id++) counters.count(failedAt('GET', `/items/${id}`));
  counters.count(lasting(1));
  const told = counters.takeDelta().map(({ requests = [] }) => requests);
  assert.deepEqual(told[0]?.slice(0, 2), [
    { method: 'POST', status: 502, path: '/pay', count: 2 },
    { method: 'other', status: 502, path: '', count: 1 },
  ]);
  assert.deepEqual(told[0]?.at(-1), { method: 'GET', status: 502, path: '', count: 14 });
  assert.equal(
    told[0]?.reduce((sum, { count }) => sum + count, 0),
    23,
  );
  assert.deepEqual(told[1], []);
  counters.count(failedAt('POST', '/pay'));
  assert.equal(counters.takeDelta()[0]?.requests?.length, 1);
});

test('of one batch at most 192 clients are told apart, however many routes fail for however many clients', () => {
  const counters = new ExchangeCounters();
  const failure = fail('connect_refused', 'connect', { address: 'a:1' });
  for (let one = 0; one < 2000; one++)
    counters.count(
      lasting(1, {
        failure,
        route: `route-${one % 50}`,
        client: sampleClient({ address: `10.0.${one >> 8}.${one & 255}` }),
      }),
    );
  const told = counters.takeDelta().map(({ clients = [] }) => clients.length);
  assert.equal(
    told.reduce((sum, one) => sum + one, 0),
    192,
  );
  assert.equal(Math.max(...told), 4);
});

test('routes that replace each other, however many, are counted by their own names, and none is lost', () => {
  const counters = new ExchangeCounters(100);
  const last = new Map<string, number>();
  for (let n = 0; n < 5000; n++) {
    counters.count(lasting(1, { route: `r${n}`, upstream: `u${n}` }));
    if (n % 50 !== 49) continue;
    for (const { route, count } of counters.takeDelta()) last.set(route, (last.get(route) ?? 0) + count);
  }
  assert.equal(last.size, 5000);
  for (const [route, count] of last) assert.deepEqual([route === '(other)', count], [false, 1]);
});

test('a table that is full of what is used counts the rest together, until an entry is free', () => {
  const counters = new ExchangeCounters(2);
  const counted = (...routes: string[]) => {
    for (const route of routes) counters.count(lasting(1, { route, upstream: route }));
    return counters.takeDelta().map(({ route, count }) => `${route} ${count}`);
  };
  assert.deepEqual(counted('a', 'b', 'c'), ['a 1', 'b 1', '(other) 1']);
  assert.deepEqual(counted('a', 'c', 'd'), ['a 1', '(other) 2']);
  assert.deepEqual(counted('c', 'a', 'd'), ['c 1', 'a 1', '(other) 1']);
});

test('a known key costs no new cell', () => {
  const counters = new ExchangeCounters(1);
  for (let n = 0; n < 10; n++) {
    counters.count(lasting(1));
    assert.equal(counters.takeDelta()[0]?.route, 'shop');
  }
});

test('responses of gRPC are counted by their status, and statuses that gRPC does not have together', () => {
  const statuses = [null, 0, 16, 17, 99_999, -1] as const;
  const counters = new ExchangeCounters();
  for (const grpcStatus of statuses) counters.count(lasting(1, { grpcStatus }));
  const totals = totalsOf();
  totals.add(counters.takeDelta());
  assert.deepEqual(
    totals.all().map(({ grpcStatus, count }) => [grpcStatus, count]),
    [
      [null, 1],
      ['0', 1],
      ['16', 1],
      ['other', 2],
      ['missing', 1],
    ],
  );
});

describe('the totals of exchanges', () => {
  const minute = 60_000;
  let clock: SimulatedClock;
  let routes: readonly string[];
  let upstreams: readonly string[];
  let totals: CounterTotals;
  let counters: ExchangeCounters;

  beforeEach(() => {
    clock = new SimulatedClock();
    counters = new ExchangeCounters();
    totals = new CounterTotals(clock, () => ({
      routes: new Set(['', ...routes]),
      upstreams: new Set(['', ...upstreams]),
    }));
  });

  const count = (route: string, upstream = 'shop'): void => {
    counters.count(lasting(1, { route, upstream }));
    totals.add(counters.takeDelta());
  };
  const counted = () => Object.fromEntries(totals.all().map((one) => [`${one.route} ${one.upstream}`, one.count]));
  const pass = (minutes: number): void => {
    for (let time = 0; time < 4 * minutes; time++) {
      clock.advanceSync(minute / 4);
      totals.add([]);
    }
  };

  test('of a route are kept while it exists, however quiet it is, and ten minutes after it has gone', () => {
    [routes, upstreams] = [['a', 'b'], ['shop']];
    for (const route of ['a', 'b', 'b']) count(route);
    count('', '');
    pass(600);
    routes = ['b'];
    pass(10);
    assert.deepEqual(counted(), { 'a shop': 1, 'b shop': 2, ' ': 1 });
    pass(2);
    assert.deepEqual(counted(), { 'b shop': 2, ' ': 1 });
  });

  test('go on where the route returns within that time', () => {
    [routes, upstreams] = [['a'], ['shop']];
    count('a');
    for (let turn = 0; turn < 5; turn++) {
      routes = [];
      pass(9);
      routes = ['a'];
      pass(2);
    }
    count('a');
    assert.deepEqual(counted(), { 'a shop': 2 });
  });

  test('of an upstream are given up ten minutes after it has gone, too, though its route goes on with another', () => {
    [routes, upstreams] = [['a'], ['shop', 'new']];
    count('a');
    count('a', 'new');
    upstreams = ['new'];
    pass(12);
    assert.deepEqual(counted(), { 'a new': 1 });
  });

  test('have an entry for each new route, however often reloads rename them', () => {
    upstreams = ['shop'];
    for (let hour = 0; hour < 20; hour++) {
      routes = Array.from({ length: 500 }, (_, n) => `route-${hour}-${n}`);
      for (const route of routes) count(route);
      pass(60);
      assert.ok(totals.all().length <= 500, `${totals.all().length}`);
    }
    assert.equal(
      Object.keys(counted()).some((name) => name.startsWith('(other)')),
      false,
    );
  });

  test('of more than there are entries for are counted together, and these are kept', () => {
    [routes, upstreams] = [[], []];
    for (let n = 0; n < 2100; n++) count(`route-${n}`);
    assert.equal(counted()['(other) (other)'], 100);
    pass(12);
    assert.deepEqual(counted(), { '(other) (other)': 100 });
  });
});

test('what requests were is counted, and forgotten with the batch', () => {
  const counters = new ExchangeCounters();
  for (const bytesFromClient of [0, 0, 3_000_000]) counters.count(lasting(2, { bytesFromClient }));
  const [{ traits = [] } = {}] = counters.takeDelta();
  assert.deepEqual(
    traits.filter((_, at) => at % 2 === 1),
    [2, 1],
  );
  counters.count(lasting(2));
  assert.equal(counters.takeDelta()[0]?.traits?.length, 2);
});

test('of many kinds of requests the first sixteen of a batch are told apart', () => {
  const counters = new ExchangeCounters();
  for (let power = 9; power < 31; power++) counters.count(lasting(2, { bytesFromClient: 2 ** power }));
  assert.equal(counters.takeDelta()[0]?.traits?.length, 32);
});

test('who has left without a response, or within one, and who was refused, is known', () => {
  const left = fail('client_gone', 'response', { bytesSent: 0, how: 'closed' });
  const clientsOf = (status: number, endKind: 'abandoned' | 'generated'): number | undefined => {
    const counters = new ExchangeCounters();
    counters.count(failedExchange(left, status, { endKind }));
    return counters.takeDelta()[0]?.clients?.length;
  };
  assert.deepEqual([clientsOf(0, 'abandoned'), clientsOf(413, 'generated'), clientsOf(200, 'abandoned')], [1, 1, 1]);
});

test('requests count for the user who has authenticated, from whatever address, else for the network of the address', () => {
  const counters = new ExchangeCounters();
  const user = { name: 'nightly:1', by: 'api_keys', claims: {} };
  const client = (address: string): EndedExchange['client'] => ({ ...sampleClient({}), address });
  const failed = { statusSent: 500, statusReceived: 500 };
  for (const one of [
    { client: client('10.0.0.1'), user },
    { client: client('2001:db8::1'), user },
    { client: client('2001:db8::1') },
    { client: client('2001:db8::2') },
  ])
    counters.count(lasting(1, { ...one, ...failed }));
  counters.count(lasting(1, { client: client('10.0.0.2'), user }));
  assert.deepEqual(
    counters.takeDelta().map(({ client: answered, clients }) => answered || clients),
    [
      [
        { client: 'user nightly:1', count: 2 },
        { client: '2001:db8:0:0::/64', count: 2 },
      ],
      'user nightly:1',
    ],
  );
});
