import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cause, fail, type Failure } from '#failures/failure.ts';
import { failureTable } from '#failures/failure-table.ts';
import { statusOf } from '#failures/failure-texts.ts';
import { evidenceSample } from '#failures/evidence-sample.test-support.ts';
import * as fc from '../../test/properties.ts';
import type { GatewayState } from '../core/schemas/gateway-state.ts';
import type { EndedExchange } from '../core/exchange.ts';
import type { Instant } from '../core/time.ts';
import { unicodeText } from '../../test/unicode-text.ts';
import { LineBytes } from './line-bytes.ts';
import { isOrdinary, ordinaryBytesMax, writeOrdinary } from './ordinary-record.ts';
import { sampleAttempt, sampleClient, sampleExchange } from './sample-exchange.test-support.ts';
import { RecordWriter } from './write-record.ts';
import { TestRing } from './test-ring.test-support.ts';

function writer(
  ring: TestRing,
  queryAllowed: readonly string[] = ['page'],
  workerNumber = 1,
  gatewayStateOf?: () => GatewayState,
): RecordWriter {
  const context = {
    deployment: 'shop',
    member: 'gw "1"',
    processStartedUnixMs: 0,
    processKey: 'k3f9xa',
    worker: workerNumber,
    queryAllowed,
  };
  return new RecordWriter({ ...context, ring, ...(gatewayStateOf === undefined ? {} : { gatewayStateOf }) });
}

function testRing(): TestRing {
  return new TestRing();
}

function writtenLine(exchange: EndedExchange, queryAllowed?: readonly string[]): string {
  const ring = testRing();
  writer(ring, queryAllowed).write(exchange);
  return ring.take();
}

const times = fc.oneof(fc.constant(-1), fc.double({ min: 0, max: 100_000, noNaN: true }), fc.double());

const secretTargets = [
  ...['http://anna:CANARY@example.org/', '/to/http://anna:CANARY@example.org/', '/a;token=CANARY', '/a#CANARY'],
  ...[
    '/to/http%3A%2F%2Fanna%3ACANARY%40example.org/',
    '/a%3Ftoken%3DCANARY',
    '/verify/eyJhbGciOiJIUzI1NiJ9.CANARY.CANARY',
  ],
  ...[`/${'x'.repeat(300)}/http://anna:CANARY@example.org/`, `http://anna:${'CANARY'.repeat(500)}@example.org/`],
];

/** A trusted peer may have given anything. */
const addresses = fc.oneof(
  fc.constantFrom('192.0.2.17', '2001:db8::17', '', 'unknown', '_hidden"', 'é', 'x'.repeat(400)),
  fc.ipV4(),
);

const exchanges = fc
  .record({
    target: fc.oneof(
      fc.constantFrom('/', '/a?page=2&token=x', '/a?b', '/ä', '/"', '/a\\b', '*', '/a#b?c=d', `/${'x'.repeat(3000)}`),
      fc.constantFrom(...secretTargets),
      unicodeText(),
    ),
    authority: fc.oneof(fc.constantFrom('', 'example.org:8080', 'anna:CANARY@example.org'), fc.string()),
    idleMs: times,
    turn: times,
    started: times,
    queued: times,
    connected: times,
    sent: times,
    head: times,
    ended: times,
    reused: fc.boolean(),
    status: fc.constantFrom(200, 204, 301, 404, 499, 500),
    bytes: fc.oneof(fc.nat(), fc.double({ min: 0, max: 2 ** 60 })),
    surplus: fc.constantFrom(0, 0, 0, 5),
    traceId: fc.constantFrom('', '4bf92f3577b34da6a3ce929d0e0e4736', '"'),
    trusted: fc.boolean(),
    address: addresses,
    peerAddress: fc.option(addresses),
    port: fc.nat(65_535),
    version: fc.constantFrom('HTTP/1.0' as const, 'HTTP/1.1' as const),
  })
  .map((some) => {
    const attempt = sampleAttempt({
      reused: some.reused,
      idleMs: some.idleMs,
      startedMs: some.started,
      queuedMs: some.queued,
      connectedMs: some.connected,
      sentMs: some.sent,
      headMs: some.head,
      endedMs: some.ended,
      status: some.status,
      surplusBytes: some.surplus,
    });
    return sampleExchange({
      traceId: some.traceId,
      turnMs: some.turn,
      target: some.target,
      authority: some.authority,
      attempts: [attempt],
      statusSent: some.status,
      statusReceived: some.status,
      bytesToClient: some.bytes,
      bytesFromClient: some.bytes,
      version: some.version,
      client: sampleClient({
        scheme: some.trusted ? 'https' : 'http',
        address: some.address,
        peerAddress: some.peerAddress ?? some.address,
        port: some.port,
      }),
      endedAt: (100_000 + Math.max(0, some.ended)) as Instant,
    });
  });

test('the line written as bytes is the same as the line written as text', () => {
  fc.assert(
    fc.property(exchanges, (exchange) => {
      assert.equal(writtenLine(exchange), writer(testRing()).line(exchange));
    }),
    { numRuns: 2000 },
  );
});

test('so is the line of an answer of the gateway itself', () => {
  fc.assert(
    fc.property(exchanges, fc.double({ min: 0, max: 200_000, noNaN: true }), (forwarded, ms) => {
      const endedAt = (forwarded.startedAt + ms) as Instant;
      const own = { attempts: [], release: null, delivery: 'not_sent', statusReceived: 0, upstream: '' } as const;
      const exchange: EndedExchange = { ...forwarded, ...own, endKind: 'generated', endedAt };
      assert.equal(writtenLine(exchange), writer(testRing()).line(exchange));
    }),
    { numRuns: 2000 },
  );
});

/** What the gateway refuses by itself: any cause, with texts of its configuration or of clients. */
const refusals = fc.record({
  cause: fc.constantFrom(...(Object.keys(failureTable) as Cause[])),
  stage: fc.constantFrom('request' as const, 'route' as const, 'filter' as const, 'queue' as const),
  retryAfterS: fc.integer({ min: 1, max: 3 }),
  value: fc.oneof(fc.constantFrom('127.0.0.1', 'Bearer CANARY', 'http://anna:CANARY@example.org/'), unicodeText()),
});

function refusedExchange(forwarded: EndedExchange, failure: Failure, ms: number): EndedExchange {
  const own = { attempts: [], release: null, delivery: 'not_sent', statusReceived: 0, upstream: '' } as const;
  const endedAt = (forwarded.startedAt + ms) as Instant;
  return { ...forwarded, ...own, failure, endKind: 'generated', statusSent: statusOf(failure), endedAt };
}

test('so is the line of a refusal, also of one like those before, with the state of the gateway', () => {
  let waiting = 0;
  const gatewayStateOf = (): GatewayState => ({
    configuration: 'abc',
    queues: [{ queue: 'route /é', for: 'turn', waiting, in_flight: 2 }],
  });
  const ring = testRing();
  const one = writer(ring, ['page'], 1, gatewayStateOf);
  fc.assert(
    fc.property(exchanges, refusals, fc.double({ min: 0, max: 9, noNaN: true }), (forwarded, some, ms) => {
      const { cause, stage, retryAfterS, value } = some;
      const failure = fail(cause, stage, { ...evidenceSample, retryAfterS, value } as never);
      for (const exchange of [0, 1].map(() => refusedExchange(forwarded, failure, ms))) {
        waiting += 1;
        one.write(exchange);
        const written = ring.take();
        assert.equal(written, one.line(exchange));
      }
    }),
    { numRuns: 1000 },
  );
});

test('so is the line of a refusal after a success of the same client, and that of a success after it', () => {
  const ring = testRing();
  const one = writer(ring);
  const forwarded = sampleExchange();
  const evidence = { upstream: forwarded.upstream, limit: 2, queueMax: 3, retryAfterS: 1 };
  const refused = refusedExchange(forwarded, fail('pool_full', 'queue', evidence), 2);
  for (const exchange of [
    forwarded,
    forwarded,
    forwarded,
    refused,
    refused,
    refused,
    forwarded,
    forwarded,
    forwarded,
  ]) {
    const like: EndedExchange = { ...exchange, upstream: forwarded.upstream };
    one.write(like);
    assert.equal(ring.take(), one.line(like));
  }
});

test('a refusal by a limit, a rule or for load is written as bytes', () => {
  const rule = { policy: 'a', key: 'address', value: '192.0.2.1', rate: '1/s', rateLimit: 'r', rateLimitPolicy: 'p' };
  for (const failure of [
    fail('rate_limited', 'filter', { ...rule, retryAfterS: 3 }),
    fail('shed', 'route', { what: 'the memory of a worker', limit: 5, retryAfterS: 1 }),
    fail('pool_full', 'queue', { upstream: 'app', limit: 2, queueMax: 3, retryAfterS: 1 }),
  ]) {
    const ring = testRing();
    const exchange = refusedExchange(sampleExchange(), failure, 2);
    const one = writer(ring);
    const line = new LineBytes(ring);
    assert.ok(
      isOrdinary(exchange) && line.begin(ordinaryBytesMax) && writeOrdinary(line, exchange, one),
      failure.cause,
    );
  }
});

const anyMs = fc.oneof(
  fc.double({ min: 0, max: 12, noNaN: true }),
  fc.double({ min: 0, max: 2_000_000, noNaN: true }),
  fc.constantFrom(0, 0.0004, 0.9995, 1, 9.995, 9.9951, 99.95, 99.951, 100.5, 999.5, 1000),
);

const ordinaryExchanges = fc
  .record({
    started: anyMs,
    connected: anyMs,
    sent: anyMs,
    head: anyMs,
    ended: anyMs,
    idle: anyMs,
    turn: fc.oneof(fc.constant(-1), anyMs),
    reused: fc.boolean(),
  })
  .chain((ms) =>
    fc.record({ ms: fc.constant(ms), over: anyMs, address: fc.constantFrom('127.0.0.1:3000', '10.0.0.1:1') }),
  )
  .map(({ ms, over, address }) => {
    const attempt = sampleAttempt({
      reused: ms.reused,
      address,
      idleMs: ms.idle,
      startedMs: ms.started,
      connectedMs: ms.reused ? -1 : ms.connected,
      sentMs: ms.sent,
      headMs: ms.head,
      endedMs: ms.ended,
    });
    const endedAt = (5000 + Math.min(ms.ended + over, 2_000_000)) as Instant;
    return sampleExchange({ attempts: [attempt], turnMs: ms.turn, endedAt });
  });

test('every ordinary line is written as bytes, and equals the line written as text', () => {
  const ring = testRing();
  const one = writer(ring);
  fc.assert(
    fc.property(ordinaryExchanges, (exchange) => {
      const line = new LineBytes(ring);
      assert.ok(isOrdinary(exchange) && line.begin(ordinaryBytesMax));
      assert.ok(writeOrdinary(line, exchange, one));
      const bytes = one.write(exchange);
      const written = ring.take();
      assert.equal(bytes, written.length);
      assert.equal(written, one.line(exchange));
    }),
    { numRuns: 3000 },
  );
});

test('a sample exchange is ordinary, so that the property is about bytes', () => {
  assert.equal(isOrdinary(sampleExchange()), true);
});

test('an answer of the gateway itself is ordinary', () => {
  const own = { attempts: [], delivery: 'not_sent', endKind: 'generated', statusReceived: 0, upstream: '' } as const;
  assert.equal(isOrdinary(sampleExchange(own)), true);
});

test('bytes that came behind a response are written', () => {
  const exchange = sampleExchange({ attempts: [sampleAttempt({ surplusBytes: 5 })] });
  assert.match(writtenLine(exchange), /"surplus_bytes":5/);
});

test('lines of one writer do not mix, whether written as bytes or as text', () => {
  const ring = testRing();
  const one = writer(ring);
  const odd = sampleExchange({ target: '/"' });
  for (const exchange of [sampleExchange(), odd, sampleExchange(), odd]) one.write(exchange);
  const text = ring.take();
  const expected = [sampleExchange(), odd, sampleExchange(), odd].map((exchange) => writer(testRing()).line(exchange));
  assert.equal(text, expected.join(''));
});

const releases = [
  null,
  { name: 'r1', arm: null },
  { name: 'r1', arm: { name: 'old' as const, weight: 0.95 } },
  { name: 'r2', arm: { name: 'new' as const, weight: 0.05 } },
];

test('lines of one client are the same bytes, whatever is cached from earlier lines', () => {
  const client = sampleClient({});
  const either = fc.constantFrom('a', 'a', 'b');
  const some = fc.record({
    route: either,
    upstream: either,
    application: either,
    release: fc.constantFrom(...releases),
    method: fc.constantFrom('GET', 'GET', 'PUT'),
    authority: fc.constantFrom('a', 'a', 'b', '"'),
    revision: fc.constantFrom(1, 1, 2),
    version: fc.constantFrom('HTTP/1.0' as const, 'HTTP/1.1' as const),
    reused: fc.boolean(),
    status: fc.constantFrom(200, 204, 0),
    statusSent: fc.constantFrom(200, 204, 500),
    statusReceived: fc.constantFrom(200, 204, 500),
  });
  const property = fc.property(fc.array(some, { minLength: 2, maxLength: 6 }), (different) => {
    const ring = testRing();
    const one = writer(ring);
    const exchanges = different.flatMap(({ reused, status, ...rest }) => {
      const exchange = sampleExchange({ ...rest, client, attempts: [sampleAttempt({ reused, status })] });
      return [exchange, exchange, exchange];
    });
    for (const exchange of exchanges) one.write(exchange);
    const expected = exchanges.map((exchange) => writer(testRing()).line(exchange));
    assert.equal(ring.take(), expected.join(''));
  });
  fc.assert(property, { numRuns: 300 });
});

test('what one writer keeps of a client is not used by another', () => {
  const exchange = sampleExchange({ client: sampleClient() });
  const rings = [testRing(), testRing()] as const;
  const writers = [writer(rings[0]), writer(rings[1], [], 2)] as const;
  for (let turn = 0; turn < 4; turn++)
    for (const one of writers) for (let time = 0; time < 3; time++) one.write(exchange);
  for (const index of [0, 1] as const)
    assert.equal(rings[index].take(), writers[index].line(exchange).repeat(12), `writer ${index}`);
});

const queries = fc
  .array(fc.constantFrom('a', 'page', '=', '=', '&', '&', '%41', '+', '.', ';', '?', '"', 'ä', 'x'.repeat(70), '['), {
    maxLength: 12,
  })
  .map((pieces) => pieces.join(''));

test('without allowed parameters the query is the same bytes both ways, however odd', () => {
  fc.assert(
    fc.property(queries, (query) => {
      const exchange = sampleExchange({ target: `/search?${query}` });
      assert.equal(writtenLine(exchange, []), writer(testRing(), []).line(exchange));
    }),
    { numRuns: 1000 },
  );
});

const longQueries: readonly [what: string, query: string][] = [
  ['as long as one may be', `a=${'b'.repeat(2046)}`],
  ['one longer', `a=${'b'.repeat(2047)}`],
  ['of names alone, which become longer', 'a&'.repeat(1000)],
  ['of names alone, and longer than one may be', 'a&'.repeat(1100)],
  ['far too long', 'a=b&'.repeat(20_000)],
];
for (const [what, query] of longQueries) {
  test(`a query ${what} is the same byte for byte without allowed parameters`, () => {
    const exchange = sampleExchange({ target: `/search?${query}` });
    assert.equal(writtenLine(exchange, []), writer(testRing(), []).line(exchange));
  });
}

test('neither way writes secrets of a target or a host, even without a failure', () => {
  for (const target of secretTargets) {
    const exchange = sampleExchange({ target, authority: 'anna:CANARY@example.org' });
    assert.ok(isOrdinary(exchange) || target.length > 2048);
    assert.doesNotMatch(writtenLine(exchange), /CANARY/, target);
    assert.doesNotMatch(writer(testRing()).line(exchange), /CANARY/, target);
  }
});
