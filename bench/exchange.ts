/**
 * What one exchange costs in JavaScript alone: the real engine, routing, record and counts over transports that
 * take every octet and cost nothing. Run: `node bench/exchange.ts [exchanges]`.
 */
import { noCounts } from '../src/core/counters.ts';
import type { Connector } from '../src/core/connector.ts';
import { Deadlines } from '../src/core/deadline.ts';
import { localPlaceSource } from '../src/core/local-places.ts';
import type { Transport, TransportListener } from '../src/core/transport.ts';
import { ListenerConnections } from '../src/downstream/listener.ts';
import { Exchange } from '../src/exchange/exchange.ts';
import type { Serving } from '../src/exchange/ports.ts';
import { compileRoute } from '../src/gateway/compile-route.ts';
import { createRouter } from '../src/gateway/router.ts';
import { systemClock, systemRandom } from '../src/gateway/system.ts';
import { RecordBatch } from '../src/record/batch.ts';
import { ExchangeCounters } from '../src/record/counters.ts';
import { RecordWriter } from '../src/record/write-record.ts';
import { LiveUpstream } from '../src/upstream/upstream.ts';
import { HeadStorage } from '../src/wire/head-storage.ts';
import { OctetWriter } from '../src/wire/octet-writer.ts';
import { IdSource } from '../src/wire/request-id.ts';
import { benchRoute, benchUpstream, requestOctets, responseOctets } from './fixtures.ts';

const exchanges = Number(process.argv[2] ?? 300_000);

class Sink implements Transport {
  readonly facts = {
    kind: 'tcp',
    remoteAddress: '127.0.0.1',
    remotePort: 5000,
    localAddress: '127.0.0.1',
    localPort: 8080,
    tls: null,
  } as const;
  listener: TransportListener = { onOctets() {}, onEnd() {}, onWritten() {}, onClosed() {} };
  readonly pendingOctets = 0;
  octets = 0;
  get sentOctets(): number {
    return this.octets;
  }
  takeBack(): Uint8Array {
    return new Uint8Array(0);
  }
  write(_octets: Uint8Array, start: number, end: number): boolean {
    this.octets += end - start;
    return true;
  }
  isQuiet(): boolean {
    return true;
  }
  pause(): void {}
  resume(): void {}
  readInBulk(): void {}
  end(): void {}
  close(): void {}
}

const clock = systemClock;
const upstreamTransport = new Sink();
const connector: Connector = {
  resolve: () => ({ cancel() {} }),
  connect(_target, waiter) {
    waiter.onTransportConnected();
    waiter.onConnected(upstreamTransport);
    return { cancel() {} };
  },
};
const counts = noCounts(1);
const shared = {
  clock,
  deadlines: new Deadlines(clock),
  writer: new OctetWriter(),
  storage: new HeadStorage(),
  counts,
};
const upstream = new LiveUpstream(benchUpstream, {
  ...shared,
  random: systemRandom,
  connector,
  places: localPlaceSource,
  onUnclassified() {},
});
const serving: Serving = {
  revision: 1,
  deployment: 'bench',
  hopName: 'bench',
  stopping: false,
  unrouted: { errorPages: {}, disclosure: 'public' },
  router: createRouter([{ match: benchRoute.match, route: compileRoute(benchRoute, upstream) }]),
};
const batch: RecordBatch = new RecordBatch({
  clock,
  onReady: () => void (batch.take() !== null && batch.acknowledge()),
});
const recorder = new RecordWriter({
  deployment: 'bench',
  member: 'bench',
  processStartedWall: 0,
  worker: 1,
  queryAllowed: [],
  batch,
});
const counters = new ExchangeCounters();
const ports = {
  clock,
  ids: new IdSource(systemRandom),
  recorder: {
    ended(exchange: Exchange): void {
      counters.count(exchange);
      recorder.write(exchange);
    },
  },
};
const limits = {
  headMs: 5000,
  contentMs: 5000,
  keepAliveMs: 75_000,
  writeMs: 5000,
  headOctetsMax: 32_768,
  fieldsMax: 128,
  targetOctetsMax: 16_384,
  contentOctetsMax: null,
  connectionsMax: 10_000,
  connectionsPerAddressMax: null,
  ipv6PrefixBits: 64,
  pipelinedMax: 16,
  headRateMin: 0,
  contentRateMin: 0,
  writeRateMin: 0,
  rateGraceMs: 10_000,
};
const listener = new ListenerConnections(
  { id: 'http', proxyProtocol: false, limits },
  {
    ...shared,
    exchanges: { create: (stream) => new Exchange(stream, serving, ports as never) },
    isTrusted: () => false,
    untaken: { look() {} },
    overload: { failure: null },
    admission: { take: () => '', takeAddress: () => '', giveBack() {}, giveBackAddress() {} },
  },
);
const client = new Sink();
listener.accept(client);

function run(count: number): number {
  const from = process.hrtime.bigint();
  for (let index = 0; index < count; index++) {
    client.listener.onOctets(requestOctets, 0, requestOctets.length);
    upstreamTransport.listener.onOctets(responseOctets, 0, responseOctets.length);
  }
  return Number(process.hrtime.bigint() - from) / count;
}

run(exchanges / 3);
const rounds = [1, 2, 3, 4, 5].map(() => run(exchanges / 5)).sort((a, b) => a - b);
console.log(
  `JavaScript per exchange: ${((rounds[2] ?? 0) / 1000).toFixed(2)} µs (median of 5 rounds, best ${((rounds[0] ?? 0) / 1000).toFixed(2)})`,
);
process.exit(0);
