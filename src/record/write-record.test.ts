import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { explain } from '#failures/failure-texts.ts';
import type { AttemptFacts, EndedExchange } from '../core/exchange.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { AttemptRecord, ExchangeRecord } from '../core/schemas/record.ts';
import type { Instant } from '../core/time.ts';
import { unicodeText } from '../../test/unicode-text.ts';
import { ExchangeRecords, type RecordContext } from './exchange-record.ts';
import { bounded, jsonOf } from './json-text.ts';
import { lineBytesMax, recordLimits } from './limits.ts';
import { parseRecord } from './parse-record.ts';
import { redactQuery } from '../redact/query.ts';
import { redactPath } from '../redact/target.ts';
import { failedExchange, sampleAttempt, sampleClient, sampleExchange } from './sample-exchange.test-support.ts';
import { RecordWriter } from './write-record.ts';
import { TestRing } from './test-ring.test-support.ts';

const context = {
  deployment: 'shop',
  member: 'gw-1',
  processStartedUnixMs: Date.UTC(2026, 10, 21),
  processKey: 'k3f9xa',
  worker: 1,
  queryAllowed: ['page'],
};

function writerOf(changes: Partial<RecordContext> = {}): {
  writer: RecordWriter;
  ring: TestRing;
} {
  const ring = new TestRing();
  return { writer: new RecordWriter({ ...context, ...changes, ring }), ring };
}

function recordOf(exchange: EndedExchange): ExchangeRecord {
  const line = writerOf().writer.line(exchange);
  assert.match(line, /^[ -~]+\n$/, 'one line of printable ASCII');
  const parsed = parseRecord(line);
  assert.ok(parsed.ok, `${parsed.ok ? '' : parsed.reason}: ${line}`);
  return parsed.record;
}

describe('the verdict of a record', () => {
  const pick = (record: ExchangeRecord): unknown[] => [
    record.shape,
    record.type,
    record.cause,
    record.whose,
    record.status,
    record.received_status,
  ];
  const refused = fail('connect_refused', 'connect', { address: '127.0.0.1:3000' });
  const gone = fail('client_gone', 'response', { bytesSent: 0, how: 'closed' });

  const cases: readonly (readonly [name: string, exchange: EndedExchange, verdict: readonly unknown[]])[] = [
    ['a success', sampleExchange(), ['none', null, null, null, 200, 200]],
    [
      'a 404 of the application is an answer',
      sampleExchange({ statusSent: 404, statusReceived: 404 }),
      ['none', null, null, null, 404, 404],
    ],
    [
      'a 500 of the application is its own',
      sampleExchange({ statusSent: 500, statusReceived: 500 }),
      ['app_error', null, null, 'application', 500, 500],
    ],
    [
      'so is its 503',
      sampleExchange({ statusSent: 503, statusReceived: 503 }),
      ['app_error', null, null, 'application', 503, 503],
    ],
    [
      'what the endpoint sent counts, not what became of it',
      sampleExchange({ statusSent: 200, statusReceived: 500 }),
      ['app_error', null, null, 'application', 200, 500],
    ],
    [
      'a response of the configuration',
      sampleExchange({ endKind: 'generated', attempts: [], statusSent: 500, statusReceived: 0 }),
      ['none', null, null, null, 500, null],
    ],
    [
      'a refused connection',
      failedExchange(refused, 502),
      ['unreachable', 'connection_refused', 'connect_refused', 'application', 502, null],
    ],
    [
      'a client that left',
      failedExchange(gone, 0, { endKind: 'abandoned' }),
      ['client_abort', null, 'client_gone', 'client', null, null],
    ],
    [
      'an end without a failure, abandoned',
      sampleExchange({ endKind: 'abandoned', statusSent: 0 }),
      ['client_abort', null, null, 'client', null, 200],
    ],
  ];
  for (const [name, exchange, verdict] of cases) test(name, () => assert.deepEqual(pick(recordOf(exchange)), verdict));
});

test('the exit of the instance is in its attempt and in the sentence, without credentials', () => {
  const failure = fail('reset_before_response', 'response', {
    address: '127.0.0.1:3000',
    reused: false,
    idleMs: 0,
    errno: 'ECONNRESET',
  });
  const exit = {
    atInstant: 5011.25,
    code: null,
    signal: 'SIGKILL',
    outOfMemory: true,
    lastLine: 'login with password=CANARY',
  };
  const record = recordOf(
    failedExchange(failure, 502, { attempts: [sampleAttempt({ failure, exit, endedMs: 51.25 })] }),
  );
  assert.deepEqual(record.attempts[0]?.exit, {
    code: null,
    signal: 'SIGKILL',
    oom: true,
    before_ms: 40,
    last_line: 'login with password=…',
  });
  assert.match(record.detail ?? '', /memory.*40 ms earlier.*password=…/);
  const noticedAfter = recordOf(
    failedExchange(failure, 502, { attempts: [sampleAttempt({ failure, exit, endedMs: 1 })] }),
  );
  assert.equal(noticedAfter.attempts[0]?.exit?.before_ms, -10.25);
});

test('an exit that Candor caused says so, with the instance that had replaced the one that ended', () => {
  const failure = fail('closed_before_response', 'response', { address: '127.0.0.1:3000', reused: false, idleMs: 0 });
  const ended = { atInstant: 5050, code: null, signal: 'SIGTERM', outOfMemory: false, lastLine: null };
  for (const replacedBy of ['app/2', null]) {
    const exit = { ...ended, stopped: { replacedBy } };
    const { attempts, detail } = recordOf(
      failedExchange(failure, 502, { attempts: [sampleAttempt({ failure, exit, endedMs: 51 })] }),
    );
    assert.deepEqual(attempts[0]?.exit?.stopped, { replaced_by: replacedBy });
    assert.match(
      detail ?? '',
      replacedBy === null ? /instance was stopped by Candor/ : /, replaced by app\/2, was stopped/,
    );
  }
});

test('an exit explains only the failure of its own attempt', () => {
  const address = '127.0.0.1:3000';
  const met = fail('reset_before_response', 'response', { address, reused: false, idleMs: 0, errno: 'ECONNRESET' });
  const told = fail('pool_full', 'queue', { upstream: 'app', limit: 1, retryAfterS: 1 });
  const exit = { atInstant: 5000, code: 1, signal: null, outOfMemory: false, lastLine: 'no database' };
  const attempts = [sampleAttempt({ failure: met, exit, endedMs: 51 })];
  assert.match(recordOf(failedExchange(met, 502, { attempts })).detail ?? '', /no database/);
  assert.doesNotMatch(recordOf(failedExchange(told, 503, { attempts })).detail ?? '', /no database/);
});

test('the sentence says why no endpoint got another attempt, without credentials, if this attempt is the failure', () => {
  const address = '127.0.0.1:3000';
  const met = fail('closed_before_response', 'response', { address, reused: false, idleMs: 0 });
  const reason = 'it exited, last line: "password=CANARY" (failed 7 times in a row)';
  const noneReady = fail('no_endpoint_ready', 'route', { upstream: 'shop', endpoints: 1, reason, retryAfterS: 1 });
  const attempts = [sampleAttempt({ failure: met, noneReady, endedMs: 51 })];
  const { detail } = recordOf(failedExchange(met, 502, { attempts }));
  assert.match(detail ?? '', /The one endpoint of upstream "shop" is not ready: .*password=….*failed 7 times in a row/);
  assert.doesNotMatch(detail ?? '', /CANARY/);
  const gone = fail('client_gone', 'response', { bytesSent: 0, how: 'closed' });
  assert.doesNotMatch(recordOf(failedExchange(gone, 0, { attempts })).detail ?? '', /in a row/);
});

test('times are milliseconds with three decimals, and null if a stage was not reached', () => {
  const [attempt] = recordOf(
    sampleExchange({
      attempts: [sampleAttempt({ dnsMs: 0, connectedMs: 1.99951, idleMs: 1e9 + 0.6, endedMs: Number.NaN })],
    }),
  ).attempts;
  assert.deepEqual(
    [attempt?.dns_ms, attempt?.connected_ms, attempt?.tls_ms, attempt?.idle_ms, attempt?.ended_ms],
    [0, 2, null, 1_000_000_001, 0],
  );
});

test('the timestamp is right after the second has changed', () => {
  const { writer } = writerOf();
  const at = (wall: number): string =>
    (JSON.parse(writer.line(sampleExchange({ startedWall: wall }))) as ExchangeRecord).at;
  const start = Date.UTC(2026, 11, 31, 23, 59, 59, 999);
  for (const wall of [start, start + 1, start - 1, start + 86_400_000, 0])
    assert.equal(at(wall), new Date(wall).toISOString());
  assert.equal(at(start + 0.75), new Date(start).toISOString());
  assert.equal(at(Number.NaN), '1970-01-01T00:00:00.000Z');
});

test('the line of a failure is kept apart too, that of a success is not', () => {
  const { writer, ring } = writerOf();
  writer.write(sampleExchange());
  const first = writer.write(sampleExchange({ statusSent: 500, statusReceived: 500 }));
  const second = writer.write(sampleExchange({ attempts: [sampleAttempt({ retry: true }), sampleAttempt()] }));
  writer.write(sampleExchange());
  assert.equal(ring.failures.length, first + second);
  assert.ok(ring.take().includes(ring.failures));
});

test('cached fragments of routes and endpoints follow changes', () => {
  const { writer } = writerOf();
  const read = (exchange: EndedExchange): ExchangeRecord => JSON.parse(writer.line(exchange)) as ExchangeRecord;
  assert.equal(read(sampleExchange({ release: { name: '1', arm: null } })).release, '1');
  const { release, arm, weight } = read(sampleExchange({ release: { name: '2', arm: { name: 'new', weight: 0.05 } } }));
  assert.deepEqual({ release, arm, weight }, { release: '2', arm: 'new', weight: 0.05 });
  assert.equal(read(sampleExchange({ upstream: '' })).upstream, null);
  assert.equal(
    read(sampleExchange({ attempts: [sampleAttempt({ endpointState: 'unhealthy' })] })).attempts[0]?.state,
    'unhealthy',
  );
  assert.equal(read(sampleExchange({ filterMs: 40.5 })).filter_ms, 40.5);
  assert.equal('filter_ms' in read(sampleExchange({ filterMs: -1 })), false);
  assert.equal(read(sampleExchange({ bodyMs: 800.5 })).body_ms, 800.5);
  assert.equal('body_ms' in read(sampleExchange({ bodyMs: -1 })), false);
  assert.equal(read(sampleExchange({ attempts: [sampleAttempt({ queuedMs: 12.5 })] })).attempts[0]?.queued_ms, 12.5);
  assert.equal(read(sampleExchange({ attempts: [sampleAttempt({})] })).attempts[0]?.queued_ms, undefined);
  assert.equal(read(sampleExchange({ attempts: [sampleAttempt({ surplusBytes: 5 })] })).attempts[0]?.surplus_bytes, 5);
  assert.equal('surplus_bytes' in (read(sampleExchange()).attempts[0] ?? {}), false);
  const passed = [sampleAttempt({ bytesToEndpoint: 7, bytesFromEndpoint: 9 })];
  assert.equal('bytes_to_endpoint' in (read(sampleExchange({ attempts: passed })).attempts[0] ?? {}), false);
  const [several] = read(sampleExchange({ attempts: [...passed, sampleAttempt({})] })).attempts;
  assert.deepEqual([several?.bytes_to_endpoint, several?.bytes_from_endpoint], [7, 9]);
  // The same endpoint, over one version and then over the other.
  for (const [protocol, expected] of [
    ['h2', 'HTTP/2'],
    ['http/1.1', undefined],
    ['h2', 'HTTP/2'],
    ['', undefined],
  ] as const)
    assert.equal(read(sampleExchange({ attempts: [sampleAttempt({ protocol })] })).attempts[0]?.protocol, expected);
  const stale = { attempts: [sampleAttempt({ endpointState: 'unhealthy', addressStale: true })] };
  assert.equal(read(sampleExchange(stale)).attempts[0]?.address_stale, true);
  assert.equal(
    read(sampleExchange({ attempts: [sampleAttempt({ endpointState: 'unhealthy' })] })).attempts[0]?.address_stale,
    undefined,
  );
  assert.equal(
    read(sampleExchange({ attempts: [sampleAttempt({ address: '127.0.0.1:3001' })] })).attempts[0]?.address,
    '127.0.0.1:3001',
  );
});

describe('a secret (canary) is not written from', () => {
  const canary = 'CANARY0123456789';
  const garbage = fail('response_not_http', 'response', {
    address: '127.0.0.1:3000',
    firstBytes: `Authorization: Bearer ${canary}\r\nCookie: a=${canary}`,
    guess: 'text',
  });
  const exit = { atInstant: 5000, code: 1, signal: null, outOfMemory: false, lastLine: `Set-Cookie: sid=${canary}` };
  const cases: readonly (readonly [name: string, exchange: EndedExchange])[] = [
    ['query value', sampleExchange({ target: `/a?token=${canary}&x=${canary}` })],
    ['bare query', sampleExchange({ target: `/a?${canary}` })],
    ['percent-encoded query', sampleExchange({ target: `/a?%74oken=${canary}` })],
    [
      'query of the route that was not found',
      failedExchange(fail('no_route', 'route', { host: 'a', path: `/a?${canary}` }), 404),
    ],
    ['fragment', sampleExchange({ target: `/a#${canary}?b=${canary}` })],
    ['first bytes of garbage', failedExchange(garbage, 502)],
    [
      'last line of an instance',
      failedExchange(garbage, 502, { attempts: [sampleAttempt({ failure: garbage, exit })] }),
    ],
    [
      'a message of the operator',
      failedExchange(fail('maintenance', 'route', { route: 'a', message: `password: ${canary}`, retryAfterS: 1 }), 503),
    ],
  ];
  test('first bytes of garbage in hexadecimal', () => {
    const hex = Buffer.from(`Cookie: ${canary}`).toString('hex');
    const failure = fail('response_not_http', 'response', { address: 'a:1', firstBytes: hex, guess: 'text' });
    const written = writerOf().writer.line(failedExchange(failure, 502));
    assert.ok(
      !written.includes(Buffer.from(canary).toString('hex')) &&
        written.includes(Buffer.from('Cookie: ...').toString('hex')),
    );
  });

  for (const [name, exchange] of cases) test(name, () => assert.ok(!writerOf().writer.line(exchange).includes(canary)));

  test('facts of an exchange that records do not have are not written', () => {
    // As an exchange has them beside what the recorder reads.
    const exchange = {
      ...sampleExchange(),
      fields: { cookie: canary },
      content: canary,
      client: { ...sampleClient(), authorization: canary },
    };
    assert.ok(!writerOf().writer.line(exchange).includes(canary));
  });
});

describe('for any text from outside', () => {
  const anyText = fc.oneof(
    unicodeText({ maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.constantFrom(
      '',
      '"',
      '\\',
      '\n',
      '\r\n',
      '\u2028',
      '\ud800',
      '\udc00x',
      '\u0000',
      '\u007f',
      '\u00ff',
      '{"v":1}',
      '__proto__',
      'a'.repeat(5000),
      '\u{1f600}'.repeat(1500),
    ),
  );
  const anyMs = fc.oneof(
    fc.constant(-1),
    fc.double({ min: 0, max: 1e6, noNaN: true }),
    fc.constantFrom(0, Number.NaN, Number.POSITIVE_INFINITY, -0),
  );
  const anyFailure: fc.Arbitrary<Failure | null> = fc.oneof(
    fc.constant(null),
    anyText.map((text) => fail('response_not_http', 'response', { address: text, firstBytes: text, guess: 'binary' })),
    fc.tuple(anyText, anyText).map(([host, path]) => fail('no_route', 'route', { host, path })),
    anyText.map((value) => fail('loop_detected', 'route', { name: 'Via', value, route: 'shop', passage: 2, limit: 4 })),
    fc.constant(fail('client_gone', 'flush', { bytesSent: 7, how: 'reset' })),
  );
  const anyAttempt = fc
    .record({
      text: anyText,
      ms: anyMs,
      failure: anyFailure,
      reused: fc.boolean(),
      code: fc.integer({ min: 0, max: 255 }),
    })
    .map(
      ({ text, ms, failure, reused, code }): AttemptFacts =>
        sampleAttempt({
          endpoint: text,
          address: text,
          reused,
          idleMs: ms,
          dnsMs: ms,
          endedMs: ms,
          failure,
          exit: failure === null ? null : { atInstant: 100, code, signal: text, outOfMemory: false, lastLine: text },
        }),
    );
  const anyExchange = fc
    .record({
      texts: fc.array(anyText, { minLength: 14, maxLength: 14 }),
      attempts: fc.array(anyAttempt, { maxLength: 4 }),
      failure: anyFailure,
      number: fc.oneof(fc.nat(), fc.constantFrom(-1, Number.NaN, 2 ** 60)),
      end: fc.constantFrom('forwarded', 'generated', 'truncated', 'abandoned'),
      duration: anyMs,
      tls: fc.boolean(),
    })
    .map(({ texts, attempts, failure, number, end, duration, tls }): EndedExchange => {
      const [
        id,
        traceId,
        route,
        upstream,
        application,
        release,
        address,
        peer,
        method,
        authority,
        target,
        version,
        sni,
        query,
      ] = texts as [string, ...string[]];
      return sampleExchange({
        id,
        traceId: traceId ?? '',
        route: route ?? '',
        upstream: upstream ?? '',
        application: application ?? '',
        release: release === undefined || release === '' ? null : { name: release, arm: null },
        client: sampleClient({
          address: address ?? '',
          peerAddress: peer ?? '',
          port: number,
          tls: tls
            ? { version: version ?? '', serverName: sni ?? null, alpn: null, cipher: null, clientCertificate: null }
            : null,
        }),
        method: method ?? '',
        authority: authority ?? '',
        target: `${target}?${query}`,
        attempts,
        failure,
        endKind: end,
        revision: number,
        bytesFromClient: number,
        endedAt: (5000 + duration) as Instant,
      });
    });

  const kept = (text: string, max: number): string => bounded(text, max).toWellFormed();
  const keptOrNull = (text: string, max: number): string | null => (text === '' ? null : kept(text, max));

  test('the line is one line of ASCII JSON whose fields are those of the exchange', () => {
    const { writer } = writerOf();
    const property = fc.property(anyExchange, (exchange) => {
      const line = writer.line(exchange);
      assert.match(line, /^[ -~]+\n$/);
      const parsed = parseRecord(line);
      assert.ok(parsed.ok);
      const { record } = parsed;
      assert.equal(
        JSON.stringify(record),
        JSON.stringify(JSON.parse(jsonOf(new ExchangeRecords(context).recordOf(exchange)))),
      );
      const { client, target } = exchange;
      assert.equal(record.id, kept(exchange.id, recordLimits.id));
      assert.equal(record.trace_id, exchange.traceId === '' ? null : kept(exchange.traceId, recordLimits.id));
      assert.equal(record.route, keptOrNull(exchange.route, recordLimits.name));
      assert.equal(record.upstream, keptOrNull(exchange.upstream, recordLimits.name));
      assert.equal(record.application, keptOrNull(exchange.application, recordLimits.name));
      assert.equal(record.release, keptOrNull(exchange.release?.name ?? '', recordLimits.name) ?? undefined);
      assert.equal(record.client.address, kept(client.address, recordLimits.name));
      assert.equal(record.client.peer, kept(client.peerAddress, recordLimits.name));
      assert.equal(
        record.tls?.sni ?? null,
        client.tls === null ? null : kept(client.tls.serverName ?? '', recordLimits.host),
      );
      assert.equal(record.method, kept(exchange.method, recordLimits.method));
      assert.equal(record.host, kept(exchange.authority, recordLimits.host));
      const mark = target.indexOf('?');
      assert.equal(record.path, kept(redactPath(target.slice(0, mark)), recordLimits.path));
      assert.equal(
        record.query,
        redactQuery(bounded(target.slice(mark + 1), recordLimits.query), new Set(['page'])).toWellFormed(),
      );
      assert.equal(record.end, exchange.endKind);
      assert.equal(record.cause, exchange.failure?.cause ?? null);
      assert.equal(record.attempts.length, exchange.attempts.length);
      exchange.attempts.forEach((attempt, index) => sameAttempt(record.attempts[index] as AttemptRecord, attempt));
    });
    fc.assert(property, { numRuns: 400 });
  });

  function sameAttempt(record: AttemptRecord, attempt: AttemptFacts): void {
    assert.equal(record.endpoint, kept(attempt.endpoint, recordLimits.name));
    assert.equal(record.cause, attempt.failure?.cause ?? null);
    assert.equal(record.reused, attempt.reused);
    const isReached = attempt.dnsMs >= 0 && Number.isFinite(attempt.dnsMs);
    if (isReached)
      assert.ok(Math.abs((record.dns_ms ?? -1) - attempt.dnsMs) <= 0.5000001, `${record.dns_ms} for ${attempt.dnsMs}`);
    assert.equal(record.exit?.code ?? null, attempt.exit?.code ?? null);
  }

  test('a line with the longest texts stays within its limit, and keeps the last attempt', () => {
    const worst = '\u2028'.repeat(10_000);
    const failure = fail('response_not_http', 'response', { address: worst, firstBytes: worst, guess: 'binary' });
    const exit = { atInstant: 0, code: 1, signal: worst, outOfMemory: false, lastLine: worst };
    const attempts = Array.from({ length: 100 }, (_, n) =>
      sampleAttempt({ endpoint: worst, address: worst, failure, exit, localPort: n + 1 }),
    );
    const exchange = sampleExchange({
      id: worst,
      traceId: worst,
      route: worst,
      upstream: worst,
      application: worst,
      release: { name: worst, arm: { name: 'new', weight: 0.0001 } },
      method: worst,
      authority: worst,
      target: `${worst}?${worst}`,
      client: sampleClient({
        address: worst,
        peerAddress: 'x'.repeat(10_000),
        tls: { version: worst, serverName: worst, alpn: null, cipher: null, clientCertificate: null },
      }),
      attempts,
      failure,
    });
    const line = writerOf().writer.line(exchange);
    assert.ok(line.length < lineBytesMax, `${line.length} bytes`);
    const record = JSON.parse(line) as ExchangeRecord;
    assert.equal(record.attempts.length, recordLimits.attempts);
    assert.equal(record.attempts.at(-1)?.local_port, 100);
    assert.equal(record.path.length, recordLimits.path + 1);
  });
});

test('the sentence is that of the failure', () => {
  const failure = fail('response_head_timeout', 'response', { address: '127.0.0.1:3000', limitMs: 60_000 });
  assert.equal(recordOf(failedExchange(failure, 504)).detail, explain(failure));
});

test('names of the deployment are escaped too', () => {
  assert.equal(
    (
      JSON.parse(
        writerOf({ deployment: 'a"b\nc', inlineConstants: true }).writer.line(sampleExchange()),
      ) as ExchangeRecord
    ).deployment,
    'a"b\nc',
  );
});

test('a log without header lines has the constants of the process in each line, written as bytes or as text', () => {
  const { writer, ring } = writerOf({ inlineConstants: true });
  writer.write(sampleExchange());
  const constants =
    /"process":"k3f9xa","deployment":"shop","member":"gw-1","process_started_at":"2026-11-21T00:00:00.000Z",/;
  assert.match(ring.take(), constants);
  assert.match(writer.line(sampleExchange({ target: '/"' })), constants);
  assert.doesNotMatch(writerOf().writer.line(sampleExchange()), /deployment|member|process_started_at/);
});

test('a TLS cipher is recorded, and null where it is not known', () => {
  const tls = { version: 'TLSv1.3', serverName: null, alpn: null, cipher: null, clientCertificate: null };
  const ciphers = [{ ...tls, cipher: 'TLS_AES_256_GCM_SHA384' }, tls].map(
    (facts) => recordOf(sampleExchange({ client: sampleClient({ tls: facts, scheme: 'https' }) })).tls?.cipher,
  );
  assert.deepEqual(ciphers, ['TLS_AES_256_GCM_SHA384', null]);
});

describe('recorded headers', () => {
  const headersOf = (recordedHeaders: Readonly<Record<string, string>> | null): ExchangeRecord['headers'] =>
    recordOf(sampleExchange({ recordedHeaders })).headers;

  test('stand in the record, redacted and bounded, and without any there is no such key', () => {
    assert.equal(headersOf(null), undefined);
    const headers = headersOf({
      'user-agent': 'curl/8.5',
      'x-a': 'x'.repeat(300),
      'x-b': 'Bearer CANARY0123456789abcdef',
    });
    assert.equal(headers?.['user-agent'], 'curl/8.5');
    assert.equal(headers['x-a'], `${'x'.repeat(256)}…`);
    assert.doesNotMatch(headers['x-b'] ?? '', /CANARY/);
  });

  const referers: readonly (readonly [sent: string, recorded: string])[] = [
    ['https://a.example/x?token=CANARY', 'https://a.example/x'],
    ['https://a.example/x#CANARY', 'https://a.example/x'],
    ['https://anna:CANARY@a.example/x', 'https://a.example/x'],
    ['https://anna:CA@NARY@a.example/x', 'https://a.example/x'],
    ['//anna:CANARY@a.example', '//a.example'],
    ['/local', '/local'],
  ];
  for (const [sent, recorded] of referers)
    test(`a Referer of ${sent} loses its secrets`, () =>
      assert.equal(headersOf({ referer: sent })?.['referer'], recorded));

  test('do not keep an exchange from its line', () => {
    const { writer, ring } = writerOf();
    writer.write(sampleExchange({ recordedHeaders: { 'user-agent': 'curl/8.5' } }));
    assert.match(ring.take(), /"headers":\{"user-agent":"curl\/8\.5"\},"attempts"/);
  });
});

describe('the detail of a success', () => {
  const times = { startedMs: 0.4, connectedMs: -1, sentMs: 0.9, headMs: 31.44, endedMs: 31.6, idleMs: 812.5 };
  const exchange = (changes: Partial<AttemptFacts>): EndedExchange =>
    sampleExchange({ attempts: [sampleAttempt({ ...times, ...changes })], endedAt: 5032.125 as Instant });
  const read = (changes: Partial<AttemptFacts>, context = {}): AttemptRecord => {
    const parsed = parseRecord(writerOf(context).writer.line(exchange(changes)));
    assert.ok(parsed.ok);
    return parsed.record.attempts[0] as AttemptRecord;
  };
  const pick = (one: AttemptRecord): unknown[] => [
    ...[one.reused, one.idle_ms, one.local_port, one.started_ms],
    ...[one.connected_ms, one.sent_ms, one.head_ms, one.ended_ms],
  ];
  const rows: readonly (readonly [name: string, changes: Partial<AttemptFacts>, expected: readonly unknown[]])[] = [
    ['steps less than a millisecond apart are one', {}, [true, null, null, 0, null, 0, 32.1, 32.1]],
    [
      'a later head and an early end are kept',
      { headMs: 12.34, endedMs: 20.06 },
      [true, null, null, 0, null, 0, 12.3, 20.1],
    ],
    [
      'a wait before the request was sent is kept',
      { startedMs: 2.345, sentMs: 3.5 },
      [true, null, null, 2.35, null, 3.5, 32.1, 32.1],
    ],
    ['idle connections count from a second on', { idleMs: 1234.5 }, [true, 1235, null, 0, null, 0, 32.1, 32.1]],
    [
      'a new connection that stood at once',
      { reused: false, idleMs: -1, connectedMs: 0.7 },
      [false, null, null, 0, 0, 0, 32.1, 32.1],
    ],
    [
      'a new connection that took its time',
      { reused: false, idleMs: -1, connectedMs: 20.44, sentMs: 20.5 },
      [false, null, null, 0, 20.4, 20.4, 32.1, 32.1],
    ],
    ['a request that was answered before it was sent', { sentMs: -1 }, [true, null, null, 0, null, null, 32.1, 32.1]],
  ];
  for (const [name, changes, expected] of rows) test(name, () => assert.deepEqual(pick(read(changes)), expected));

  test('with full detail it is that of a failure', () => {
    assert.deepEqual(pick(read({}, { fullDetail: true })), [true, 812.5, 40122, 0.4, null, 0.9, 31.44, 31.6]);
    const { writer, ring } = writerOf({ fullDetail: true });
    writer.write(exchange({}));
    assert.match(ring.take(), /"local_port":40122/);
  });
});

test('durations of successes have three digits and at least whole milliseconds, others three decimals', () => {
  const lasting = (ms: number, changes: Partial<EndedExchange> = {}): number =>
    recordOf(sampleExchange({ endedAt: (5000 + ms) as Instant, ...changes })).duration_ms;
  for (const [ms, rounded] of [
    [0.3141, 0.314],
    [2.7249, 2.72],
    [31.415, 31.4],
    [314.15, 314],
    [51_234.4, 51_234],
    [9.996, 10],
    [99.96, 100],
  ] as const)
    assert.equal(lasting(ms), rounded);
  assert.equal(lasting(31.4159, { statusReceived: 500 }), 31.416);
  assert.equal(lasting(31.4159, { attempts: [sampleAttempt({ retry: true }), sampleAttempt()] }), 31.416);
});
