import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serialize } from 'node:v8';
import { AwaitedResponses } from '../core/awaited-responses.ts';
import {
  acceptedKey,
  answerKey,
  contentKindOfText,
  conflictForm,
  declinedForm,
  deniedForm,
  divertedForm,
  elsewhereCell,
  emptyForm,
  limitedForm,
  lostForm,
  madeCell,
  optionsAnswerKey,
  missingForm,
  redirectForm,
  sizeCells,
  strayForm,
  unknownClientForm,
  surplusForm,
  unaskedForm,
  unclosedForm,
  unreadableForm,
  unsafeKey,
  upgradeKey,
  withdrawnForm,
} from '../core/content-kind.ts';
import type { AttemptFacts, EndedExchange } from '../core/exchange.ts';
import { latencyCellOf } from '../core/latency-cells.ts';
import { answerParts, clientHash, type RouteTraffic } from '../core/route-traffic.ts';
import type { Instant } from '../core/time.ts';
import { sampleAttempt, sampleClient, sampleExchange } from '../record/sample-exchange.test-support.ts';
import { fail } from '#failures/failure.ts';
import { RouteTrafficCounts } from './route-traffic-counts.ts';

const pages = { contentKind: contentKindOfText('text/html'), bytesFromEndpoint: 3000 };

function exchangeOf(attempt: Partial<AttemptFacts>, more: Partial<EndedExchange> = {}): EndedExchange {
  const started = { startedMs: 0, endedMs: (attempt.headMs ?? 0) + 1 };
  return sampleExchange({
    attempts: [sampleAttempt({ endpoint: 'shop/1', ...pages, ...started, ...attempt })],
    ...more,
  });
}

const bitOf = (address: string): number => 1 << (clientHash(address) & 31);
const pageKey = answerKey(200, 'GET', contentKindOfText('text/html'), 3000, false);

const of = (address: string): Partial<EndedExchange> => ({ client: sampleClient({ address }) });

const bare = (batch: readonly RouteTraffic[]): readonly object[] => batch.map(({ patterns: _, ...traffic }) => traffic);

test('attempts are counted by route and endpoint, with the clients of those that failed or were slow', () => {
  const counts = new RouteTrafficCounts();
  counts.count(exchangeOf({ headMs: 20 }));
  counts.count(exchangeOf({ headMs: 20, status: 500 }, of('10.0.0.1')));
  counts.count(exchangeOf({ headMs: 900.4 }, of('10.0.0.2')));
  counts.count(exchangeOf({ headMs: 20 }, { route: 'cart' }));
  assert.deepEqual(bare(counts.take()), [
    {
      ...{ route: 'shop', upstream: 'shop', endpoint: 'shop/1', answered: 3, serverErrors: 1 },
      latencies: [latencyCellOf(20), 2, latencyCellOf(900.4), 1],
      answers: [pageKey, 2, bitOf(sampleClient({}).address) | bitOf('10.0.0.2')],
      failed: [{ client: clientHash('10.0.0.1'), ms: 20 }],
      slow: [{ client: clientHash('10.0.0.2'), ms: 900 }],
      awaited: [],
    },
    {
      ...{ route: 'cart', upstream: 'shop', endpoint: 'shop/1', answered: 1, serverErrors: 0 },
      ...{ answers: [pageKey, 1, bitOf(sampleClient({}).address)] },
      ...{ latencies: [latencyCellOf(20), 1], failed: [], slow: [], awaited: [] },
    },
  ]);
  assert.deepEqual(counts.take(), []);
});

test('failures that count against health are counted by route, except connections that do not come about', () => {
  const counts = new RouteTrafficCounts();
  const failing = (failure: AttemptFacts['failure']): EndedExchange => exchangeOf({ headMs: -1, status: 0, failure });
  counts.count(
    failing(fail('reset_before_response', 'response', { address: 'a:1', errno: 'ECONNRESET', reused: false } as never)),
  );
  counts.count(failing(fail('connect_refused', 'connect', { address: 'a:1' })));
  assert.deepEqual(
    counts.takeUrgent().map(({ route, answered, failures }) => ({ route, answered, failures })),
    [{ route: 'shop', answered: 0, failures: 1 }],
  );
});

test('first attempts that failed are counted by cause, with their clients', () => {
  const counts = new RouteTrafficCounts();
  const failure = fail('reset_before_response', 'response', {
    ...{ address: 'a:1', errno: 'ECONNRESET', reused: false },
  } as never);
  for (let one = 0; one < 20; one++)
    counts.count(exchangeOf({ headMs: -1, status: 0, failure }, of(`10.0.0.${one % 2}`)));
  const [{ causes, failedClients }] = counts.take() as [ReturnType<typeof counts.take>[number]];
  assert.deepEqual(causes, [{ cause: 'reset_before_response', count: 20 }]);
  assert.deepEqual(failedClients, [clientHash('10.0.0.0'), clientHash('10.0.0.1')]);
});

test('of many slow attempts the slowest are reported', () => {
  const counts = new RouteTrafficCounts();
  for (let ms = 101; ms <= 200; ms++) counts.count(exchangeOf({ headMs: ms }));
  const [{ slow }] = counts.take() as [ReturnType<typeof counts.take>[number]];
  assert.deepEqual(
    slow.map(({ ms }) => ms).toSorted((a, b) => a - b),
    [193, 194, 195, 196, 197, 198, 199, 200],
  );
});

test('attempts that failed, that nobody answered, and tunnels have no latency', () => {
  const counts = new RouteTrafficCounts();
  counts.count(exchangeOf({ status: 0 }));
  assert.deepEqual(counts.take(), []);
  counts.count(exchangeOf({ status: 101, headMs: 5 }));
  const [{ answered, latencies }] = counts.take() as [ReturnType<typeof counts.take>[number]];
  assert.deepEqual([answered, latencies], [0, []]);
});

test('a 404 for what was answered well before is told from other ones', () => {
  const counts = new RouteTrafficCounts();
  const get = (target: string, status: number): void =>
    counts.count(exchangeOf({ status, headMs: 5 }, { method: 'GET', target }));
  for (const one of ['/a', '/b', '/c', '/d']) get(one, 200);
  counts.take();
  for (const one of ['/x', '/y', '/z', '/a', '/b', '/c', '/d']) get(one, 404);
  const [{ answers = [] }] = counts.take() as [ReturnType<typeof counts.take>[number]];
  const found = [missingForm, lostForm].map((form) => answers[answers.indexOf(form * sizeCells) + 1]);
  // That two are gone is not known to be more than that.
  assert.deepEqual(found, [5, 2]);
});

test('a 404 for a call with POST that was answered well is told from one of a stranger, of an item, and of a page', () => {
  const counts = new RouteTrafficCounts();
  const ask = (address: string, method: string, target: string, status: number): void =>
    counts.count(exchangeOf({ status, headMs: 5 }, { ...of(address), method, target }));
  for (const target of ['/scans/', '/orders/7/cancel']) ask('10.0.0.1', 'POST', target, 201);
  counts.take();
  for (const address of ['10.0.0.1', '10.0.0.2']) ask(address, 'POST', '/scans/', 404);
  ask('10.0.0.1', 'POST', '/orders/7/cancel', 404);
  ask('10.0.0.1', 'GET', '/scans/', 404);
  const [{ answers = [] }] = counts.take() as [RouteTraffic];
  const countOf = (key: number): number =>
    (answers[answers.indexOf(key) + 1] as number) * Number(answers.includes(key));
  assert.deepEqual(
    [unsafeKey + lostForm * sizeCells, unsafeKey + missingForm * sizeCells, missingForm * sizeCells].map(countOf),
    [1, 2, 1],
  );
});

test('redirects and 4xx for what was answered well are told from others, where the client was answered well too', () => {
  const counts = new RouteTrafficCounts();
  const ask = (address: string, target: string, status: number, redirectCell?: number, method = 'GET'): void =>
    counts.count(
      exchangeOf(
        { status, headMs: 5, ...(redirectCell === undefined ? {} : { redirectCell }) },
        { ...of(address), method, target },
      ),
    );
  for (const target of ['/a', '/b']) ask('10.0.0.1', target, 200);
  ask('10.0.0.1', '/call', 200, undefined, 'POST');
  counts.take();
  const elsewhere = elsewhereCell + 2;
  for (const [target, status, cell] of [
    ...([
      ['/a', 302, 3],
      ['/b', 302, elsewhere],
      ['/new', 302, elsewhere],
    ] as const),
    ...([
      ['/a', 451],
      ['/new', 451],
      ['/a', 304],
    ] as const),
  ])
    ask('10.0.0.1', target, status, cell);
  for (const [status, cell] of [[302, elsewhere], [303, madeCell], [422]] as const)
    ask('10.0.0.1', '/call', status, cell, 'POST');
  ask('10.0.0.9', '/a', 451);
  const [{ answers = [] }] = counts.take() as [RouteTraffic];
  const found = new Map<number, number>();
  for (let at = 0; at < answers.length; at += answerParts) found.set(answers[at] as number, answers[at + 1] as number);
  const cells = (form: number, cell = 0): number => form * sizeCells + cell;
  assert.deepEqual(
    found,
    new Map([
      ...([
        [cells(divertedForm, 3), 1],
        [cells(strayForm, elsewhere), 1],
        [cells(redirectForm, elsewhere), 1],
      ] as const),
      ...([
        [cells(withdrawnForm), 1],
        [cells(declinedForm), 2],
      ] as const),
      ...([
        [unsafeKey + cells(divertedForm, elsewhere), 1],
        [unsafeKey + cells(redirectForm, madeCell), 1],
      ] as const),
      [unsafeKey + cells(declinedForm), 1] as const,
    ]),
  );
});

test('a 401 for a client that the route has answered well is told from one for a stranger', () => {
  const counts = new RouteTrafficCounts();
  const ask = (address: string, status: number, route = 'shop'): void =>
    counts.count(exchangeOf({ status, headMs: 5 }, { ...of(address), route }));
  ask('10.0.0.1', 200);
  ask('10.0.0.2', 200, 'cart');
  counts.take();
  for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) ask(address, 401);
  const [{ answers = [] }] = counts.take() as [RouteTraffic];
  const found = [deniedForm, unknownClientForm].map((form) => answers[answers.indexOf(form * sizeCells) + 1]);
  assert.deepEqual(found, [1, 2]);
});

test('good answers and refusals of clients that had no good one on the route are counted by pattern', () => {
  const counts = new RouteTrafficCounts();
  const ask = (address: string, method: string, status: number): void =>
    counts.count(exchangeOf({ status, headMs: 5 }, { ...of(address), method, target: '/orders' }));
  ask('10.0.0.1', 'GET', 200);
  ask('10.0.0.1', 'GET', 429);
  ask('10.0.0.1', 'POST', 413);
  ask('10.0.0.1', 'POST', 201);
  for (const status of [415, 422, 404]) ask('10.0.0.2', 'POST', status);
  // A path that was never answered is no refusal.
  assert.deepEqual(counts.take()[0]?.patterns?.[0]?.newcomers, [1, 1, 0, 3]);
});

for (const [method, counted] of [
  ['DELETE', []],
  ['PUT', []],
  ['POST', [unsafeKey + emptyForm * sizeCells, 1]],
] as const)
  test(`204 for ${method} ${counted.length === 0 ? 'says nothing of what is usual' : 'is an answer with nothing'}`, () => {
    const counts = new RouteTrafficCounts();
    counts.count(exchangeOf({ status: 204, headMs: 5, bytesFromEndpoint: 0 }, { method }));
    assert.deepEqual(counts.take()[0]?.answers?.slice(0, 2), counted);
  });

test('the time in which a client sends its body makes no response late', () => {
  const counts = new RouteTrafficCounts();
  counts.count(exchangeOf({ connectedMs: 2, sentMs: 5002, headMs: 5010 }, { method: 'POST' }));
  counts.count(exchangeOf({ connectedMs: 4000, sentMs: 4000, headMs: 4010 }, { method: 'POST' }));
  const [{ latencies, slow }] = counts.take() as [RouteTraffic];
  assert.deepEqual([latencies, slow.map(({ ms }) => ms)], [[latencyCellOf(10), 1, latencyCellOf(4010), 1], [4010]]);
});

test('requests for an upgrade are told apart by whether the protocol was switched', () => {
  const counts = new RouteTrafficCounts();
  counts.count(exchangeOf({ status: 101, headMs: 5, needsHttp1: true }));
  counts.count(exchangeOf({ status: 404, headMs: 5, needsHttp1: true }));
  const keys = (counts.take()[0]?.answers ?? []).filter((_, at) => at % answerParts === 0);
  assert.deepEqual(keys, [acceptedKey, upgradeKey + missingForm * sizeCells]);
});

test('what requests with OPTIONS are answered is told apart, whether it has content or not', () => {
  const counts = new RouteTrafficCounts();
  for (const status of [204, 200, 405]) counts.count(exchangeOf({ status, headMs: 5 }, { method: 'OPTIONS' }));
  const bit = bitOf(sampleClient({}).address);
  const [taken] = counts.take();
  assert.deepEqual(taken?.answers, [optionsAnswerKey(204), 2, bit, optionsAnswerKey(405), 1, bit]);
  assert.equal(taken.patterns, undefined);
});

test('answers are counted by pattern, and what came behind the end of one', () => {
  const counts = new RouteTrafficCounts();
  for (const [target, method, more] of [
    ['/orders/1', 'GET', {}],
    ['/orders/2', 'GET', {}],
    ['/orders/3', 'GET', { surplusBytes: 4, headMs: 120 }],
    ['/orders', 'POST', { status: 404 }],
  ] as const)
    counts.count(exchangeOf({ headMs: 5, ...more }, { target, method }));
  const bit = bitOf(sampleClient({}).address);
  assert.deepEqual(counts.take()[0]?.patterns, [
    {
      ...{ pattern: '/orders/#', answers: [pageKey, 2, bit, surplusForm * sizeCells, 1, bit] },
      latencies: [latencyCellOf(5), 2, latencyCellOf(120), 1],
      ...{ newcomers: [1, 0, 0, 0], slow: [{ client: clientHash(sampleClient({}).address), ms: 120 }] },
    },
    {
      ...{ pattern: '/orders', answers: [unsafeKey + missingForm * sizeCells, 1, bit] },
      latencies: [latencyCellOf(5), 1],
    },
  ]);
  assert.deepEqual(counts.take(), []);
});

test('requests that wait for longer than 100 ms are reported, with their route, endpoint and client', () => {
  const counts = new RouteTrafficCounts();
  const awaited = new AwaitedResponses(5000 as Instant);
  awaited.endpoint = 'shop/1';
  const request = { route: 'shop', client: { address: '10.0.0.1' } };
  awaited.note(4950 as Instant, request);
  awaited.note(2000 as Instant, request);
  awaited.note(1000 as Instant, null);
  counts.addAwaited(awaited, 'shop');
  const [{ answered, awaited: waiting }] = counts.take() as [ReturnType<typeof counts.take>[number]];
  assert.deepEqual([answered, waiting], [0, [{ client: clientHash('10.0.0.1'), ms: 3000 }]]);
});

test('an early batch takes only endpoints whose state is not the usual one', () => {
  const counts = new RouteTrafficCounts();
  counts.count(exchangeOf({ headMs: 20 }));
  counts.count(exchangeOf({ headMs: 20, endpoint: 'shop/2', endpointState: 'probation' }));
  const endpoints = (): readonly string[] => counts.takeUrgent().map(({ endpoint }) => endpoint);
  assert.deepEqual(endpoints(), ['shop/2']);
  assert.deepEqual(endpoints(), []);
  assert.deepEqual(
    counts.take().map(({ endpoint }) => endpoint),
    ['shop/1'],
  );
});

test('a batch stays below 64 KiB although every pair has all its clients; the others wait, and none is lost', () => {
  const counts = new RouteTrafficCounts();
  for (let pair = 0; pair < 300; pair++)
    for (let one = 0; one < 20; one++)
      counts.count(
        exchangeOf(
          { headMs: 1000 * one + 101.5, status: 500, endpoint: `shop/10.0.0.${pair}:8080` },
          { ...of(`192.0.2.${one}`), route: 'a-route-with-a-name' },
        ),
      );
  for (let pair = 0; pair < 300; pair++)
    for (let one = 0; one < 30; one++)
      counts.count(
        exchangeOf(
          { headMs: 1, bytesFromEndpoint: 2 ** one, endpoint: `shop/10.0.0.${pair}:8080` },
          { ...of(`192.0.2.${one}`), route: 'a-route-with-a-name' },
        ),
      );
  const batches = Array.from({ length: 12 }, () => counts.take());
  for (const batch of batches) assert.ok(serialize(batch).length < 65_536, `${serialize(batch).length} bytes`);
  assert.equal(batches.flat().length, 300);
  assert.equal(
    batches.flat().reduce((sum, { answered }) => sum + answered, 0),
    15_000,
  );
});

test('a batch stays below 64 KiB although paths of many patterns are answered in many ways', () => {
  const counts = new RouteTrafficCounts();
  for (let pair = 0; pair < 6; pair++)
    for (let pattern = 0; pattern < 64; pattern++)
      for (let one = 0; one < 40; one++)
        counts.count(
          exchangeOf(
            {
              ...{ endpoint: `shop/shop-${pair}/127.0.0.1:4000`, address: '127.0.0.1:4000' },
              ...{ headMs: 2 ** (one / 4), bytesFromEndpoint: Math.ceil(2 ** (one * 0.7)) },
            },
            {
              ...of(`192.0.2.${one}`),
              target: `/${'a'.repeat(1 + (pattern % 30))}/${'b'.repeat(10 + pattern / 30)}/${'c'.repeat(40)}/${'d'.repeat(40)}`,
            },
          ),
        );
  for (let pair = 0; pair < 72; pair++) {
    // So long a wait is serialized as a double; V8 may choose that for any number.
    const awaited = new AwaitedResponses(5e9 as Instant);
    awaited.endpoint = `shop/${pair}`;
    for (let one = 0; one < 64; one++)
      awaited.note(1000 as Instant, { route: 'shop', client: { address: `192.0.2.${one}` } });
    counts.addAwaited(awaited, 'shop');
  }
  const batches = Array.from({ length: 12 }, () => counts.take());
  for (const batch of batches) assert.ok(serialize(batch).length < 65_536, `${serialize(batch).length} bytes`);
  assert.equal(new Set(batches.flat().map(({ endpoint }) => endpoint)).size, 6 + 72);
});

test('pages of many sizes hide nothing else', () => {
  const counts = new RouteTrafficCounts();
  for (let octave = 1; octave < 30; octave++) counts.count(exchangeOf({ headMs: 5, bytesFromEndpoint: 2 ** octave }));
  for (let one = 0; one < 5; one++) counts.count(exchangeOf({ headMs: 5, status: 404 }));
  const [{ answers = [] }] = counts.take() as [ReturnType<typeof counts.take>[number]];
  assert.equal(answers[answers.indexOf(missingForm * sizeCells) + 1], 5);
  assert.equal(
    answers.filter((_, at) => at % answerParts === 1).reduce((sum, count) => sum + count, 0),
    34,
  );
});

test('an answer counts also where its client has left once it saw the head', () => {
  const counts = new RouteTrafficCounts();
  for (const endKind of ['forwarded', 'abandoned', 'truncated', 'generated'] as const)
    counts.count(exchangeOf({ headMs: 5, status: 404 }, { endKind }));
  const failure = fail('client_gone', 'flush', { bytesSent: 0, how: 'cancelled' });
  for (const status of [200, 404, 500])
    counts.count(exchangeOf({ headMs: 900, status, failure }, { endKind: 'abandoned' }));
  counts.count(exchangeOf({ headMs: -1, status: 0, failure }, { endKind: 'abandoned' }));
  const [{ answered, serverErrors, latencies, answers = [] }] = counts.take() as [
    ReturnType<typeof counts.take>[number],
  ];
  assert.deepEqual([answered, serverErrors, latencies], [7, 1, [latencyCellOf(5), 4, latencyCellOf(900), 3]]);
  assert.deepEqual([answers.length, ...answers.slice(0, 2)], [answerParts, missingForm * sizeCells, 4]);
});

test('pairs of endpoints that are gone make room for others', () => {
  const counts = new RouteTrafficCounts();
  const countAll = (first: number): number => {
    for (let pair = first; pair < first + 1100; pair++)
      counts.count(exchangeOf({ headMs: 1, endpoint: `shop/${pair}` }));
    let taken = 0;
    for (let batch = counts.take(); batch.length > 0; batch = counts.take()) taken += batch.length;
    return taken;
  };
  assert.equal(countAll(0), 1024);
  // Room is made by the next batch.
  countAll(5000);
  assert.ok(countAll(10_000) > 800);
});

test('a gRPC call that is refused counts as a request that is, and one that fails as its status 200', () => {
  const counts = new RouteTrafficCounts();
  const attempt = { contentKind: contentKindOfText('application/grpc') };
  for (const grpcStatus of [0, 3, 5, 6, 7, 8, 16]) {
    const call = exchangeOf(attempt, { method: 'POST', target: '/shop.Cart/Get' });
    counts.count({ ...call, grpcStatus });
  }
  const [{ answers = [] } = {}] = counts.take();
  const keys = answers.filter((_, at) => at % answerParts === 0);
  const forms = keys.map((key) => Math.floor((key % unsafeKey) / sizeCells));
  assert.deepEqual(forms, [attempt.contentKind, declinedForm, conflictForm, deniedForm, limitedForm]);
});

test('304 and 206 count where their request did not allow them', () => {
  const counts = new RouteTrafficCounts();
  for (const status of [304, 206])
    for (const isUnasked of [true, false]) counts.count(exchangeOf({ status, isUnasked }));
  const [{ answers = [] } = {}] = counts.take();
  assert.deepEqual(answers.slice(0, 2), [unaskedForm * sizeCells, 2]);
  assert.equal(answers.length, answerParts);
});

test('where a redirect leads counts by path where it is what a form has made', () => {
  const counts = new RouteTrafficCounts();
  for (const redirectCell of [9, madeCell]) counts.count(exchangeOf({ status: 303, redirectCell }));
  const [{ patterns = [] } = {}] = counts.take();
  const keys = patterns[0]?.answers.filter((_, at) => at % answerParts === 0);
  assert.deepEqual(keys, [redirectForm * sizeCells, redirectForm * sizeCells + madeCell]);
});

test('content that clients cannot read, JSON without its end, and where redirects lead, are told apart', () => {
  const counts = new RouteTrafficCounts();
  const contentKind = contentKindOfText('application/json');
  counts.count(exchangeOf({ isUnreadable: true }));
  counts.count(exchangeOf({ contentKind, lastByte: 0x61 }));
  counts.count(exchangeOf({ contentKind, lastByte: 0x7d }));
  counts.count(exchangeOf({ contentKind, lastByte: 0x61, isEncoded: true }));
  counts.count(exchangeOf({ status: 302, redirectCell: 9 }, { target: '/moved' }));
  const [{ answers = [] } = {}] = counts.take();
  assert.deepEqual(
    answers.filter((_, at) => at % 3 === 0),
    [
      answerKey(200, 'GET', contentKind, 3000, false, unreadableForm),
      answerKey(200, 'GET', contentKind, 3000, false, unclosedForm),
      answerKey(200, 'GET', contentKind, 3000, false),
      answerKey(200, 'GET', contentKind, 3000, true),
      answerKey(302, 'GET', contentKind, 0, false, 0, 9),
    ],
  );
});
