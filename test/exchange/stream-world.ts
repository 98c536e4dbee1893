import assert from 'node:assert/strict';
import type { Cancellable, ConnectTarget, ConnectWaiter } from '../../src/core/connector.ts';
import { noCounts, type WorkerCounts } from '../../src/core/counters.ts';
import { Deadlines } from '../../src/core/deadline.ts';
import { type EndpointId, type EndpointState, hostPort } from '../../src/core/endpoint.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import { localSemaphoreSource } from '../../src/core/local-semaphore.ts';
import type { ClientFacts, EndedExchange } from '../../src/core/exchange.ts';
import type { MessageHeaders, Framing } from '../../src/core/message.ts';
import type { PooledConnectionOwner } from '../../src/core/pooled-connection.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../../src/core/snapshot.ts';
import type { Transport } from '../../src/core/transport.ts';
import { after } from '../../src/core/time.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { ownRequestHeaders } from '../../src/exchange/forward.ts';
import { BufferAllowance } from '../../src/exchange/buffer-allowance.ts';
import type { ServingRevision } from '../../src/exchange/ports.ts';
import { workerFeatures } from '../../src/features/worker.ts';
import { compileRoute } from '../../src/worker/compile-route.ts';
import { FeatureParts, routeHooks } from '../../src/worker/feature-parts.ts';
import { routeHop } from '../../src/worker/route-hop.ts';
import { subrequests } from '../../src/worker/subrequests.ts';
import type { AskUpstream } from '../../src/core/subrequest.ts';
import { createRouter } from '../../src/worker/router.ts';
import {
  MemoryClientStream,
  MemoryEndpointConnection,
  type MemoryEndpointStream,
} from '../../src/testing/memory-streams.ts';
import { PairHeaders } from '../../src/core/pair-headers.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import type { UpstreamPorts } from '../../src/upstream/ports.ts';
import { ConnectionOwners } from '../../src/upstream/private-connections.ts';
import { LiveUpstream } from '../../src/upstream/upstream.ts';
import { ByteWriter } from '../../src/wire/byte-writer.ts';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import { IdSource } from '../../src/wire/request-id.ts';
import {
  type ArrivedRequest,
  type ClientActor,
  type ClientOptions,
  defaultLimits,
  type EndpointActor,
  type RequestText,
  routeSpecs,
  type World,
  type WorldOptions,
} from './world.ts';
import { TextRedactor } from '../../src/redact/text-redactor.ts';

export interface StreamSettings {
  /** Streams that a connection to an endpoint carries at the same time; default: 100. */
  readonly streamsMax?: number;
  /** Requests that may wait for a stream, for 2 s; default: none. */
  readonly queueMax?: number;
}

/** The exchange between streams in memory: no byte of HTTP/1 anywhere, many requests on one connection, the pool as it is. */
export class StreamWorld implements World {
  readonly clock = new SimulatedClock();
  readonly records: EndedExchange[] = [];
  readonly counts: WorkerCounts = noCounts(0);
  readonly options: WorldOptions;
  readonly settings: StreamSettings;
  readonly upstream: LiveUpstream;
  readonly features: FeatureParts;
  readonly #endpoints = new Map<string, StreamEndpoint>();
  readonly #clients: MemoryClientStream[] = [];
  readonly #serving: ServingRevision;
  readonly #ids = new IdSource(new SeededRandom('world'));
  readonly #buffers: BufferAllowance;

  constructor(options: WorldOptions = {}, settings: StreamSettings = {}) {
    this.options = options;
    this.settings = settings;
    for (const name of options.endpoints ?? ['a']) {
      this.#endpoints.set(name, new StreamEndpoint(`10.0.0.${this.#endpoints.size + 1}`, this));
    }
    this.#buffers = new BufferAllowance(this.counts, { ...defaultLimits, ...options.limits }.bufferBytesMax);
    this.upstream = new LiveUpstream(this.#upstreamSpec(), this.#upstreamPorts());
    const { upstream } = this;
    const features = new FeatureParts(workerFeatures, { ...this.#upstreamPorts(), ask: this.ask });
    this.features = features;
    const parts = features.prepare();
    const entries = routeSpecs(options).map((spec) => {
      const hooks = routeHooks(parts.of({ kind: 'route', id: spec.id, upstream: 'app' }, spec.features), []);
      const compiled = compileRoute(
        spec,
        spec.action.kind === 'upstream' ? upstream : null,
        ownRequestHeaders(null, options.headersReserved),
        { ...hooks, filters: [...hooks.filters, ...(options.filters ?? [])] },
        routeHop('edge', 'key', spec.id),
      );
      return { match: spec.match, route: compiled };
    });
    features.activate(parts);
    this.#serving = {
      revision: 7,
      deployment: 'edge',
      hopName: 'edge',
      stopping: options.stopping ?? false,
      redactor: new TextRedactor(),
      router: createRouter(entries),
      unrouted: { errorPages: {}, disclosure: 'public' },
    };
  }

  #upstreamPorts(): UpstreamPorts {
    const { clock, counts } = this;
    return {
      ...{ clock, counts, deadlines: new Deadlines(clock), random: new SeededRandom('balancer') },
      connector: { resolve: () => assert.fail('no name is looked up'), connect: (...given) => this.#connect(...given) },
      semaphores: localSemaphoreSource,
      writer: new ByteWriter(),
      storage: new HeadStorage(),
      onUnclassified: ({ code }) => assert.fail(code),
      owners: new ConnectionOwners(),
      createConnection: (_, { address }, __, owner) => this.#endpointAt(address).connection(owner),
    };
  }

  #connect(target: ConnectTarget, waiter: ConnectWaiter): Cancellable {
    const address = target.kind === 'tcp' ? hostPort(target.address, target.port) : target.path;
    const { accepts } = this.#endpointAt(address);
    return this.clock.schedule(after(this.clock.now(), 1), begin, () => {
      if (accepts === 'refuses')
        return waiter.onConnectFailed({ stage: 'connect', code: 'ECONNREFUSED', alertId: null });
      if (accepts === 'never') return;
      waiter.onTransportConnected();
      waiter.onConnected({ facts: { tls: null }, close() {} } as unknown as Transport); // Connections in memory have none.
    });
  }

  #upstreamSpec(): UpstreamSnapshot {
    const { attemptsMax = 2, connectionsMax = 100, application = null } = this.options;
    return {
      ...{ id: 'app', application, tls: null, attemptsMax, connectionsMax, connectionReuse: 'always' },
      ...{ idleConnectionsMax: 10, idleConnectionMs: 30_000, responseHeadBytesMax: 32 * 1024 },
      ...{ queueMax: this.settings.queueMax ?? 0, queueMs: 2000 },
      endpoints: [...this.#endpoints.values()].map((endpoint) => endpoint.snapshot()),
    } as unknown as UpstreamSnapshot;
  }

  /** Main has sent a change. */
  changed(): void {
    this.upstream.updateEndpoints(this.#upstreamSpec().endpoints);
  }

  #endpointAt(address: string): StreamEndpoint {
    const found = [...this.#endpoints.values()].find((endpoint) => endpoint.address === address);
    return found ?? assert.fail(`no endpoint listens at ${address}`);
  }

  endpoint(name: string): StreamEndpoint {
    return this.#endpoints.get(name) ?? assert.fail(`no endpoint ${name}`);
  }

  request(request: RequestText, { windowBytes }: ClientOptions = {}): ClientActor {
    const { method = 'GET', target = '/', headers = {}, body, expects } = request;
    const framing = framingOf(body === undefined ? expects : Buffer.byteLength(body));
    const { bodyMs } = { ...defaultLimits, ...this.options.limits };
    const stream = new MemoryClientStream(
      {
        ...{ method, target, authority: 'example.org', headers: Object.entries(headers), framing },
        takesTrailers: headers['te'] === 'trailers',
      },
      {
        clock: this.clock,
        client: this.#clientFacts(),
        bodyMs,
        ...(windowBytes === undefined ? {} : { windowBytes }),
      },
    );
    this.#clients.push(stream);
    const ports = {
      clock: this.clock,
      ids: this.#ids,
      recorder: { ended: (ended: EndedExchange) => void this.records.push(ended) },
      buffers: this.#buffers,
    };
    const create = this.options.createHandler ?? ((...given) => new Exchange(...given));
    this.clock.schedule(this.clock.now(), begin, () => stream.begin(create(stream, this.#serving, ports)));
    const client = new StreamClient(stream);
    if (body !== undefined) {
      client.write(body);
      client.end();
    }
    return client;
  }

  #clientFacts(): ClientFacts {
    const address = '192.0.2.7';
    const trusted = this.options.trusted === true;
    const scheme = 'http';
    return {
      address,
      port: 50_000,
      peerAddress: address,
      trusted,
      scheme,
      peerScheme: scheme,
      tls: null,
      connection: { localAddress: '192.0.2.100', localPort: 8080 },
      listener: 'web',
      recordCache: null,
    };
  }

  /** A request of the gateway's own at the upstream. */
  readonly ask: AskUpstream = subrequests({
    clock: this.clock,
    exchangePorts: () => ({
      ...{ clock: this.clock, ids: this.#ids, buffers: this.#buffers },
      recorder: { ended: (ended) => void this.records.push(ended) },
    }),
    current: () => this.#serving,
    upstream: (id) => (id === 'app' ? this.upstream : null),
  });

  get clientFacts(): ClientFacts {
    return this.#clientFacts();
  }

  pass(ms: number): void {
    this.clock.advanceSync(ms);
  }

  bufferedBytes(): number {
    return this.counts.bufferedRequestBytes + this.counts.bufferedResponseBytes;
  }

  heldBytes(): number {
    const endpoints = [...this.#endpoints.values()];
    const streams = [...this.#clients, ...endpoints.flatMap(({ streams: some }) => some)];
    return streams.reduce((sum, { heldBytes }) => sum + heldBytes, this.bufferedBytes());
  }

  verifyAtRest(): void {
    assert.equal(this.records.length, this.#clients.length, 'every exchange is recorded');
    assert.equal(this.bufferedBytes(), 0, 'nothing is left in a buffer');
    assert.equal(new Set(this.records).size, this.records.length, 'no exchange is recorded twice');
    const connections = [...this.#endpoints.values()].flatMap((endpoint) => endpoint.connections);
    for (const { streamsOpen } of connections) assert.equal(streamsOpen, 0, 'no stream is left open');
    const open = connections.filter(({ isClosed }) => !isClosed).length;
    assert.equal(this.counts.upstreamConnections, open, 'the connections that are open are counted');
    assert.equal(this.counts.upstreamConnectionsIdle, open, 'and all of them are idle');
    assert.ok(this.clock.timersLive <= open + 1, 'no timer is left but those of idle connections, and one sweep');
    for (const client of this.#clients) assert.notEqual(client.state, 'open', 'every client has its end');
  }
}

function begin(what: () => void): void {
  what();
}

function framingOf(expects: number | 'chunked' | undefined): Framing {
  if (expects === undefined) return { kind: 'none' };
  return expects === 'chunked' ? { kind: 'chunked' } : { kind: 'length', bytes: expects };
}

class StreamClient implements ClientActor {
  readonly #stream: MemoryClientStream;
  #sent = 0;

  constructor(stream: MemoryClientStream) {
    this.#stream = stream;
  }

  get status(): number {
    return this.#stream.response?.status ?? 0;
  }

  header(name: string): string | null {
    const { response } = this.#stream;
    // What HTTP/1 says in a header, a stream's head says as such.
    if (name === 'content-length' && response?.framing.kind === 'length') return String(response.framing.bytes);
    return response?.headers.get(name) ?? null;
  }

  get body(): Buffer {
    return Buffer.concat(this.#stream.body);
  }

  get trailers(): ReadonlyMap<string, string> {
    return mapOf(this.#stream.trailers);
  }

  get informed(): readonly number[] {
    const { informed, request, wanted } = this.#stream;
    const told = wanted && request.headers.has('expect') ? [100] : [];
    return [...told, ...informed.map(({ status }) => status)];
  }

  get state(): ClientActor['state'] {
    return this.#stream.state;
  }

  write(bytes: string | Buffer): void {
    const all = Buffer.from(bytes);
    this.#stream.write(all);
    this.#sent += all.length;
    const { framing } = this.#stream.request;
    if (framing.kind === 'length' && this.#sent >= framing.bytes) this.#stream.end();
  }

  end(trailers: Readonly<Record<string, string>> = {}): void {
    const pairs = Object.entries(trailers);
    this.#stream.end(pairs.length === 0 ? null : new PairHeaders(pairs));
  }

  leave(): void {
    this.#stream.leave();
  }

  stopReading(): void {
    this.#stream.stopReading();
  }

  readOn(): void {
    this.#stream.readOn();
  }
}

class StreamEndpoint implements EndpointActor {
  readonly address: string;
  accepts: EndpointActor['accepts'] = 'yes';
  onRequest: (request: ArrivedRequest) => void = () => {};
  readonly arrived: StreamArrived[] = [];
  readonly connections: MemoryEndpointConnection[] = [];
  readonly streams: MemoryEndpointStream[] = [];
  state: EndpointState = 'healthy';
  exit: InstanceExit | null = null;
  readonly #host: string;
  readonly #world: StreamWorld;

  constructor(host: string, world: StreamWorld) {
    this.#host = host;
    this.address = hostPort(host, 3000);
    this.#world = world;
  }

  get connectionsMade(): number {
    return this.connections.length;
  }

  snapshot(): EndpointSnapshot {
    const { state, exit } = this;
    const address = { kind: 'tcp', host: this.#host, port: 3000 } as const;
    const id = this.#host as EndpointId;
    return { id, address, state, exit, reason: `it was set to ${state}`, sinceInstant: 0, checks: null, release: null };
  }

  connection(owner: PooledConnectionOwner): MemoryEndpointConnection {
    const { clock, options, settings } = this.#world;
    const { endpointWindowBytes: windowBytes } = options;
    const { address } = this;
    const given = {
      clock,
      address,
      streamsMax: settings.streamsMax ?? 100,
      ...(windowBytes === undefined ? {} : { windowBytes }),
    };
    const connection = new MemoryEndpointConnection({ ...given, onRequest: (stream) => this.#arrived(stream) }, owner);
    this.connections.push(connection);
    return connection;
  }

  #arrived(stream: MemoryEndpointStream): void {
    const request = new StreamArrived(stream);
    this.streams.push(stream);
    this.arrived.push(request);
    this.onRequest(request);
  }

  die(_how: 'closed' | 'reset'): void {
    for (const connection of this.connections) connection.lose();
  }

  setState(state: EndpointState, exit: InstanceExit | null = null): void {
    this.state = state;
    this.exit = exit;
    this.#world.changed();
  }
}

class StreamArrived implements ArrivedRequest {
  readonly #stream: MemoryEndpointStream;

  constructor(stream: MemoryEndpointStream) {
    this.#stream = stream;
  }

  get method(): string {
    return this.#stream.request?.method ?? '';
  }

  get target(): string {
    return this.#stream.request?.target ?? '';
  }

  header(name: string): string | null {
    return this.#stream.request?.headers.get(name) ?? null;
  }

  get body(): Buffer {
    return Buffer.concat(this.#stream.body);
  }

  get trailers(): ReadonlyMap<string, string> {
    return mapOf(this.#stream.requestTrailers);
  }

  get whole(): boolean {
    return this.#stream.requestWhole;
  }

  get gone(): boolean {
    return this.#stream.cancelled;
  }

  inform(status: number, headers: Readonly<Record<string, string>> = {}): void {
    this.#stream.inform(status, Object.entries(headers));
  }

  answer(status: number, body: string | Buffer = '', headers: Readonly<Record<string, string>> = {}): void {
    const bytes = Buffer.from(body);
    const bare = this.method === 'HEAD' || status === 204 || status === 304;
    this.#stream.respond(
      status,
      Object.entries(headers),
      bare ? { kind: 'none' } : { kind: 'length', bytes: bytes.length },
    );
    if (!bare) this.#stream.write(bytes);
    this.#stream.end();
  }

  head(status: number, length: number | null, headers: Readonly<Record<string, string>> = {}): void {
    const framing: Framing = length === null ? { kind: 'chunked' } : { kind: 'length', bytes: length };
    this.#length = length;
    this.#stream.respond(status, Object.entries(headers), framing);
  }

  #length: number | null = null;
  #written = 0;

  write(bytes: string | Buffer): void {
    const all = Buffer.from(bytes);
    this.#written += all.length;
    this.#stream.write(all);
    if (this.#length !== null && this.#written >= this.#length) this.#stream.end();
  }

  end(trailers: Readonly<Record<string, string>> = {}): void {
    const pairs = Object.entries(trailers);
    this.#stream.end(pairs.length === 0 ? null : new PairHeaders(pairs));
  }

  breakOff(_how: 'closed' | 'reset'): void {
    this.#stream.reset();
  }

  stopReading(): void {
    this.#stream.stopReading();
  }

  readOn(): void {
    this.#stream.readOn();
  }

  raw(): void {
    assert.fail('streams carry messages, not bytes');
  }
}

function mapOf(headers: MessageHeaders | null): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  headers?.each((name, value) => void map.set(name, value));
  return map;
}
