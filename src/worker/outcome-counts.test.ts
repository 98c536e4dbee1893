import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttemptFacts, EndedExchange } from '../core/exchange.ts';
import { fail, type Failure } from '#failures/failure.ts';
import { OutcomeCounts } from './outcome-counts.ts';

const address = '10.0.0.1:80';
const refused = fail('connect_refused', 'connect', { address });
const closed = fail('closed_before_response', 'response', { address, reused: true, idleMs: 10 });
const slow = fail('response_head_timeout', 'response', { address, limitMs: 100 });
const left = fail('client_gone', 'response', { bytesSent: 0, how: 'closed' });
const full = fail('pool_full', 'queue', { upstream: 'app', limit: 1, retryAfterS: 1 });

function attempt(changes: Partial<AttemptFacts>): AttemptFacts {
  return {
    endpoint: 'app/a',
    endpointState: 'healthy',
    reused: false,
    status: 0,
    failure: null,
    ...changes,
  } as AttemptFacts;
}

function exchangeOf(...attempts: Partial<AttemptFacts>[]): EndedExchange {
  const client = { address: '192.0.2.1' };
  return { upstream: 'app', startedAt: 0, client, attempts: attempts.map(attempt) } as unknown as EndedExchange;
}

function counted(...exchanges: EndedExchange[]): ReturnType<OutcomeCounts['take']> {
  const counts = new OutcomeCounts();
  for (const exchange of exchanges) counts.count(exchange);
  return counts.take();
}

test('an answer is a success, whatever its status', () => {
  const [cell] = counted(exchangeOf({ status: 200 }), exchangeOf({ status: 503 }));
  assert.deepEqual([cell?.successes, cell?.failures], [2, 0]);
});

test('it is known for how long connections had been idle, whether a response came or not, and how long new ones took', () => {
  const [cell] = counted(
    exchangeOf({ status: 200, reused: true, idleMs: 300 }),
    exchangeOf({ status: 200, reused: true, idleMs: 100 }),
    exchangeOf({ failure: slow, reused: true, idleMs: 9000 }),
    exchangeOf({ failure: slow, idleMs: -1 }),
    exchangeOf({ failure: closed, reused: true, idleMs: 10 }),
    exchangeOf({ status: 200, startedMs: 1, queuedMs: 3, dnsMs: -1, connectedMs: 3.5 }),
    exchangeOf({ status: 200, startedMs: 1, queuedMs: 3, dnsMs: -1, connectedMs: 1007 }),
  );
  assert.deepEqual([cell?.answeredIdleMs, cell?.silentIdleMs, cell?.resetIdleMs], [300, [9000, 0], [10]]);
  assert.equal(cell?.connectMsMin, 0.5);
  // A packet that opened it was sent again after a second.
  assert.equal(cell?.connectsAgain, 1);
});

test('an attempt counts for the upstream of its endpoint, also where the request was sent again to another upstream', () => {
  const cells = counted(exchangeOf({ endpoint: 'v2/b', failure: slow }, { endpoint: 'app/a', status: 200 }));
  assert.deepEqual(
    cells.map(({ upstream, endpoint, failures, successes }) => [upstream, endpoint, failures, successes]),
    [
      ['v2', 'v2/b', 1, 0],
      ['app', 'app/a', 0, 1],
    ],
  );
});

test('answers with a 5xx status are counted with the others and separately', () => {
  const statuses = [200, 499, 500, 503, 599];
  const [cell] = counted(...statuses.map((status) => exchangeOf({ status })));
  assert.deepEqual([cell?.successes, cell?.serverErrors], [5, 3]);
});

test('gRPC responses whose status says that the server has failed are counted as those with 5xx, if the call got them', () => {
  const call = (grpcStatus: number, endKind = 'forwarded', ...attempts: Partial<AttemptFacts>[]): EndedExchange =>
    ({ ...exchangeOf(...attempts, { status: 200 }), grpcStatus, endKind }) as EndedExchange;
  const [cell] = counted(...[0, 1, 2, 3, 5, 7, 14, -1].map((status) => call(status)));
  assert.deepEqual([cell?.successes, cell?.serverErrors], [8, 3]);
  const [other] = counted(call(14, 'generated'), call(14, 'forwarded', { status: 200 }));
  assert.deepEqual([other?.successes, other?.serverErrors], [3, 1], 'of a retried call only the last attempt has it');
});

test('a failure that counts against health is counted, and so is a row of failures to connect', () => {
  const [cell] = counted(
    exchangeOf({ failure: slow }),
    exchangeOf({ failure: refused }),
    exchangeOf({ failure: refused }),
  );
  assert.deepEqual([cell?.failures, cell?.consecutiveUnreachable], [3, 2]);
  assert.deepEqual(cell?.causes, [
    { cause: 'response_head_timeout', count: 1 },
    { cause: 'connect_refused', count: 2 },
  ]);
});

test('a failure that its evidence excuses is no failure of the endpoint, and is told from others of its cause', () => {
  const stalled = { address, idleMs: 1000, bytesReceived: 4 };
  const [cell] = counted(
    exchangeOf({ failure: fail('response_body_stalled', 'body', stalled) }),
    exchangeOf({ failure: fail('response_body_stalled', 'body', { ...stalled, requestOpen: true }) }),
  );
  assert.equal(cell?.failures, 1);
  assert.deepEqual(cell?.causes, [
    { cause: 'response_body_stalled', count: 1 },
    { cause: 'response_body_stalled', excused: true, count: 1 },
  ]);
});

test('a success ends a row of failures, and latencies of successes are added up', () => {
  const success = { status: 200, startedMs: 2, headMs: 12.5 };
  const [cell] = counted(
    exchangeOf({ failure: slow }),
    exchangeOf(success),
    exchangeOf({ ...success, headMs: 3 }),
    exchangeOf({ failure: slow }),
    exchangeOf({ failure: refused }),
  );
  assert.deepEqual(
    [cell?.failures, cell?.consecutiveFailures, cell?.consecutiveUnreachable, cell?.latencyMs],
    [3, 2, 1, 11.5],
  );
});

test('clients that leave and refusals by the gateway never count', () => {
  const failures: readonly Failure[] = [left, full];
  for (const failure of failures) {
    const [cell] = counted(exchangeOf({ failure }));
    assert.deepEqual([cell?.successes, cell?.failures], [0, 0], failure.cause);
  }
});

test('a closed idle connection does not count against health; a closed fresh connection does', () => {
  assert.equal(counted(exchangeOf({ failure: closed, reused: true }))[0]?.failures, 0);
  assert.equal(counted(exchangeOf({ failure: closed, reused: false }))[0]?.failures, 1);
});

/** Attempts on connections that were used before, by when they begin and end; 'ok' is answered, the others are reset. */
const reuses: readonly (readonly [promise: string, attempts: readonly (readonly [number, number, 'ok'?])[], number])[] =
  [
    ['one reset is a race with the idle timeout of the endpoint', [[0, 1]], 0],
    [
      'resets of one moment are a process that ends',
      [
        [0, 50],
        [10, 51],
        [49, 52],
      ],
      0,
    ],
    [
      'a request that begins after a reset, and is reset too, counts',
      [
        [0, 1],
        [5, 6],
        [10, 11],
      ],
      2,
    ],
    [
      'an answer on such a connection in between makes it a race again',
      [
        [0, 1],
        [5, 6, 'ok'],
        [10, 11],
      ],
      0,
    ],
    [
      'a reset of long ago is another race',
      [
        [0, 1],
        [20_000, 20_001],
      ],
      0,
    ],
    [
      'so is each of many that come rarely',
      [
        [0, 1],
        [20_000, 20_001],
        [40_000, 40_001],
      ],
      0,
    ],
  ];

for (const [promise, attempts, failures] of reuses) {
  test(`on connections that were used before, ${promise}`, () => {
    const ended = attempts.map(([startedMs, endedMs, how]) => {
      const outcome = how === 'ok' ? { status: 200, headMs: endedMs } : { failure: closed };
      return exchangeOf({ reused: true, startedMs, endedMs, ...outcome });
    });
    const cells = counted(...ended);
    assert.equal(
      cells.reduce((sum, cell) => sum + cell.failures, 0),
      failures,
    );
  });
}

test('an answer on a fresh connection does not excuse the next reset of a used one', () => {
  const reset = (at: number): EndedExchange =>
    exchangeOf({ reused: true, startedMs: at, endedMs: at + 1, failure: closed });
  const [cell] = counted(reset(0), exchangeOf({ status: 200 }), reset(5), exchangeOf({ status: 200 }), reset(10));
  assert.deepEqual([cell?.successes, cell?.failures], [2, 2]);
});

test('counts are kept by endpoint and state, and each count is taken once', () => {
  const counts = new OutcomeCounts();
  counts.count(exchangeOf({ failure: refused }, { endpoint: 'app/b', status: 200 }));
  counts.count(exchangeOf({ endpointState: 'probation', status: 200 }));
  const taken = counts.take();
  assert.deepEqual(
    taken.map(({ endpoint, state, successes, failures }) => [endpoint, state, successes, failures]),
    [
      ['app/a', 'healthy', 0, 1],
      ['app/b', 'healthy', 1, 0],
      ['app/a', 'probation', 1, 0],
    ],
  );
  assert.deepEqual(counts.take(), []);
});

test('the counts of endpoints that fail or are on probation are urgent; the others wait for the next batch', () => {
  const counts = new OutcomeCounts();
  const good = exchangeOf({ endpoint: 'app/good', status: 200 });
  counts.count(good);
  counts.count(exchangeOf({ status: 200 }));
  assert.deepEqual(counts.takeUrgent(), []);
  counts.count(exchangeOf({ failure: slow }));
  counts.count(exchangeOf({ endpoint: 'app/tried', endpointState: 'probation', status: 200 }));
  const news = counts.takeUrgent();
  assert.deepEqual(
    news.map(({ endpoint, successes, failures }) => [endpoint, successes, failures]),
    [
      ['app/a', 1, 1],
      ['app/tried', 1, 0],
    ],
  );
  counts.count(good);
  assert.deepEqual(counts.takeUrgent(), []);
  assert.deepEqual(
    counts.take().map(({ endpoint, successes }) => [endpoint, successes]),
    [['app/good', 2]],
  );
});

test('successes on probation are urgent', () => {
  const counts = new OutcomeCounts();
  counts.count(exchangeOf({ endpointState: 'probation', status: 200 }));
  assert.deepEqual(
    counts.takeUrgent().map(({ state, successes }) => [state, successes]),
    [['probation', 1]],
  );
});

test('outcomes after a take are in the next take', () => {
  for (const take of ['take', 'takeUrgent'] as const) {
    const counts = new OutcomeCounts();
    for (const round of [1, 2]) {
      counts.count(exchangeOf({ failure: slow }));
      assert.deepEqual(
        counts[take]().map(({ failures }) => failures),
        [1],
        `${take}, round ${round}`,
      );
    }
  }
});

test('an endpoint whose state alternates has one cell for each state', () => {
  const counts = new OutcomeCounts();
  for (const endpointState of ['healthy', 'ejected', 'healthy', 'ejected'] as const) {
    counts.count(exchangeOf({ endpointState, status: 200 }));
  }
  assert.deepEqual(
    counts.take().map(({ state, successes }) => [state, successes]),
    [
      ['healthy', 2],
      ['ejected', 2],
    ],
  );
});

test('the first failure or 5xx of an endpoint has the time at which its exchange ended', () => {
  const ended = (at: number, ...attempts: Partial<AttemptFacts>[]): EndedExchange => ({
    ...exchangeOf(...attempts),
    ...{ startedWall: 1000, endedAt: at as EndedExchange['endedAt'] },
  });
  assert.deepEqual(
    [
      counted(ended(5, { status: 200 })),
      counted(ended(5, { status: 200 }), ended(7, { status: 503 }), ended(9, { failure: slow })),
      counted(ended(6, { failure: refused }, { status: 200 }), ended(8, { status: 500 })),
    ].map(([cell]) => cell?.firstFailedAt),
    [undefined, 1007, 1006],
  );
});

test('failures and 5xx of an endpoint have the time at which the earliest of their exchanges began', () => {
  const began = (startedWall: number, attempt: Partial<AttemptFacts>): EndedExchange => ({
    ...exchangeOf(attempt),
    startedWall,
  });
  assert.deepEqual(
    [
      counted(began(1, { status: 200 })),
      counted(began(1, { status: 200 }), began(7, { failure: slow }), began(3, { failure: slow })),
      counted(began(5, { status: 500 }), began(6, { failure: slow })),
    ].map(([cell]) => cell?.firstStartedAt),
    [undefined, 3, 5],
  );
});

test('how long an answered attempt had a connection begins when it left the queue', () => {
  const [cell] = counted(
    exchangeOf({ status: 200, startedMs: 0, queuedMs: 1500, headMs: 3900, endedMs: 4000 }),
    exchangeOf({ status: 200, startedMs: 10, queuedMs: -1, headMs: 15, endedMs: 20 }),
    exchangeOf({ failure: full, startedMs: 0, endedMs: 2000 }),
  );
  assert.equal(cell?.heldMs, 2510);
});

test('whose failures are that a client may cause, and one client that was answered', () => {
  const of = (address: string, changes: Partial<AttemptFacts>): EndedExchange =>
    ({ ...exchangeOf(changes), client: { address } }) as EndedExchange;
  const [cell] = counted(
    of('192.0.2.1', { failure: refused }),
    of('192.0.2.2', { failure: slow }),
    of('192.0.2.2', { failure: slow }),
    of('2001:db8::1', { status: 503 }),
    of('192.0.2.3', { status: 200 }),
  );
  assert.deepEqual(
    [cell?.failedClients, cell?.errorClients, cell?.answeredBy],
    [[{ client: '192.0.2.2', count: 2 }], [{ client: '2001:db8:0:0::/64', count: 1 }], '192.0.2.3'],
  );
});

test('failures that are held keep their clients', () => {
  const counts = new OutcomeCounts(() => true);
  const at = (endpoint: string, changes: Partial<AttemptFacts>): EndedExchange =>
    ({ ...exchangeOf({ endpoint, ...changes }), route: '/' }) as EndedExchange;
  counts.count(at('app/a', { failure: slow }));
  counts.count(at('app/a', { failure: slow }));
  counts.count(at('app/b', { status: 200 }));
  const [cell] = counts.take().filter(({ endpoint }) => endpoint === 'app/a');
  assert.deepEqual([cell?.failures, cell?.failedClients], [2, [{ client: '192.0.2.1', count: 2 }]]);
});

test('a time that the client had set is counted apart', () => {
  const limit = { address, limitMs: 5 };
  const [cell] = counted(
    exchangeOf({ failure: fail('exchange_timeout', 'response', limit) }),
    exchangeOf({ failure: fail('exchange_timeout', 'response', { ...limit, setBy: 'client' }) }),
  );
  assert.deepEqual(cell?.causes, [
    { cause: 'exchange_timeout', count: 1 },
    { cause: 'exchange_timeout', count: 1, byClient: true },
  ]);
});
