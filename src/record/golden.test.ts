import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import type { EndedExchange } from '../core/exchange.ts';
import { fail, type Failure } from '#failures/failure.ts';
import { snakeCased } from '#failures/json-case.ts';
import { exchangeKeys } from '../core/record-defaults.ts';
import type { EndpointRelease } from '../core/endpoint-release.ts';
import type { GatewayState } from '../core/schemas/gateway-state.ts';
import type { Instant } from '../core/time.ts';
import { TestRing } from './test-ring.test-support.ts';
import { parseRecord } from './parse-record.ts';
import { failedExchange, sampleAttempt, sampleClient, sampleExchange } from './sample-exchange.test-support.ts';
import { RecordWriter } from './write-record.ts';

/**
 * The format of the exchange log, byte for byte. A difference here is a change of a public format: add fields
 * at the end of their object and say so in docs/record.md; anything else needs a new version and a new file.
 * Only `detail` is not compared: a sentence for people, whose wording may improve.
 * `UPDATE_GOLDEN=1` rewrites the file.
 */
const path = fileURLToPath(new URL('../../test/golden/record-v1.ndjson', import.meta.url));

const address = '127.0.0.1:3000';
const refused = fail('connect_refused', 'connect', { address });
const silent = fail('response_head_timeout', 'response', { address, limitMs: 60_000 });
const reset = fail('reset_before_response', 'response', { address, reused: false, idleMs: 0, errno: 'ECONNRESET' });
const garbage = fail('response_not_http', 'response', {
  address,
  firstBytes: Buffer.from('SSH-2.0-OpenSSH_9.6\r\n').toString('hex'),
  guess: 'ssh',
});
const short = fail('response_body_short', 'body', {
  address,
  bytesReceived: 4096,
  bytesExpected: 6413,
  how: 'closed',
});
const gone = fail('client_gone', 'response', { bytesSent: 0, how: 'closed' });
const maintenance = fail('maintenance', 'route', { route: 'shop', message: 'Back at nine.', retryAfterS: 600 });

const releases = {
  old: { name: 'r6', arm: { name: 'old', weight: 0.95 } },
  fresh: { name: 'r7', arm: { name: 'new', weight: 0.05 } },
} as const;

const until = (ms: number): Instant => (5000 + ms) as Instant;

const exchanges: readonly (readonly [name: string, exchange: EndedExchange])[] = [
  ['forwarded', sampleExchange()],
  [
    'forwarded over TLS, every optional field present',
    sampleExchange({
      application: 'shop',
      client: sampleClient({
        address: '2001:db8::17',
        peerAddress: '10.0.0.5',
        scheme: 'https',
        tls: {
          version: 'TLSv1.3',
          serverName: 'shop.example.org',
          alpn: 'http/1.1',
          cipher: null,
          clientCertificate: null,
        },
      }),
      method: 'POST',
      target: '/caf%C3%A9/"quoted"',
      attempts: [sampleAttempt({ reused: false, idleMs: -1, dnsMs: 0.4, connectedMs: 0.9, tlsMs: 3.25 })],
      bytesFromClient: 1024,
    }),
  ],
  [
    "the application's own 500",
    sampleExchange({ statusSent: 500, statusReceived: 500, attempts: [sampleAttempt({ status: 500 })] }),
  ],
  ['unreachable', failed(refused, 502, { startedMs: 0.08, sentMs: -1, endedMs: 0.75 }, { delivery: 'not_sent' })],
  [
    'too slow',
    failed(
      silent,
      504,
      { endedMs: 60_000.4, retryReason: 'not_idempotent' },
      { method: 'POST', endedAt: until(60_001) },
    ),
  ],
  ['reset, by an instance that was killed', instanceExit()],
  ['garbage', failed(garbage, 502, { endedMs: 1.5 }, { delivery: 'response_started' })],
  [
    'maintenance',
    sampleExchange({
      attempts: [],
      upstream: '',
      statusSent: 503,
      statusReceived: 0,
      endKind: 'generated',
      failure: maintenance,
      delivery: 'not_sent',
      endedAt: until(0.2),
    }),
  ],
  [
    'truncated',
    sampleExchange({
      attempts: [sampleAttempt({ failure: short, retryReason: 'committed' })],
      endKind: 'truncated',
      failure: short,
      bytesToClient: 4096,
    }),
  ],
  ['abandoned', failed(gone, 0, { retryReason: 'client_left' }, { endKind: 'abandoned', bytesToClient: 0 })],
  ['replayed', replayed()],
  [
    'a WebSocket that the client closed in order',
    sampleExchange({
      statusSent: 101,
      statusReceived: 101,
      attempts: [sampleAttempt({ status: 101, endedMs: 61_000 })],
      tunnel: { protocol: 'websocket', how: 'closed', by: 'client', closeCode: 1001 },
      bytesFromClient: 420,
      endedAt: until(61_000.5),
    }),
  ],
  ['over HTTP/2 on both sides', sampleExchange({ version: 'HTTP/2', attempts: [sampleAttempt({ protocol: 'h2' })] })],
  [
    'unreachable, with what the gateway knew',
    failed(refused, 502, { startedMs: 0.08, sentMs: -1, endedMs: 0.75 }, { delivery: 'not_sent', route: 'orders' }),
  ],
  [
    'forwarded, with more bytes behind the response',
    sampleExchange({ attempts: [sampleAttempt({ surplusBytes: 5 })] }),
  ],
  [
    'truncated, with what had passed',
    sampleExchange({
      attempts: [
        sampleAttempt({ failure: short, retryReason: 'committed', bytesToEndpoint: 300, bytesFromEndpoint: 4096 }),
      ],
      ...{ endKind: 'truncated', failure: short, bytesFromClient: 300, bytesToClient: 4096 },
    }),
  ],
  ['answered by the old release after the new one', replayed(releases.fresh, releases.old)],
];

/** Of those whose route is `orders`. */
const gatewayState: GatewayState = {
  configuration: 'd41d8cd98f00b204',
  ...{ endpoints_ready: 1, endpoints_total: 3 },
  endpoints: [
    {
      ...{ endpoint: 'shop/127.0.0.1:3000', state: 'ejected', since_ms: 1200, reason: '5 attempts in a row failed' },
      ...{ open: 4, idle: 1, waiting: 0, open_max: 256 },
    },
  ],
  breaker: { state: 'closed', reason: null },
  queues: [{ queue: 'route orders', for: 'turn', waiting: 7, in_flight: 20, in_flight_max: 20 }],
};

function failed(
  failure: Failure,
  status: number,
  attempt: Partial<EndedExchange['attempts'][number]>,
  changes: Partial<EndedExchange>,
): EndedExchange {
  const attempts = [
    sampleAttempt({
      reused: false,
      idleMs: -1,
      headMs: -1,
      status: 0,
      failure,
      retryReason: 'nowhere_else',
      ...attempt,
    }),
  ];
  return failedExchange(failure, status, { attempts, bytesToClient: 512, ...changes });
}

function instanceExit(): EndedExchange {
  const exit = {
    atInstant: 5011,
    code: null,
    signal: 'SIGKILL',
    outOfMemory: true,
    lastLine: 'FATAL ERROR: Reached heap limit',
  };
  return failed(
    reset,
    502,
    { endedMs: 51, exit, retryReason: 'not_idempotent' },
    { method: 'POST', application: 'shop', endedAt: until(51.2) },
  );
}

function replayed(first: EndpointRelease | null = null, second: EndpointRelease | null = null): EndedExchange {
  const other = '127.0.0.1:3001';
  const failure = fail('reset_before_response', 'response', {
    address: other,
    reused: true,
    idleMs: 812,
    errno: 'ECONNRESET',
  });
  const attempts = [
    sampleAttempt({
      endpoint: `shop/${other}`,
      address: other,
      release: first,
      headMs: -1,
      endedMs: 0.9,
      status: 0,
      failure,
      retry: true,
      retryReason: 'idempotent',
    }),
    sampleAttempt({ reused: false, idleMs: -1, startedMs: 0.95, connectedMs: 1.2, sentMs: 1.3, release: second }),
  ];
  return sampleExchange({ attempts, release: second });
}

function write(): string {
  const ring = new TestRing();
  const parts = {
    deployment: 'shop',
    member: 'gw-1',
    processStartedUnixMs: Date.UTC(2026, 10, 20, 22, 15, 0),
    processKey: 'k3f9xa',
    worker: 1,
    queryAllowed: ['page'],
    ring,
  };
  const writer = new RecordWriter(parts);
  const knowing = new RecordWriter({ ...parts, gatewayStateOf: () => gatewayState });
  const id = (index: number): string => `019aa5d2-5f1c-7c3e-9f0a-${String(index + 1).padStart(12, '0')}`;
  return exchanges
    .map(([, exchange], index) => (exchange.route === 'orders' ? knowing : writer).line({ ...exchange, id: id(index) }))
    .join('');
}

/** The lines without their sentences. */
function formatOf(log: string): string[] {
  return log.replace(/"detail":"(?:[^"\\]|\\.)*"/g, '"detail":"…"').split('\n');
}

test('every line is byte for byte as version 1 defines', () => {
  const written = write();
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, written, 'latin1');
  assert.deepEqual(formatOf(written), formatOf(readFileSync(path, 'latin1')));
});

test('readers read every line', () => {
  const lines = readFileSync(path, 'latin1').trimEnd().split('\n');
  assert.equal(lines.length, exchanges.length);
  lines.forEach((line, index) => {
    const parsed = parseRecord(line);
    const [name, exchange] = exchanges[index] as (typeof exchanges)[number];
    assert.ok(parsed.ok, name);
    const { record } = parsed;
    assert.deepEqual(
      [record.v, record.end, record.attempts.length, record.cause],
      [1, exchange.endKind, exchange.attempts.length, exchange.failure?.cause ?? null],
      name,
    );
    if (exchange.failure !== null && record.evidence !== undefined)
      assert.deepEqual(record.evidence, snakeCased(exchange.failure.evidence), name);
  });
});

test('the keys have the order of the schema in every line', () => {
  const lines = readFileSync(path, 'latin1').trimEnd().split('\n');
  for (const line of lines) {
    const keys = Object.keys(JSON.parse(line) as object);
    assert.deepEqual(
      keys,
      exchangeKeys.filter((key) => keys.includes(key)),
    );
  }
});
