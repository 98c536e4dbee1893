import type { ClientLimits } from '../../src/core/listener-spec.ts';
import type { BufferSpec, RetrySpec, RouteSpec } from '../../src/core/route-spec.ts';
import type { EndpointState, RouteId, UpstreamId } from '../../src/core/endpoint.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import type { EndedExchange } from '../../src/core/exchange.ts';
import type { Filter } from '../../src/core/filter.ts';
import type { DownstreamHandler, DownstreamStream } from '../../src/core/stream.ts';
import type { ExchangePorts, ServingRevision } from '../../src/exchange/ports.ts';
import type { ExchangeState } from '../../src/exchange/state.ts';
import type { SimulatedClock } from '../../src/testing/simulated-clock.ts';

/**
 * What a test of the exchange says, whatever carries the bytes: a client sends, an endpoint answers, time
 * passes, the record tells. `http1-world.ts` and `stream-world.ts` make it true.
 */
export interface World {
  readonly clock: SimulatedClock;
  readonly records: readonly EndedExchange[];
  readonly options: WorldOptions;
  endpoint(name: string): EndpointActor;
  /** A request on a connection of its own, or of `connection`. */
  request(request: RequestText, options?: ClientOptions): ClientActor;
  /** Time passes. */
  pass(ms: number): void;
  /** Bytes that the gateway itself holds for others, kernels not counted. */
  heldBytes(): number;
  /** Of these, the bytes that count against the allowance for buffers. */
  bufferedBytes(): number;
  /** What must hold when everything has ended. */
  verifyAtRest(): void;
}

export interface RequestText {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whole body, sent with the head. */
  readonly body?: string | Buffer;
  /** Body to come: its length, or chunked. */
  readonly expects?: number | 'chunked';
}

export interface ClientOptions {
  /** A name: requests of one name share a connection, one after the other or pipelined. */
  readonly connection?: string;
  /** Of the client; default: the same for all. */
  readonly address?: string;
  /** Bytes that the client's side takes before it has to read. */
  readonly windowBytes?: number;
}

/** A client, and what it sees of its response. */
export interface ClientActor {
  readonly status: number;
  header(name: string): string | null;
  readonly body: Buffer;
  readonly trailers: ReadonlyMap<string, string>;
  readonly informed: readonly number[];
  readonly state: 'open' | 'whole' | 'cut';
  write(bytes: string | Buffer): void;
  end(trailers?: Readonly<Record<string, string>>): void;
  leave(): void;
  stopReading(): void;
  readOn(): void;
}

/** An endpoint, and the requests that have reached it. */
export interface EndpointActor {
  readonly address: string;
  /** What it does with connections. */
  accepts: 'yes' | 'refuses' | 'never';
  /** Called when a request's head has come. Set it before the request. */
  onRequest: (request: ArrivedRequest) => void;
  readonly arrived: readonly ArrivedRequest[];
  readonly connectionsMade: number;
  /** Closes every connection, as a process does that ends. */
  die(how: 'closed' | 'reset'): void;
  /** What main says of it from now on. */
  setState(state: EndpointState, exit?: InstanceExit | null): void;
}

/** A request as its endpoint sees it, and the endpoint's hand. */
export interface ArrivedRequest {
  readonly method: string;
  readonly target: string;
  header(name: string): string | null;
  readonly body: Buffer;
  readonly trailers: ReadonlyMap<string, string>;
  readonly whole: boolean;
  /** The gateway gave it up. */
  readonly gone: boolean;
  inform(status: number, headers?: Readonly<Record<string, string>>): void;
  /** A whole answer. */
  answer(status: number, body?: string | Buffer, headers?: Readonly<Record<string, string>>): void;
  /** The beginning of one; `length` null: it is not said. */
  head(status: number, length: number | null, headers?: Readonly<Record<string, string>>): void;
  write(bytes: string | Buffer): void;
  end(trailers?: Readonly<Record<string, string>>): void;
  breakOff(how: 'closed' | 'reset'): void;
  stopReading(): void;
  readOn(): void;
  /** Bytes as they are; only where bytes are seen. */
  raw(bytes: string): void;
}

/** Handles one request in place of `Exchange`. */
export type CreateHandler = (
  stream: DownstreamStream,
  serving: ServingRevision,
  ports: ExchangePorts,
) => ExchangeState & DownstreamHandler;

export interface WorldOptions {
  /** Of every route, before those of its action. */
  readonly filters?: readonly Filter[];
  /** Default: `Exchange`. */
  readonly createHandler?: CreateHandler;
  /** The gateway is about to end. */
  readonly stopping?: boolean;
  /** Default: one, 'a'. */
  readonly endpoints?: readonly string[];
  readonly attemptsMax?: number;
  readonly connectionsMax?: number;
  readonly application?: string;
  readonly routes?: readonly Partial<RouteSpec>[];
  /** What no client may send, on any route; default: nothing. */
  readonly headersReserved?: readonly string[];
  readonly limits?: Partial<ClientLimits>;
  readonly timeouts?: Partial<RouteSpec['timeouts']>;
  readonly tunnel?: Partial<RouteSpec['tunnel']>;
  /** Whether all peers are trusted, or which one is. */
  readonly trusted?: boolean | string;
  /** Default: 50, as everywhere. */
  readonly commitDelayMs?: number;
  /** Default: as everywhere. */
  readonly buffer?: Partial<BufferSpec>;
  /** Of every route; default: none. */
  readonly retry?: Partial<RetrySpec>;
  /** Bytes of each endpoint's side before it has to read. */
  readonly endpointWindowBytes?: number;
}

export const defaultLimits: ClientLimits = {
  headMs: 10_000,
  bodyMs: 5_000,
  keepAliveMs: 60_000,
  writeMs: 20_000,
  headBytesMax: 32 * 1024,
  headersMax: 128,
  targetBytesMax: 16 * 1024,
  bodyBytesMax: null,
  connectionsMax: 1000,
  connectionsPerAddressMax: null,
  handshakesPerSecondMax: null,
  ipv6PrefixBits: 64,
  pipelinedMax: 16,
  headRateMin: 0,
  bodyRateMin: 0,
  writeRateMin: 0,
  rateGraceMs: 10_000,
  bufferBytesMax: 134_217_728,
};

const defaultTimeouts: RouteSpec['timeouts'] = {
  dnsMs: 1000,
  connectMs: 1000,
  tlsMs: 1000,
  responseHeadMs: 8000,
  idleMs: 3000,
  exchangeMs: null,
};

export const defaultRetry: RetrySpec = {
  attemptsMax: null,
  statuses: [],
  attemptMs: null,
  backoffMs: 25,
  backoffMaxMs: 250,
  idempotencyKey: false,
  attemptHeaders: false,
  hedge: false,
};

export function routeSpecs(options: WorldOptions): readonly RouteSpec[] {
  const plain: RouteSpec = {
    id: 'all' as RouteId,
    match: { hosts: [], pathPrefix: '/', methods: [] },
    action: { kind: 'upstream', upstream: 'app' as UpstreamId },
    rewrite: { pathPrefix: null, host: 'client' },
    requestHeaders: { remove: [], set: [], add: [] },
    responseHeaders: { remove: [], set: [], add: [] },
    timeouts: { ...defaultTimeouts, ...options.timeouts },
    tunnel: { idleMs: 3_600_000, pingMs: null, ...options.tunnel },
    errorPages: {},
    disclosure: 'operator',
    commitDelayMs: options.commitDelayMs ?? 50,
    buffer: { requestBytesMax: 65_536, requestWaitMs: 50, responseBytesMax: 262_144, ...options.buffer },
  };
  const features = options.retry === undefined ? {} : { retry: { ...defaultRetry, ...options.retry } };
  return (options.routes ?? [{}]).map((route) => ({
    ...plain,
    ...route,
    features: { ...features, ...route.features },
  }));
}
