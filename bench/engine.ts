import { tlsServer } from '../src/transport/tls-server.ts';
import type { RouteSpec } from '../src/core/route-spec.ts';
import type { Connector } from '../src/core/connector.ts';
import { noCounts } from '../src/core/counters.ts';
import { Deadlines } from '../src/core/deadline.ts';
import type { EndedExchange } from '../src/core/exchange.ts';
import { localSemaphoreSource } from '../src/core/local-semaphore.ts';
import type { OtlpSelection, UpstreamSnapshot } from '../src/core/snapshot.ts';
import type { Clock } from '../src/core/time.ts';
import { clientEngines } from '../src/downstream/engines.ts';
import { ListenerConnections } from '../src/downstream/listener.ts';
import { Exchange } from '../src/exchange/exchange.ts';
import { BufferAllowance } from '../src/exchange/buffer-allowance.ts';
import type { ServingRevision } from '../src/exchange/ports.ts';
import { compileRoute } from '../src/worker/compile-route.ts';
import { FeatureParts, routeHooks } from '../src/worker/feature-parts.ts';
import { workerFeatures } from '../src/features/worker.ts';
import { routeHop } from '../src/worker/route-hop.ts';
import { OutcomeCounts } from '../src/worker/outcome-counts.ts';
import { createRouter } from '../src/worker/router.ts';
import { countStaleReuses } from '../src/worker/stale-reuses.ts';
import { systemClock, systemRandom as random } from '../src/system/system.ts';
import { ExchangeCounters } from '../src/record/counters.ts';
import { createRecordRing, createWakeWord, RecordRingReader, RecordRingWriter } from '../src/record/record-ring.ts';
import { OtlpSampler } from '../src/record/otlp-sampler.ts';
import { RecordWriter } from '../src/record/write-record.ts';
import { ConnectionOwners } from '../src/upstream/private-connections.ts';
import { LiveUpstream } from '../src/upstream/upstream.ts';
import { HeadStorage } from '../src/wire/head-storage.ts';
import { ByteWriter } from '../src/wire/byte-writer.ts';
import { IdSource } from '../src/wire/request-id.ts';
import { benchLimits } from './fixtures.ts';
import { TextRedactor } from '../src/redact/text-redactor.ts';

export interface EngineSettings {
  readonly connector: Connector;
  /** Listed in the order in which they are tried. */
  readonly routes: readonly RouteSpec[];
  /** The upstream of the routes. */
  readonly upstream: UpstreamSnapshot;
  readonly isTrusted: (address: string) => boolean;
  /** Writes lines of the record, and then calls `written`. */
  readonly writeLines: (bytes: Uint8Array, written: () => void) => void;
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** What goes to the exporter of OTLP, of which nothing is sent; absent: nothing. */
  readonly otlp?: OtlpSelection;
  /** Called when an exchange begins. */
  readonly onBegun?: (exchange: Exchange) => void;
  /** Called when an exchange has ended and was recorded. */
  readonly onEnded?: (exchange: Exchange) => void;
}

/** The parts of a worker: listener, exchange, router, upstream, pool, record, counters. */
export interface Engine {
  readonly listener: Pick<ListenerConnections, 'accept'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly serving: ServingRevision;
  readonly upstream: LiveUpstream;
  readonly writer: ByteWriter;
  readonly storage: HeadStorage;
  readonly counters: ExchangeCounters;
  readonly outcomes: OutcomeCounts;
  readonly recorder: RecordWriter;
}

/** The engine as it runs in a worker, over any transport, in this thread. */
export function startEngine(settings: EngineSettings): Engine {
  const { clock = systemClock } = settings;
  const writer = new ByteWriter();
  const storage = new HeadStorage();
  const shared = { clock, deadlines: new Deadlines(clock), writer, storage, counts: noCounts(1) };
  const { connector } = settings;
  const owners = new ConnectionOwners();
  const ports = { ...shared, random, connector, semaphores: localSemaphoreSource, owners, onUnclassified() {} };
  const upstream = new LiveUpstream(settings.upstream, ports);
  const serving = { ...servingBy(settings.routes, upstream, ports), sampledShare: settings.otlp?.share ?? null };
  const counters = new ExchangeCounters();
  const outcomes = new OutcomeCounts();
  const lines = new LineWriter(settings.writeLines);
  const exported = settings.otlp === undefined ? null : new LineWriter((_bytes, written) => written());
  const sampler = exported === null ? null : new OtlpSampler(exported.ring, settings.otlp as OtlpSelection);
  const recorder = recorderTo(lines.ring, clock, sampler);
  const { isTrusted, onBegun = null, onEnded = null } = settings;
  const ended = (exchange: EndedExchange): void => {
    counters.count(exchange);
    outcomes.count(exchange);
    if (exchange.attempts.length > 1 || exchange.failure !== null) countStaleReuses(exchange, shared.counts);
    recorder.write(exchange);
    lines.recorded();
    exported?.recorded();
    if (onEnded !== null) onEnded(exchange as Exchange);
  };
  const ids = new IdSource(random);
  const exchangePorts = {
    clock,
    ids,
    recorder: { ended },
    buffers: new BufferAllowance(shared.counts, benchLimits.bufferBytesMax),
  };
  const create = (stream: ConstructorParameters<typeof Exchange>[0]): Exchange => {
    const exchange = new Exchange(stream, serving, exchangePorts);
    if (onBegun !== null) onBegun(exchange);
    return exchange;
  };
  const facts = { id: 'http', proxyProtocol: false, http2: false, tls: null, limits: benchLimits } as const;
  const listener = new ListenerConnections(facts, {
    ...shared,
    ...clientEngines(shared, tlsServer(random)),
    ...admitsAll,
    onHttp2Limit() {},
    onHttp2Error() {},
    onHandshakeFailed() {},
    exchanges: { create },
    isTrusted,
    addressHeader: () => null,
  });
  return { listener, clock, ids, serving, upstream, writer, storage, counters, outcomes, recorder };
}

const admitsAll = {
  sendQueueBytes: { look() {} },
  overload: { failure: null },
  admission: {
    acquire: () => '' as const,
    acquireAddress: () => '' as const,
    handshakeDelayMs: () => 0,
    noteFlood: () => 0,
    noteAbandoned: () => 0,
    delayMs: () => 0,
    hasFlooded: () => false,
    release() {},
    releaseAddress() {},
    tryBeginRefusal: () => null,
    endRefusal() {},
  },
};

function servingBy(
  routes: readonly RouteSpec[],
  upstream: LiveUpstream,
  ports: ConstructorParameters<typeof FeatureParts>[1],
): ServingRevision {
  const features = new FeatureParts(workerFeatures, ports);
  const parts = features.prepare();
  const entries = routes.map((spec) => ({
    match: spec.match,
    route: compileRoute(
      spec,
      spec.action.kind === 'upstream' ? upstream : null,
      undefined,
      routeHooks(parts.of({ kind: 'route', id: spec.id, upstream: null }, spec.features), []),
      routeHop('bench', 'key', spec.id),
    ),
  }));
  features.activate(parts);
  return {
    revision: 1,
    deployment: 'bench',
    hopName: 'bench',
    stopping: false,
    redactor: new TextRedactor(),
    unrouted: { errorPages: {}, disclosure: 'public' },
    router: createRouter(entries),
  };
}

function recorderTo(ring: RecordRingWriter, clock: Clock, exported: OtlpSampler | null): RecordWriter {
  return new RecordWriter({
    exported,
    deployment: 'bench',
    member: 'bench',
    processStartedUnixMs: clock.wallTime(),
    processKey: 'k3f9xa',
    worker: 1,
    queryAllowed: [],
    ring,
  });
}

/** How many records the ring holds easily. */
const recordsPerWrite = 1000;

/** Writes the lines of the ring after every `recordsPerWrite` records, as the logger does ten times a second. */
class LineWriter {
  readonly ring: RecordRingWriter;
  readonly #reader: RecordRingReader;
  readonly #writeLines: EngineSettings['writeLines'];
  #records = 0;

  constructor(writeLines: EngineSettings['writeLines']) {
    const memory = createRecordRing(createWakeWord());
    this.ring = new RecordRingWriter(memory);
    this.#reader = new RecordRingReader(memory);
    this.#writeLines = writeLines;
  }

  recorded(): void {
    this.#records += 1;
    if (this.#records % recordsPerWrite !== 0) return;
    for (const slice of this.#reader.take()) this.#writeLines(slice.bytes, () => this.#reader.release(slice));
  }
}
