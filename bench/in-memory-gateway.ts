import type { RouteSpec } from '../src/core/configuration.ts';
import type { Connector } from '../src/core/connector.ts';
import { noCounts } from '../src/core/counters.ts';
import { Deadlines } from '../src/core/deadline.ts';
import type { EndedExchange } from '../src/core/exchange.ts';
import { localPlaceSource } from '../src/core/local-places.ts';
import type { UpstreamSnapshot } from '../src/core/snapshot.ts';
import type { Clock } from '../src/core/time.ts';
import { ListenerConnections } from '../src/downstream/listener.ts';
import { Exchange } from '../src/exchange/exchange.ts';
import type { Serving } from '../src/exchange/ports.ts';
import { compileRoute } from '../src/gateway/compile-route.ts';
import { OutcomeCounts } from '../src/gateway/outcome-counts.ts';
import { createRouter } from '../src/gateway/router.ts';
import { countStaleReuses } from '../src/gateway/stale-reuses.ts';
import { systemClock, systemRandom } from '../src/gateway/system.ts';
import { createTrust } from '../src/gateway/trust.ts';
import { RecordBatch } from '../src/record/batch.ts';
import { ExchangeCounters } from '../src/record/counters.ts';
import { RecordWriter } from '../src/record/write-record.ts';
import { LiveUpstream } from '../src/upstream/upstream.ts';
import { HeadStorage } from '../src/wire/head-storage.ts';
import { OctetWriter } from '../src/wire/octet-writer.ts';
import { IdSource } from '../src/wire/request-id.ts';
import { CostlessTransport, type Side } from './costless-transport.ts';
import { benchLimits, benchRoute, benchUpstream } from './fixtures.ts';

export interface InMemorySettings {
  /** In the order in which they are tried. */
  readonly routes?: readonly RouteSpec[];
  /** The one that routes lead to. */
  readonly upstream?: UpstreamSnapshot;
  /** Told of each exchange as it begins. */
  readonly onBegun?: (exchange: Exchange) => void;
  /** Told of each exchange as it has ended and been recorded. */
  readonly onEnded?: (exchange: Exchange) => void;
}

/** The clients at this address are trusted: their word on request id and client is taken. */
export const trustedAddress = '10.0.0.1';

/**
 * The engine as it runs in a worker (listener, exchange, router, upstream, pool, record, counters), over transports that
 * cost nothing: what it takes is what our own code takes. Whoever drives it is both ends.
 */
export interface InMemoryGateway {
  /** A client connects. */
  connect(address?: string): CostlessTransport;
  /**
   * A client sends octets. Returns the connection on which they, or what became of them, went to an endpoint; null if nothing
   * did, since the gateway has answered by itself or waits for more.
   */
  send(client: CostlessTransport, octets: Uint8Array): CostlessTransport | null;
  /** An endpoint answers. Returns the connection to an endpoint on which its request was then made again, or null. */
  answer(endpoint: CostlessTransport, octets: Uint8Array): CostlessTransport | null;
  /** A connection to an endpoint is lost: ended by a FIN (null) or by an error. Returns as `answer`. */
  lose(endpoint: CostlessTransport, errno: string | null): CostlessTransport | null;
  /** So many of the next connections to endpoints are refused. */
  refuseNext(connections: number): void;
  /** The parts, for those who measure one by one. */
  readonly parts: InMemoryParts;
}

export interface InMemoryParts {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly serving: Serving;
  readonly upstream: LiveUpstream;
  readonly writer: OctetWriter;
  readonly storage: HeadStorage;
  readonly counters: ExchangeCounters;
  readonly outcomes: OutcomeCounts;
  readonly recorder: RecordWriter;
  readonly isTrusted: (address: string) => boolean;
}

export function startInMemoryGateway(settings: InMemorySettings = {}): InMemoryGateway {
  const { routes = [benchRoute], upstream: upstreamSpec = benchUpstream, onBegun = null, onEnded = null } = settings;
  const clock = systemClock;
  const clients: Side = { written: null };
  const endpoints: Side = { written: null };
  const connector = new CostlessConnector(endpoints);
  const writer = new OctetWriter();
  const storage = new HeadStorage();
  const shared = { clock, deadlines: new Deadlines(clock), writer, storage, counts: noCounts(1) };
  const upstream = new LiveUpstream(upstreamSpec, {
    ...shared,
    random: systemRandom,
    connector,
    places: localPlaceSource,
    onUnclassified() {},
  });
  const entries = routes.map((spec) => {
    return { match: spec.match, route: compileRoute(spec, spec.action.kind === 'upstream' ? upstream : null) };
  });
  const serving: Serving = {
    revision: 1,
    deployment: 'bench',
    hopName: 'bench',
    stopping: false,
    unrouted: { errorPages: {}, disclosure: 'public' },
    router: createRouter(entries),
  };
  const counters = new ExchangeCounters();
  const outcomes = new OutcomeCounts();
  const recorder = recordWriter();
  const ended = (exchange: EndedExchange): void => {
    counters.count(exchange);
    outcomes.count(exchange);
    if (exchange.attempts.length > 1 || exchange.failure !== null) countStaleReuses(exchange, shared.counts);
    recorder.write(exchange);
    if (onEnded !== null) onEnded(exchange as Exchange);
  };
  const ids = new IdSource(systemRandom);
  const ports = { clock, ids, recorder: { ended } };
  const isTrusted = createTrust([trustedAddress]);
  const listener = new ListenerConnections(
    { id: 'http', proxyProtocol: false, limits: benchLimits },
    {
      ...shared,
      exchanges: {
        create(stream) {
          const exchange = new Exchange(stream, serving, ports);
          if (onBegun !== null) onBegun(exchange);
          return exchange;
        },
      },
      isTrusted,
      untaken: { look() {} },
      overload: { failure: null },
      admission: { take: () => '', takeAddress: () => '', giveBack() {}, giveBackAddress() {} },
    },
  );
  let port = 20_000;
  const asked = (): CostlessTransport | null => {
    const { written } = endpoints;
    endpoints.written = null;
    return written;
  };
  return {
    connect(address = '127.0.0.1') {
      const client = new CostlessTransport(clients, address, port++, 8080);
      listener.accept(client);
      return client;
    },
    send(client, octets) {
      client.deliver(octets);
      return asked();
    },
    answer(endpoint, octets) {
      endpoint.deliver(octets);
      return asked();
    },
    lose(endpoint, errno) {
      if (errno === null) endpoint.listener.onEnd();
      else endpoint.listener.onClosed(errno);
      return asked();
    },
    refuseNext(connections) {
      connector.toRefuse = connections;
    },
    parts: { clock, ids, serving, upstream, writer, storage, counters, outcomes, recorder, isTrusted },
  };
}

/** Opens connections at once, and never resolves: addresses in memory are literal. */
class CostlessConnector implements Connector {
  toRefuse = 0;
  readonly #side: Side;
  #port = 40_000;

  constructor(side: Side) {
    this.#side = side;
  }

  readonly resolve: Connector['resolve'] = () => ({ cancel() {} });

  readonly connect: Connector['connect'] = (target, waiter) => {
    if (this.toRefuse > 0) {
      this.toRefuse--;
      waiter.onConnectFailed({ stage: 'connect', code: 'ECONNREFUSED', alertId: null });
    } else {
      const port = target.kind === 'tcp' ? target.port : 0;
      waiter.onTransportConnected();
      waiter.onConnected(new CostlessTransport(this.#side, '127.0.0.1', port, this.#port++));
    }
    return { cancel() {} };
  };
}

/** Writes lines that nobody reads. */
function recordWriter(): RecordWriter {
  const batch: RecordBatch = new RecordBatch({
    clock: systemClock,
    onReady() {
      const lines = batch.take();
      if (lines === null) return;
      batch.acknowledge();
      // As main does when it has written them.
      batch.reuse(lines.octets.buffer as ArrayBuffer);
    },
  });
  return new RecordWriter({
    deployment: 'bench',
    member: 'bench',
    processStartedWall: 0,
    worker: 1,
    queryAllowed: [],
    batch,
  });
}
