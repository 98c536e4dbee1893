/**
 * Measures the CPU time of one record: `node bench/record.ts [lines]`. Prints the best and the median of several rounds;
 * "ordinary" is one attempt on a reused connection without a failure. It measures CPU time, not elapsed time, because other
 * programs use the machine too.
 */
import type { EndedExchange } from '../src/core/exchange.ts';
import { fail } from '#failures/failure.ts';
import type { Instant } from '../src/core/time.ts';
import { ExchangeCounters } from '../src/record/counters.ts';
import { createRecordRing, createWakeWord, RecordRingReader, RecordRingWriter } from '../src/record/record-ring.ts';
import { RecordWriter } from '../src/record/write-record.ts';

const lines = Number(process.argv[2] ?? 50_000);
const rounds = 9;

const memory = createRecordRing(createWakeWord());
const ring = new RecordRingWriter(memory);
const reader = new RecordRingReader(memory);
const parts = {
  deployment: 'shop',
  member: 'gw-1',
  processStartedUnixMs: Date.UTC(2026, 10, 21),
  processKey: 'k3f9xa',
  worker: 1,
  queryAllowed: ['page'],
  ring,
};
const writer = new RecordWriter(parts);
/** Three endpoints, two of them out, and a queue: more than most. */
const knowing = new RecordWriter({
  ...parts,
  gatewayStateOf: ({ route }) => ({
    configuration: 'd41d8cd98f00b204',
    ...{ endpoints_ready: 1, endpoints_total: 3 },
    endpoints: [
      {
        ...{ endpoint: 'web/127.0.0.1:3000', state: 'ejected', since_ms: 1200, reason: '5 requests in a row failed' },
        ...{ open: 4, idle: 1, waiting: 0, open_max: 256 },
      },
    ],
    queues: [{ queue: `route ${route}`, for: 'turn', waiting: 7, in_flight: 20, in_flight_max: 20 }],
  }),
});
const counters = new ExchangeCounters();

/** Records that differ as much as the exchanges of one second do. */
function exchange(n: number, target: string): EndedExchange {
  const ms = (n * 37) % 1000;
  const startedAt = (100_000 + n * 0.05) as Instant;
  return {
    id: `019aa5d2-5f1c-7c3e-9f0a-${String(n).padStart(12, '0')}`,
    traceId: `4bf92f3577b34da6a3ce${String(n).padStart(12, '0')}`,
    startedWall: 1_795_250_538_000 + n / 20,
    startedAt,
    endedAt: (startedAt + 1.234 + ms / 317) as Instant,
    revision: 3,
    route: 'web',
    upstream: 'web',
    application: '',
    release: null,
    client: {
      address: '192.0.2.17',
      port: 40_000 + ms,
      peerAddress: '192.0.2.17',
      trusted: false,
      scheme: 'http',
      peerScheme: 'http',
      tls: null,
      connection: { localAddress: '192.0.2.100', localPort: 8080 },
      listener: 'http',
      recordCache: null,
    },
    method: 'GET',
    authority: 'shop.example.org',
    target,
    version: 'HTTP/1.1',
    tunnel: null,
    attempts: [
      {
        endpoint: 'web/127.0.0.1:3000',
        address: '127.0.0.1:3000',
        endpointState: 'healthy',
        reused: true,
        idleMs: 3.25 + ms / 13,
        localPort: 50_000 + ms,
        startedMs: 0.041 + ms / 50_000,
        dnsMs: -1,
        connectedMs: -1,
        tlsMs: -1,
        sentMs: 0.09 + ms / 40_000,
        headMs: 1.05 + ms / 317,
        endedMs: 1.2 + ms / 317,
        status: 200,
        failure: null,
        exit: null,
        retry: false,
        retryReason: 'accepted',
      },
    ],
    statusSent: 200,
    statusReceived: 200,
    endKind: 'forwarded',
    failure: null,
    delivery: 'response_started',
    bytesFromClient: 0,
    bytesToClient: 6413,
  };
}

function failed(n: number): EndedExchange {
  const failure = fail('connect_refused', 'connect', { address: '127.0.0.1:3000' });
  const ordinary = exchange(n, '/products/42');
  const attempts = ordinary.attempts.map((attempt) => ({
    ...attempt,
    reused: false,
    status: 0,
    failure,
    retryReason: 'nowhere_else' as const,
  }));
  return {
    ...ordinary,
    attempts,
    statusSent: 502,
    statusReceived: 0,
    endKind: 'generated',
    failure,
    delivery: 'not_sent',
  };
}

function measure(name: string, make: (n: number) => EndedExchange, run: (exchange: EndedExchange) => void): void {
  const exchanges = Array.from({ length: 2000 }, (_, n) => make(n));
  const perLine: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = process.cpuUsage();
    for (let n = 0; n < lines; n++) run(exchanges[n % exchanges.length] as EndedExchange);
    const spent = process.cpuUsage(start);
    perLine.push((spent.user + spent.system) / lines);
  }
  perLine.sort((a, b) => a - b);
  console.log(`${name.padEnd(28)} best ${perLine[0]?.toFixed(2)} µs, median ${perLine[rounds >> 1]?.toFixed(2)} µs`);
}

let records = 0;

/** Writes a record, and empties the ring before it is full. */
function written(ended: EndedExchange, by = writer): void {
  by.write(ended);
  records += 1;
  if (records % 1000 === 0) for (const slice of reader.take()) reader.release(slice);
}

let length = 0;
const bytes = writer.write(exchange(1, '/products/42'));
console.log(`an ordinary line has ${bytes} bytes; ${lines} lines per round`);
measure(
  'record, ordinary',
  (n) => exchange(n, '/products/42'),
  (ended) => written(ended),
);
measure(
  'record, with a query',
  (n) => exchange(n, '/products/42?page=2&token=abcdef&q=shoes'),
  (ended) => written(ended),
);
measure('record, failed', failed, (ended) => written(ended));
measure('record, failed, with state', failed, (ended) => written(ended, knowing));
measure(
  'the text alone',
  (n) => exchange(n, '/products/42'),
  (ended) => void (length += writer.line(ended).length),
);
measure(
  'count',
  (n) => exchange(n, '/products/42'),
  (ended) => counters.count(ended),
);
