import assert from 'node:assert/strict';
import { explain } from '#failures/failure-texts.ts';
import { assertRecord, type Case } from './cases.ts';
import type { ArrivedRequest, World, WorldOptions } from './world.ts';

type Play = (request: ArrivedRequest) => void;

/** The nth request that arrives, wherever, is played by the nth of these; further ones by the last. Returns those that have arrived. */
function inTurn(
  world: World,
  ...plays: readonly Play[]
): readonly { endpoint: string; atMs: number; request: ArrivedRequest }[] {
  const arrived: { endpoint: string; atMs: number; request: ArrivedRequest }[] = [];
  for (const endpoint of world.options.endpoints ?? ['a']) {
    world.endpoint(endpoint).onRequest = (request) => {
      const play = plays[Math.min(arrived.length, plays.length - 1)];
      arrived.push({ endpoint, atMs: world.clock.now(), request });
      play?.(request);
    };
  }
  return arrived;
}

const answers =
  (status: number, body = '', headers: Readonly<Record<string, string>> = {}): Play =>
  (request) =>
    request.answer(status, body, headers);

const isSilent: Play = () => {};
const hangsUp: Play = (request) => request.breakOff('closed');

const two: readonly string[] = ['a', 'b'];
const statuses: WorldOptions = { endpoints: two, retry: { statuses: [500, 502, 503, 504, 429] } };

function reasonsOf(world: World, nth = 0): readonly (readonly [status: number, retry: boolean, reason: string])[] {
  return (world.records[nth]?.attempts ?? []).map(({ status, retry, retryReason }) => [status, retry, retryReason]);
}

const statusTable: readonly [
  what: string,
  status: number,
  request: object,
  options: WorldOptions,
  isRetried: boolean,
][] = [
  ['a 503 to a GET', 503, {}, statuses, true],
  ['a 500 to a GET', 500, {}, statuses, true],
  ['a 429 to a GET', 429, {}, statuses, true],
  ['a 503 to a HEAD', 503, { method: 'HEAD' }, statuses, true],
  ['a 503 to a PUT whose body is kept', 503, { method: 'PUT', body: 'x'.repeat(100) }, statuses, true],
  ['a 503 to a POST', 503, { method: 'POST', body: 'pay' }, statuses, false],
  ['a 503 to a POST with a key that the route does not trust', 503, keyed(), statuses, false],
  [
    'a 503 to a POST with a key that the route trusts',
    503,
    keyed(),
    { ...statuses, retry: { statuses: [503], idempotencyKey: true } },
    true,
  ],
  ...['', '""', '", "', '"a", "b"', 'a, b'].map((key): (typeof statusTable)[number] => [
    `a 503 to a POST with the key [${key}]`,
    503,
    keyed(key),
    { ...statuses, retry: { statuses: [503], idempotencyKey: true } },
    false,
  ]),
  ['a 503 where the route names other statuses', 503, {}, { endpoints: two, retry: { statuses: [502] } }, false],
  ['a 503 of a route that says nothing', 503, {}, { endpoints: two }, false],
  ['a 503 where no response is held', 503, {}, { ...statuses, commitDelayMs: 0 }, false],
  [
    'a 503 where the route allows one attempt',
    503,
    {},
    { endpoints: two, retry: { statuses: [503], attemptsMax: 1 } },
    false,
  ],
  ['a 404', 404, {}, statuses, false],
];

function keyed(key = '"8e03978e"'): object {
  return { method: 'POST', body: 'pay', headers: { 'Idempotency-Key': key } };
}

const byStatus: readonly Case[] = [
  ...statusTable.map(
    ([what, status, request, options, isRetried]): Case => ({
      name: `${what} is ${isRetried ? 'retried at another endpoint, at once' : 'passed on'}`,
      options,
      run(world) {
        const arrived = inTurn(world, answers(status, 'sorry'), answers(200, 'fine'));
        const client = world.request(request);
        world.pass(20);
        assert.equal(client.status, isRetried ? 200 : status);
        assert.equal(new Set(arrived.map(({ endpoint }) => endpoint)).size, isRetried ? 2 : 1);
        assertRecord(world, { end: 'forwarded', status: isRetried ? 200 : status, attempts: isRetried ? 2 : 1 });
        if (!isRetried) return;
        assert.deepEqual(reasonsOf(world), [
          [status, true, 'retriable_status'],
          [200, false, 'accepted'],
        ]);
        assert.equal(arrived[1]?.request.body.toString(), arrived[0]?.request.body.toString());
      },
    }),
  ),
  ...(
    [
      ['at the only endpoint', ['a'], ['nowhere_else']],
      ['at each of two endpoints', two, ['idempotent', 'nowhere_else']],
    ] as const
  ).map(
    ([where, endpoints, reasons]): Case => ({
      name: `a response that is no HTTP ${where} is not asked for again there`,
      options: { endpoints, retry: { attemptsMax: 4, statuses: [503] } },
      run(world) {
        inTurn(world, (request) => request.raw('HTTP/1.1 2oo OK\r\n\r\n'));
        const client = world.request({});
        world.pass(1000);
        assert.equal(client.status, 502);
        const { attempts } = assertRecord(world, { end: 'generated', cause: 'response_status_line', status: 502 });
        assert.deepEqual(
          attempts.map(({ retryReason }) => retryReason),
          reasons,
        );
      },
      onlyBytes: 'streams carry messages, not bytes',
    }),
  ),
  {
    name: 'where all attempts have such a status, the client gets the last response of the application, not one of the gateway',
    options: statuses,
    run(world) {
      inTurn(world, answers(503, 'first', { 'X-Who': '1' }), answers(502, 'second', { 'X-Who': '2' }));
      const client = world.request({});
      world.pass(20);
      assert.deepEqual([client.status, client.body.toString(), client.header('x-who')], [502, 'second', '2']);
      assertRecord(world, { end: 'forwarded', status: 502, attempts: 2 });
      assert.deepEqual(reasonsOf(world).at(-1), [502, false, 'attempts_spent']);
    },
  },
  ...(
    [
      ['loses its connection', hangsUp],
      ['has no answer in time', isSilent],
      [
        'breaks off in its response',
        (request) => (request.head(200, 10), request.write('half'), request.breakOff('reset')),
      ],
    ] satisfies [string, Play][]
  ).map(
    ([what, play]): Case => ({
      name: `where the retry ${what}, the client gets the response that came before it, whole`,
      options: statuses,
      run(world) {
        const body = 'the first answer '.repeat(1000);
        inTurn(world, answers(503, body, { 'X-Who': 'first', 'Set-Cookie': 'a=b' }), play);
        const client = world.request({});
        world.pass(8200);
        assert.deepEqual([client.status, client.state], [503, 'whole']);
        assert.equal(client.body.toString(), body);
        assert.deepEqual([client.header('x-who'), client.header('set-cookie')], ['first', 'a=b']);
        const { failure } = assertRecord(world, { end: 'forwarded', status: 503, attempts: 2 });
        assert.equal(failure, null);
      },
    }),
  ),
  {
    name: 'where the exchange timeout ends the retry, the client gets the response that came before it',
    options: { ...statuses, timeouts: { exchangeMs: 500 } },
    run(world) {
      inTurn(world, answers(503, 'sorry'), isSilent);
      const client = world.request({});
      world.pass(600);
      assert.deepEqual([client.status, client.body.toString()], [503, 'sorry']);
    },
  },
  {
    name: 'a response that is larger than what is held is passed on',
    options: statuses,
    run(world) {
      inTurn(world, answers(503, 'x'.repeat(100_000)), answers(200));
      const client = world.request({});
      world.pass(50);
      assert.deepEqual([client.status, client.body.length], [503, 100_000]);
      assertRecord(world, { end: 'forwarded', status: 503, attempts: 1 });
    },
  },
];

const waiting: readonly Case[] = [
  {
    name: 'Retry-After is waited for before the next attempt',
    options: statuses,
    run(world) {
      const arrived = inTurn(world, answers(503, '', { 'Retry-After': '2' }), answers(200));
      const client = world.request({});
      world.pass(1990);
      assert.deepEqual([client.status, arrived.length], [0, 1]);
      world.pass(100);
      assert.equal(client.status, 200);
      const waitedMs = (arrived[1]?.atMs ?? 0) - (arrived[0]?.atMs ?? 0);
      assert.ok(waitedMs >= 2000 && waitedMs < 2040, `${waitedMs} ms`);
    },
  },
  {
    name: 'where Retry-After does not fit the time for the exchange, the response is passed on at once',
    options: { ...statuses, timeouts: { exchangeMs: 1500 } },
    run(world) {
      inTurn(world, answers(503, 'later', { 'Retry-After': '2' }), answers(200));
      const client = world.request({});
      world.pass(20);
      assert.deepEqual([client.status, client.header('retry-after')], [503, '2']);
      assert.deepEqual(reasonsOf(world), [[503, false, 'no_time_left']]);
    },
  },
  {
    name: 'retries of one endpoint wait, each up to twice as long as the one before',
    options: { retry: { statuses: [503], attemptsMax: 6, backoffMs: 100, backoffMaxMs: 400 } },
    run(world) {
      const arrived = inTurn(world, answers(503));
      const client = world.request({});
      world.pass(2000);
      assert.equal(client.status, 503);
      assert.equal(arrived.length, 6);
      const waits = arrived.slice(1).map(({ atMs }, index) => atMs - (arrived[index]?.atMs ?? 0));
      for (const [index, longestMs] of [100, 200, 400, 400, 400].entries())
        assert.ok((waits[index] ?? 0) <= longestMs + 5, waits.join());
      assert.ok(new Set(waits).size > 3, 'the waits are drawn');
    },
  },
  {
    name: 'a client that leaves while its retry waits ends the exchange: nothing is sent any more',
    options: statuses,
    run(world) {
      const arrived = inTurn(world, answers(503, 'sorry', { 'Retry-After': '5' }), answers(200));
      const client = world.request({});
      world.pass(100);
      client.leave();
      world.pass(6000);
      assert.equal(arrived.length, 1);
      assertRecord(world, { end: 'abandoned', cause: 'client_gone', status: 0, attempts: 1 });
    },
  },
  {
    name: 'a route with more attempts repeats a lost GET as often, and a lost POST never',
    options: { endpoints: two, retry: { attemptsMax: 4 } },
    run(world) {
      const arrived = inTurn(world, hangsUp);
      for (const request of [{}, { method: 'POST', body: 'pay' }]) {
        world.request(request);
        world.pass(1000);
      }
      const get = world.records.find(({ method }) => method === 'GET');
      const post = world.records.find(({ method }) => method === 'POST');
      assert.deepEqual([get?.attempts.length, post?.attempts.length, arrived.length], [4, 1, 5]);
    },
  },
];

const attemptTime: WorldOptions = { endpoints: two, retry: { attemptMs: 200 } };

const limited: readonly Case[] = [
  {
    name: 'an attempt whose response does not begin in time is given up, and the request goes to another endpoint',
    options: attemptTime,
    run(world) {
      const arrived = inTurn(world, isSilent, answers(200, 'here'));
      const client = world.request({});
      world.pass(195);
      assert.deepEqual([client.status, arrived.length], [0, 1]);
      world.pass(30);
      assert.deepEqual([client.status, client.body.toString()], [200, 'here']);
      assert.equal(arrived[0]?.request.gone, true);
      const { attempts } = assertRecord(world, { end: 'forwarded', status: 200, attempts: 2 });
      assert.deepEqual([attempts[0]?.failure?.cause, attempts[0]?.retryReason], ['attempt_timeout', 'idempotent']);
    },
  },
  {
    name: 'where no attempt has a response in time, the answer is a 504 that says so',
    options: attemptTime,
    run(world) {
      const arrived = inTurn(world, isSilent);
      const client = world.request({});
      world.pass(450);
      assert.equal(client.status, 504);
      assert.match(client.header('proxy-status') ?? '', /error=http_response_timeout/);
      assert.equal(arrived.length, 2);
      assertRecord(world, { end: 'generated', status: 504, cause: 'attempt_timeout', attempts: 2 });
    },
  },
  {
    name: 'an attempt that got an interim response alone says so',
    options: attemptTime,
    run(world) {
      inTurn(world, (request) => request.inform(103));
      world.request({});
      world.pass(450);
      const { failure } = assertRecord(world, { end: 'generated', status: 504, cause: 'attempt_timeout', attempts: 2 });
      assert.ok(failure?.cause === 'attempt_timeout');
      assert.match(
        explain(failure),
        /sent an interim response \(1xx\), but no answer, within the 200 ms that the route/,
      );
    },
  },
  {
    name: 'an attempt that did not finish the head of its response in time has its status',
    options: attemptTime,
    run(world) {
      inTurn(world, (request) => request.raw('HTTP/1.1 503 Busy\r\nServer: x'));
      world.request({});
      world.pass(450);
      const record = assertRecord(world, { end: 'generated', status: 504, cause: 'attempt_timeout', attempts: 2 });
      assert.deepEqual([record.attempts[0]?.status, record.statusReceived], [503, 503]);
      assert.match(explain(record.failure ?? assert.fail()), /sent a part of a response head, but not its end, within/);
    },
    onlyBytes: 'streams carry whole heads',
  },
  {
    name: 'the limit of an attempt ends with the head of its response',
    options: attemptTime,
    run(world) {
      inTurn(world, (request) => {
        request.head(200, 4);
        world.clock.schedule((world.clock.now() + 400) as never, () => request.write('late'), null);
      });
      const client = world.request({});
      world.pass(450);
      assert.deepEqual([client.status, client.body.toString()], [200, 'late']);
    },
  },
  {
    name: 'a POST whose attempt had no response in time is not sent a second time',
    options: attemptTime,
    run(world) {
      const arrived = inTurn(world, isSilent);
      const client = world.request({ method: 'POST', body: 'pay' });
      world.pass(300);
      assert.deepEqual([client.status, arrived.length], [504, 1]);
      assert.equal(world.records[0]?.attempts[0]?.retryReason, 'not_idempotent');
    },
  },
];

const announced: readonly Case[] = [
  {
    name: 'endpoints are told the number of the attempt and how long its response is waited for',
    options: { endpoints: two, timeouts: { exchangeMs: 1000 }, retry: { attemptHeaders: true, attemptMs: 700 } },
    run(world) {
      const arrived = inTurn(world, isSilent, answers(200));
      world.request({ headers: { 'X-Envoy-Attempt-Count': '17', 'X-Envoy-Expected-Rq-Timeout-Ms': '1' } });
      world.pass(800);
      const told = arrived.map(({ request }) => [
        request.header('x-envoy-attempt-count'),
        Number(request.header('x-envoy-expected-rq-timeout-ms')),
      ]);
      assert.deepEqual(told[0], ['1', 700]);
      assert.equal(told[1]?.[0], '2');
      assert.ok(Number(told[1]?.[1]) > 250 && Number(told[1]?.[1]) < 300, `${told[1]?.[1]} of 1000 ms are left`);
    },
  },
  {
    name: 'endpoints are told nothing of attempts by a route that does not say so',
    options: { endpoints: two, retry: {} },
    run(world) {
      const arrived = inTurn(world, answers(200));
      world.request({});
      world.pass(20);
      assert.equal(arrived[0]?.request.header('x-envoy-attempt-count'), null);
    },
  },
];

const hedging: WorldOptions = { endpoints: two, retry: { hedge: true } };

/** Sends requests that take 10 ms, so that the 95th percentile is known. */
function learn(world: World): void {
  inTurn(world, (request) => {
    world.clock.schedule((world.clock.now() + 10) as never, () => request.answer(200), null);
  });
  for (let n = 0; n < 64; n++) {
    world.request({});
    world.pass(20);
  }
}

const hedges: readonly Case[] = [
  {
    name: 'a GET that takes longer than most is sent to a second endpoint; the slower attempt is cancelled',
    options: hedging,
    run(world) {
      learn(world);
      const arrived = inTurn(world, isSilent, answers(200, 'quick'));
      const client = world.request({});
      world.pass(40);
      assert.deepEqual([client.status, client.body.toString()], [200, 'quick']);
      assert.notEqual(arrived[0]?.endpoint, arrived[1]?.endpoint);
      assert.equal(arrived[0]?.request.gone, true);
      const { attempts } = assertRecord(world, { end: 'forwarded', status: 200, attempts: 2 }, 64);
      assert.deepEqual(reasonsOf(world, 64), [
        [0, true, 'hedged'],
        [200, false, 'accepted'],
      ]);
      assert.equal(attempts[0]?.failure, null);
    },
  },
  {
    name: 'if the first attempt is answered first after all, the second is cancelled',
    options: hedging,
    run(world) {
      learn(world);
      const arrived = inTurn(world, isSilent);
      const client = world.request({});
      world.pass(30);
      assert.equal(arrived.length, 2);
      arrived[0]?.request.answer(200, 'after all');
      world.pass(20);
      assert.deepEqual([client.status, client.body.toString()], [200, 'after all']);
      assert.equal(arrived[1]?.request.gone, true);
      assert.deepEqual(reasonsOf(world, 64), [
        [0, false, 'superseded'],
        [200, false, 'accepted'],
      ]);
    },
  },
  ...[0, 1].map(
    (loser): Case => ({
      name: `where the ${loser === 0 ? 'first' : 'second'} of two attempts fails, the response of the other one is waited for`,
      options: hedging,
      run(world) {
        learn(world);
        const arrived = inTurn(world, isSilent);
        const client = world.request({});
        world.pass(30);
        arrived[loser]?.request.breakOff('reset');
        world.pass(20);
        assert.equal(client.status, 0);
        arrived[1 - loser]?.request.answer(200, 'still');
        world.pass(20);
        assert.deepEqual([client.status, client.body.toString()], [200, 'still']);
        const { attempts } = assertRecord(world, { end: 'forwarded', status: 200, attempts: 2 }, 64);
        assert.notEqual(attempts[0]?.failure, null);
      },
    }),
  ),
  {
    name: 'a client that leaves ends both attempts',
    options: hedging,
    run(world) {
      learn(world);
      const arrived = inTurn(world, isSilent);
      const client = world.request({});
      world.pass(30);
      client.leave();
      world.pass(20);
      assert.deepEqual(
        arrived.map(({ request }) => request.gone),
        [true, true],
      );
      assertRecord(world, { end: 'abandoned', cause: 'client_gone', status: 0, attempts: 2 }, 64);
    },
  },
  ...(
    [
      ['a POST', { method: 'POST', body: 'pay' }, hedging],
      ['a request where the route allows one attempt', {}, { endpoints: two, retry: { hedge: true, attemptsMax: 1 } }],
      ['a request where there is no other endpoint', {}, { retry: { hedge: true } }],
      ['a request of a route that does not hedge', {}, { endpoints: two, retry: {} }],
    ] satisfies [string, object, WorldOptions][]
  ).map(
    ([what, request, options]): Case => ({
      name: `${what} is not sent a second time, however long it takes`,
      options,
      run(world) {
        learn(world);
        const arrived = inTurn(world, isSilent);
        world.request(request);
        world.pass(1000);
        assert.equal(arrived.length, 1);
        arrived[0]?.request.answer(200);
      },
    }),
  ),
];

export const retryCases: readonly Case[] = [...byStatus, ...waiting, ...limited, ...announced, ...hedges];
