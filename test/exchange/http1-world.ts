import { tlsServer } from '../../src/transport/tls-server.ts';
import { systemRandom } from '../../src/system/system.ts';
import assert from 'node:assert/strict';
import type { BalanceSpec, ConcurrencySpec, ConnectionReuse } from '../../src/core/upstream-spec.ts';
import type { Cancellable, Connector, ConnectTarget, ConnectWaiter, ResolveWaiter } from '../../src/core/connector.ts';
import { noCounts, type WorkerCounts } from '../../src/core/counters.ts';
import { Deadlines } from '../../src/core/deadline.ts';
import { localSemaphoreSource } from '../../src/core/local-semaphore.ts';
import type { SemaphoreSource, SemaphoreHandle } from '../../src/core/semaphores.ts';
import { addressText, type EndpointState } from '../../src/core/endpoint.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import type { EndedExchange } from '../../src/core/exchange.ts';
import type { Http2LimitReached } from '../../src/core/http2-limit.ts';
import type { Failure } from '#failures/failure.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../../src/core/snapshot.ts';
import { after, type Clock } from '../../src/core/time.ts';
import type { DownstreamHandler, DownstreamStream } from '../../src/core/stream.ts';
import type { LocalAddress, Transport } from '../../src/core/transport.ts';
import type { SendQueueBytes } from '../../src/core/send-queue-bytes.ts';
import { clientEngines } from '../../src/downstream/engines.ts';
import type { PrefaceStage } from '../../src/downstream/preface-stage.ts';
import { ListenerConnections } from '../../src/downstream/listener.ts';
import { ownRequestHeaders } from '../../src/exchange/forward.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { BufferAllowance } from '../../src/exchange/buffer-allowance.ts';
import type { ExchangePorts, ServingRevision } from '../../src/exchange/ports.ts';
import type { ExchangeState } from '../../src/exchange/state.ts';
import { compileRoute } from '../../src/worker/compile-route.ts';
import { routeHop } from '../../src/worker/route-hop.ts';
import { concurrencyName } from '../../src/features/concurrency/settings.ts';
import { workerFeatures } from '../../src/features/worker.ts';
import { FeatureParts, routeHooks } from '../../src/worker/feature-parts.ts';
import { createRouter } from '../../src/worker/router.ts';
import {
  createTransportPair,
  type MemoryTransport,
  type TransportPairOptions,
} from '../../src/testing/memory-transport.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import type { CreateBalancer } from '../../src/policy/balancer.ts';
import type { AroundBalancer, OuterBalancer } from '../../src/policy/balancer.ts';
import { ConnectionOwners } from '../../src/upstream/private-connections.ts';
import { LiveUpstream } from '../../src/upstream/upstream.ts';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import { ByteWriter } from '../../src/wire/byte-writer.ts';
import { IdSource } from '../../src/wire/request-id.ts';
import { Http1Reader, type ReadMessage } from './http1-reader.ts';
import { Http2Line } from './http2-client.ts';
import { Http2EndpointLine } from './http2-endpoint.ts';
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
import { openAdmission } from '../fakes/open-admission.ts';

/** What the simulation adds: every connection may be cut up, slow and faulty in its own way. */
export interface Http1Settings {
  /** Why new requests are refused while `failure` is not null. */
  readonly overload?: { failure: Failure | null };
  /** Refuses requests of routes by their priority; absent: it refuses none. */
  readonly load?: NonNullable<ExchangePorts['load']>;
  /** Whether the clients' addresses have flooded the gateway not long ago. */
  readonly hasFlooded?: () => boolean;
  /** How long the address of a client waits that has left these many requests behind. */
  readonly noteAbandoned?: (address: string, count: number) => number;
  /** What clients speak; default: HTTP/1.1. */
  readonly clients?: 'http/1.1' | 'h2';
  /** Whether clients of HTTP/2 speak HTTP/1.1 too; default: no. */
  readonly offersHttp1?: boolean;
  /** What endpoints speak; default: HTTP/1.1. */
  endpoints?: 'http/1.1' | 'h2';
  readonly pairOptions?: (side: 'client' | 'endpoint') => Partial<TransportPairOptions>;
  readonly connectMs?: (address: string) => number;
  readonly connectFault?: (address: string) => string | null;
  /** Called at steps of our own code; where it throws, we have a defect. */
  readonly onStep?: () => void;
  /** What stands between the gateway and its world: each may be wrapped, so that it fails. The actors keep the real ones. */
  readonly gatewayClock?: (clock: Clock) => Clock;
  readonly gatewayTransport?: (transport: MemoryTransport, side: 'client' | 'endpoint') => Transport;
  readonly gatewayConnector?: (connector: Connector) => Connector;
  readonly storage?: HeadStorage;
  /** How many long-lived connections an endpoint may have; default: as everywhere. */
  readonly longLivedMax?: number;
  /** How many may wait for a connection, for 2 s; default: nobody. */
  readonly queueMax?: number;
  /** Where connections are counted, with those of other worlds. */
  readonly semaphores?: SemaphoreSource;
  readonly semaphoresOf?: (endpoint: string) => SemaphoreHandle;
  /** Whether connections to endpoints serve more than one request; default: always. */
  readonly reuse?: ConnectionReuse;
  /** Endpoints have a name that is looked up, and TLS is spoken with them (in clear: the bytes are the tests' own). */
  readonly named?: boolean;
  readonly tls?: boolean;
  readonly balance?: BalanceSpec;
  /** How long connections to endpoints may be idle. */
  readonly idleConnectionMs?: number;
  readonly balancer?: OuterBalancer;
  readonly priorityBalancer?: AroundBalancer;
  /** Of the upstream. */
  readonly concurrency?: ConcurrencySpec;
  /** Requests in flight at each endpoint. */
  readonly requestsMax?: number;
  readonly whenNoneReady?: UpstreamSnapshot['whenNoneReady'];
  readonly triesUnhealthy?: true;
  readonly balancerOf?: () => CreateBalancer;
  /** What else main says of an endpoint, such as its weight. */
  readonly endpointChanges?: (name: string) => Partial<EndpointSnapshot>;
}

/** The real engine on both sides, over transports in memory, in simulated time. */
export class Http1World implements World {
  readonly clock: SimulatedClock;
  readonly records: EndedExchange[] = [];
  readonly counts: WorkerCounts = noCounts(0);
  readonly created: ExchangeState[] = [];
  readonly unclassified: string[] = [];
  readonly writer = new ByteWriter();
  readonly settings: Http1Settings;
  readonly options: WorldOptions;
  readonly features: FeatureParts;
  readonly lines = new Map<string, ClientLine>();
  readonly http2Lines = new Map<string, Http2Line>();
  /** The errors with which the gateway ended connections of clients. */
  readonly http2Errors: string[] = [];
  /** The limits that clients reached, each with how long their address waits. */
  readonly http2Limits: string[] = [];
  /** The gateway's end of every connection there was. */
  readonly gatewayEnds: MemoryTransport[] = [];
  readonly upstream: LiveUpstream;
  readonly #endpoints = new Map<string, Http1Endpoint>();
  #recordedTooLate = false;
  readonly #listener: ListenerConnections;
  #lineNumber = 0;

  constructor(options: WorldOptions = {}, settings: Http1Settings = {}, clock = new SimulatedClock()) {
    this.clock = clock;
    this.options = options;
    this.settings = settings;
    for (const name of options.endpoints ?? ['a']) {
      this.#endpoints.set(name, new Http1Endpoint(name, `10.0.0.${this.#endpoints.size + 1}`, this));
    }
    const random = new SeededRandom('world');
    const gatewayClock = settings.gatewayClock?.(clock) ?? clock;
    const shared = {
      clock: gatewayClock,
      deadlines: new Deadlines(gatewayClock),
      writer: this.writer,
      storage: settings.storage ?? new HeadStorage(),
      counts: this.counts,
    };
    this.#stepThrough();
    const owners = new ConnectionOwners();
    const onUnclassified = ({ code }: { code: string }): void => void this.unclassified.push(code);
    const upstreamPorts = {
      ...shared,
      random,
      connector: settings.gatewayConnector?.(this.#connector()) ?? this.#connector(),
      semaphores: settings.semaphores ?? localSemaphoreSource,
      onUnclassified,
      ...(settings.longLivedMax === undefined ? {} : { longLivedMax: settings.longLivedMax }),
      owners,
      ...(settings.balancerOf === undefined ? {} : { balancerOf: settings.balancerOf }),
    };
    this.upstream = new LiveUpstream(this.#upstreamSpec(), upstreamPorts, settings.balancer, settings.priorityBalancer);
    this.features = new FeatureParts(workerFeatures, {
      ...shared,
      random,
      semaphores: settings.semaphores ?? localSemaphoreSource,
    });
    const serving = this.#serving();
    const ports = {
      clock: gatewayClock,
      ids: new IdSource(random),
      recorder: {
        ended: (exchange: EndedExchange) => {
          this.records.push(exchange);
          this.settings.onStep?.();
        },
      },
      ...(settings.load === undefined ? {} : { load: settings.load }),
      buffers: new BufferAllowance(this.counts, { ...defaultLimits, ...options.limits }.bufferBytesMax),
    };
    const create = (stream: DownstreamStream): ExchangeState & DownstreamHandler => {
      const exchange = options.createHandler?.(stream, serving, ports) ?? new Exchange(stream, serving, ports);
      this.created.push(exchange);
      return exchange;
    };
    const facts = {
      id: 'web',
      proxyProtocol: false,
      http2: settings.clients === 'h2',
      tls: null,
      limits: { ...defaultLimits, ...options.limits },
    };
    const isTrusted = (address: string): boolean => options.trusted === true || options.trusted === address;
    const { prefaceStages, engines } = clientEngines(shared, tlsServer(systemRandom));
    const offers: PrefaceStage = {
      rule: 'request-line',
      bytesMax: 0,
      read(connection) {
        connection.offersHttp1 = settings.offersHttp1 === true;
        return 0;
      },
    };
    const downstream = {
      ...shared,
      prefaceStages: [offers, ...prefaceStages],
      engines,
      onHandshakeFailed: () => {},
      onHttp2Limit: ({ limit, delayMs }: Http2LimitReached) => void this.http2Limits.push(`${limit} ${delayMs}`),
      onHttp2Error: (_: string, code: string) => void this.http2Errors.push(code),
      exchanges: { create },
      isTrusted,
      addressHeader: () => null,
      onClientClosed: (client: LocalAddress) => owners.onClosed(client),
      sendQueueBytes: nothingKnown(gatewayClock),
      overload: settings.overload ?? { failure: null },
      admission: {
        ...openAdmission,
        hasFlooded: settings.hasFlooded ?? (() => false),
        noteAbandoned: settings.noteAbandoned ?? (() => 0),
      },
    };
    this.#listener = new ListenerConnections(facts, downstream, () => this.#connectionClosed());
  }

  #serving(): ServingRevision {
    const routes = routeSpecs(this.options);
    const { concurrency } = this.settings;
    const ofUpstream = concurrency === undefined ? {} : { [concurrencyName]: { bound: concurrency } };
    const parts = this.features.prepare();
    const entries = routes.map((spec) => {
      const upstream = spec.action.kind === 'upstream' ? this.upstream : null;
      const hooks = routeHooks(
        parts.of({ kind: 'route', id: spec.id, upstream: 'app' }, spec.features),
        parts.of({ kind: 'upstream', id: 'app', upstream: 'app' }, ofUpstream),
      );
      const compiled = compileRoute(
        spec,
        upstream,
        ownRequestHeaders(null, this.options.headersReserved),
        { ...hooks, filters: [...hooks.filters, ...(this.options.filters ?? [])] },
        routeHop('edge', 'key', spec.id),
      );
      return { match: spec.match, route: compiled };
    });
    this.features.activate(parts);
    const router = createRouter(entries);
    const route: typeof router.route = (request) => {
      this.settings.onStep?.();
      return router.route(request);
    };
    return {
      revision: 7,
      deployment: 'edge',
      hopName: 'edge',
      stopping: this.options.stopping ?? false,
      redactor: new TextRedactor(),
      router: { route },
      unrouted: { errorPages: {}, disclosure: 'public' },
    };
  }

  /** What is composed, sent and chosen are steps too. */
  #stepThrough(): void {
    const { onStep } = this.settings;
    if (onStep === undefined) return;
    const { writer } = this;
    const text = writer.text.bind(writer);
    const flush = writer.flush.bind(writer);
    writer.text = (written) => {
      onStep();
      text(written);
    };
    writer.flush = (composer) => {
      onStep();
      return flush(composer);
    };
  }

  #upstreamSpec(): UpstreamSnapshot {
    const { attemptsMax = 2, connectionsMax = 128, application = null } = this.options;
    return {
      id: 'app',
      application,
      tls: this.settings.tls === true ? { serverName: 'app.test', verify: true, ca: null } : null,
      idleConnectionsMax: 10,
      idleConnectionMs: this.settings.idleConnectionMs ?? 30_000,
      connectionReuse: this.settings.reuse ?? 'always',
      connectionsMax,
      queueMax: this.settings.queueMax ?? 0,
      queueMs: 2000,
      attemptsMax,
      responseHeadBytesMax: 32 * 1024,
      ...(this.settings.triesUnhealthy === undefined ? {} : { triesUnhealthy: this.settings.triesUnhealthy }),
      ...(this.settings.requestsMax === undefined ? {} : { requestsMax: this.settings.requestsMax }),
      ...(this.settings.whenNoneReady === undefined ? {} : { whenNoneReady: this.settings.whenNoneReady }),
      ...(this.settings.balance === undefined ? {} : { balance: this.settings.balance }),
      ...(this.settings.endpoints === 'h2' ? { protocol: 'http2' } : {}),
      endpoints: [...this.#endpoints.values()].map((endpoint) => this.#withSemaphores(endpoint.snapshot())),
    } as unknown as UpstreamSnapshot;
  }

  #withSemaphores(endpoint: EndpointSnapshot): EndpointSnapshot {
    const { semaphoresOf } = this.settings;
    return semaphoresOf === undefined ? endpoint : { ...endpoint, semaphores: semaphoresOf(endpoint.id) };
  }

  /** Main has told of a change. */
  changed(): void {
    this.upstream.updateEndpoints(this.#upstreamSpec().endpoints);
  }

  /** A reload has changed the upstream: whether connections serve more than one request. */
  changedReuse(connectionReuse: ConnectionReuse): void {
    this.upstream.update({ ...this.#upstreamSpec(), connectionReuse });
  }

  /** A reload has changed how endpoints are to be spoken to. */
  changedTls(tls: UpstreamSnapshot['tls']): void {
    this.upstream.update({ ...this.#upstreamSpec(), tls });
  }

  #connector(): Connector {
    return {
      resolve: (name, waiter) => this.#resolve(name, waiter),
      connect: (target, waiter) => {
        const attempt = new Connecting(target, waiter, this);
        attempt.begin();
        return attempt;
      },
    };
  }

  #resolve(name: string, waiter: ResolveWaiter): Cancellable {
    const host = this.endpoint(name.replace('.test', '')).host;
    const { clock } = this;
    const timer = clock.schedule(after(clock.now(), 1), settle, () => waiter.onResolved([host]));
    return { cancel: () => timer.cancel() };
  }

  endpointAt(address: string): Http1Endpoint {
    const found = [...this.#endpoints.values()].find((endpoint) => endpoint.address === address);
    return found ?? assert.fail(`nobody lives at ${address}`);
  }

  endpoint(name: string): Http1Endpoint {
    return this.#endpoints.get(name) ?? assert.fail(`no endpoint ${name}`);
  }

  request(request: RequestText, options: ClientOptions = {}): ClientActor {
    const name = options.connection ?? `own ${++this.#lineNumber}`;
    if (this.settings.clients === 'h2') return this.#http2Line(name, options).request(request);
    let line = this.lines.get(name);
    if (line === undefined) {
      line = this.#open(options);
      this.lines.set(name, line);
    }
    return line.request(request);
  }

  #http2Line(name: string, { windowBytes, address }: ClientOptions): Http2Line {
    const known = this.http2Lines.get(name);
    if (known !== undefined) return known;
    const { client, accept } = this.#pair(windowBytes === undefined ? {} : { windowBytes }, address);
    const line = new Http2Line(client, this.clock);
    this.http2Lines.set(name, line);
    accept();
    return line;
  }

  #open({ windowBytes, address }: ClientOptions): ClientLine {
    const { client, accept } = this.#pair(windowBytes === undefined ? {} : { windowBytes }, address);
    const line = new ClientLine(client);
    accept();
    return line;
  }

  /** A connection of a client that sends what it likes, with the port by which its exchanges know it. */
  connect(address?: string): { readonly client: MemoryTransport; readonly port: number } {
    this.#lineNumber++;
    const { client, port, accept } = this.#pair({}, address);
    accept();
    return { client, port };
  }

  #pair(
    options: Partial<TransportPairOptions>,
    remoteAddress = '192.0.2.7',
  ): { client: MemoryTransport; port: number; accept: () => void } {
    const port = 50_000 + this.#lineNumber;
    const [client, gateway] = createTransportPair({
      clock: this.clock,
      ...options,
      facts: { second: { remoteAddress, remotePort: port, localPort: 8080 } },
      ...this.settings.pairOptions?.('client'),
    });
    this.gatewayEnds.push(gateway);
    const seen = this.settings.gatewayTransport?.(gateway, 'client') ?? gateway;
    return { client, port, accept: () => this.#listener.accept(seen) };
  }

  /** A worker that drains ends with its last connection: whatever is recorded later is recorded nowhere. */
  #connectionClosed(): void {
    const isLast = this.#listener.size === 0 && this.counts.exchangesActive === 0;
    if (isLast && this.records.length < this.created.length) this.#recordedTooLate = true;
  }

  /** The listener ends its tunnels, as it does when it drains. */
  endTunnels(failure: Failure): void {
    this.#listener.endTunnels(failure);
  }

  /** The listener drains: connections end with their requests. */
  closeIdle(): void {
    this.#listener.announceClose();
    this.#listener.closeIdle();
  }

  /** The time of the drain is over. */
  forceClose(failure: Failure): void {
    this.#listener.forceClose(failure);
  }

  pass(ms: number): void {
    this.clock.advanceSync(ms);
  }

  bufferedBytes(): number {
    return this.counts.bufferedRequestBytes + this.counts.bufferedResponseBytes;
  }

  heldBytes(): number {
    return this.gatewayEnds.reduce(
      (sum, transport) => sum + (transport.closed ? 0 : transport.pendingBytes),
      this.bufferedBytes(),
    );
  }

  verifyAtRest(): void {
    assert.equal(this.records.length, this.created.length, 'every exchange is recorded');
    if (this.settings.onStep === undefined) assert.ok(!this.#recordedTooLate, 'before its connection is gone');
    assert.equal(new Set(this.records).size, this.records.length, 'no exchange is recorded twice');
    assert.equal(this.counts.exchangesActive, 0, 'no exchange is counted as active');
    assert.equal(this.bufferedBytes(), 0, 'nothing is left in a buffer');
    assert.equal(
      this.counts.upstreamConnections,
      this.counts.upstreamConnectionsIdle,
      'connections to endpoints are idle',
    );
    const open = this.gatewayEnds.filter((transport) => !transport.closed).length;
    assert.equal(
      open,
      this.counts.upstreamConnectionsIdle + this.counts.clientConnections,
      'open connections are known ones',
    );
    assert.ok(this.clock.timersLive <= 1, `no timer but the sweep's: ${this.clock.timersLive}`);
    assert.deepEqual(this.unclassified, []);
    this.#verifyWriter();
  }

  /** `claim` sends what another has left: nobody may have. */
  #verifyWriter(): void {
    const { writer } = this;
    const flush = writer.flush.bind(writer);
    writer.flush = (composer) => {
      assert.equal(writer.composed(composer), 0, 'no composed bytes are left behind');
      return flush(composer);
    };
    const unreachable = { transport: this.gatewayEnds[0] as MemoryTransport };
    writer.claim(unreachable);
    writer.discard(unreachable);
    writer.flush = flush;
  }
}

class Connecting {
  readonly #target: ConnectTarget;
  readonly #waiter: ConnectWaiter;
  readonly #world: Http1World;
  #wanted = true;

  constructor(target: ConnectTarget, waiter: ConnectWaiter, world: Http1World) {
    this.#target = target;
    this.#waiter = waiter;
    this.#world = world;
  }

  begin(): void {
    const { clock, settings } = this.#world;
    const address = this.#target.kind === 'tcp' ? this.#target.address : '';
    const endpoint = this.#world.endpointAt(`${address}:3000`);
    const fault = settings.connectFault?.(endpoint.address) ?? (endpoint.accepts === 'refuses' ? 'ECONNREFUSED' : null);
    if (fault === null && endpoint.accepts === 'never') return;
    clock.schedule(after(clock.now(), settings.connectMs?.(endpoint.address) ?? 1), settle, () =>
      this.#settle(endpoint, fault),
    );
  }

  #settle(endpoint: Http1Endpoint, fault: string | null): void {
    if (!this.#wanted) return;
    if (fault !== null) return this.#waiter.onConnectFailed({ stage: 'connect', code: fault, alertId: null });
    this.#waiter.onTransportConnected();
    this.#waiter.onConnected(endpoint.accept());
  }

  cancel(): void {
    this.#wanted = false;
  }
}

function settle(what: () => void): void {
  what();
}

/** One connection of a client, with the requests on it. */
class ClientLine {
  readonly transport: MemoryTransport;
  readonly #unanswered: Http1Client[] = [];
  readonly #reader: Http1Reader;
  /** The request whose body is being sent. */
  closed = false;

  constructor(transport: MemoryTransport) {
    this.transport = transport;
    this.#reader = new Http1Reader(
      {
        onHead: (message) => this.#unanswered[0]?.onHead(message),
        onWhole: (message) => this.#onWhole(message),
      },
      () => this.#unanswered[0]?.method ?? 'GET',
    );
    transport.listener = {
      onBytes: (bytes, start, end) => {
        this.#reader.push(bytes.slice(start, end));
        assert.equal(this.#reader.broken, null, 'the client gets HTTP');
      },
      onEnd: () => {
        this.#reader.end();
        this.#breakAll();
        transport.end();
      },
      onWritten() {},
      onClosed: () => this.#breakAll(),
    };
  }

  #onWhole(message: ReadMessage): void {
    if (Number(message.startLine.split(' ')[1]) < 200) return;
    const client = this.#unanswered.shift();
    if (client !== undefined) client.state = 'whole';
  }

  #breakAll(): void {
    this.closed = true;
    for (const client of this.#unanswered.splice(0)) client.state = 'cut';
  }

  request(request: RequestText): Http1Client {
    const client = new Http1Client(this, request);
    this.#unanswered.push(client);
    if (this.closed) this.#breakAll();
    client.begin();
    return client;
  }

  send(bytes: string | Buffer): void {
    const all = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    if (!this.transport.closed) this.transport.write(all, 0, all.length, 'borrowed');
  }

  halfClose(): void {
    this.transport.end();
  }
}

class Http1Client implements ClientActor {
  readonly method: string;
  state: ClientActor['state'] = 'open';
  readonly informed: number[] = [];
  readonly #line: ClientLine;
  readonly #request: RequestText;
  #message: ReadMessage | null = null;

  constructor(line: ClientLine, request: RequestText) {
    this.#line = line;
    this.#request = request;
    this.method = request.method ?? 'GET';
  }

  begin(): void {
    const { target = '/', headers = {}, body, expects } = this.#request;
    const lines = [`${this.method} ${target} HTTP/1.1`, 'Host: example.org'];
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
    else if (expects === 'chunked') lines.push('Transfer-Encoding: chunked');
    else if (expects !== undefined) lines.push(`Content-Length: ${expects}`);
    const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
    this.#line.send(body === undefined ? head : Buffer.concat([head, Buffer.from(body)]));
  }

  onHead(message: ReadMessage): void {
    const status = Number(message.startLine.split(' ')[1]);
    if (status < 200) this.informed.push(status);
    else this.#message = message;
  }

  get status(): number {
    return Number(this.#message?.startLine.split(' ')[1] ?? 0);
  }

  header(name: string): string | null {
    return this.#message?.headers.get(name) ?? null;
  }

  get body(): Buffer {
    return this.#message?.body ?? Buffer.alloc(0);
  }

  get trailers(): ReadonlyMap<string, string> {
    return this.#message?.trailers ?? new Map();
  }

  write(bytes: string | Buffer): void {
    this.#line.send(this.#request.expects === 'chunked' ? chunk(bytes) : bytes);
  }

  end(trailers: Readonly<Record<string, string>> = {}): void {
    if (this.#request.expects === 'chunked') this.#line.send(lastChunk(trailers));
  }

  leave(): void {
    this.#line.transport.close('reset');
    if (this.state === 'open') this.state = 'cut';
  }

  stopReading(): void {
    this.#line.transport.pause();
  }

  readOn(): void {
    this.#line.transport.resume();
  }
}

class Http1Endpoint implements EndpointActor {
  readonly address: string;
  accepts: EndpointActor['accepts'] = 'yes';
  onRequest: (request: ArrivedRequest) => void = () => {};
  readonly arrived: ArrivedRequest[] = [];
  /** Its connections, if it speaks HTTP/2. */
  readonly http2Lines: Http2EndpointLine[] = [];
  /** What it sends on each connection before it is asked. */
  greets = '';
  connectionsMade = 0;
  state: EndpointState = 'healthy';
  exit: InstanceExit | null = null;
  /** Has each connection instead of this endpoint, where it is set: both ends, the second one the gateway's. */
  serves: ((endpoint: MemoryTransport, gateway: MemoryTransport) => void) | null = null;
  readonly #world: Http1World;
  readonly host: string;
  readonly #name: string;
  #transports: MemoryTransport[] = [];

  constructor(name: string, host: string, world: Http1World) {
    this.#name = name;
    this.host = host;
    this.#world = world;
    this.address = addressText({ kind: 'tcp', host, port: 3000 });
  }

  snapshot(): EndpointSnapshot {
    const { state, exit } = this;
    const host = this.#world.settings.named === true ? `${this.#name}.test` : this.host;
    const address = { kind: 'tcp', host, port: 3000 } as const;
    const reason = `it was told to be ${state}`;
    return {
      id: this.host,
      address,
      state,
      reason,
      sinceInstant: 0,
      checks: null,
      release: null,
      exit,
      ...this.#world.settings.endpointChanges?.(this.#name),
    } as unknown as EndpointSnapshot;
  }

  accept(): Transport {
    this.connectionsMade++;
    const { endpointWindowBytes } = this.#world.options;
    const [gateway, endpoint] = createTransportPair({
      clock: this.#world.clock,
      ...(endpointWindowBytes === undefined ? {} : { windowBytes: endpointWindowBytes }),
      ...this.#world.settings.pairOptions?.('endpoint'),
    });
    this.#world.gatewayEnds.push(gateway);
    this.#transports.push(endpoint);
    if (this.serves === null && this.#world.settings.endpoints === 'h2') this.#serveHttp2(endpoint);
    else if (this.serves === null) this.#serve(endpoint);
    else this.serves(endpoint, gateway);
    return this.#world.settings.gatewayTransport?.(gateway, 'endpoint') ?? gateway;
  }

  #serveHttp2(transport: MemoryTransport): void {
    const line = new Http2EndpointLine(transport, this.#world.clock, (arrived) => {
      this.arrived.push(arrived);
      this.onRequest(arrived);
    });
    this.http2Lines.push(line);
  }

  #serve(transport: MemoryTransport): void {
    let current: Http1Arrived | null = null;
    if (this.greets !== '') transport.write(Buffer.from(this.greets), 0, this.greets.length, 'owned');
    const reader = new Http1Reader(
      {
        onHead: (message) => {
          current = new Http1Arrived(message, transport);
          this.arrived.push(current);
          this.onRequest(current);
        },
        onWhole: () => {},
      },
      null,
    );
    transport.listener = {
      onBytes: (bytes, start, end) => {
        reader.push(bytes.slice(start, end));
        assert.equal(reader.broken, null, 'the endpoint gets HTTP');
      },
      onEnd: () => {
        if (current !== null) current.gone = true;
        transport.close('close');
      },
      onWritten() {},
      onClosed: () => {
        if (current !== null) current.gone = true;
      },
    };
  }

  die(how: 'closed' | 'reset'): void {
    for (const transport of this.#transports.splice(0)) transport.close(how === 'closed' ? 'close' : 'reset');
  }

  setState(state: EndpointState, exit: InstanceExit | null = null): void {
    this.state = state;
    this.exit = exit;
    this.#world.changed();
  }
}

export class Http1Arrived implements ArrivedRequest {
  gone = false;
  readonly transport: MemoryTransport;
  readonly #message: ReadMessage;
  #chunked = false;

  constructor(message: ReadMessage, transport: MemoryTransport) {
    this.#message = message;
    this.transport = transport;
  }

  get method(): string {
    return this.#message.startLine.split(' ')[0] ?? '';
  }

  get target(): string {
    return this.#message.startLine.split(' ')[1] ?? '';
  }

  header(name: string): string | null {
    return this.#message.headers.get(name) ?? null;
  }

  get body(): Buffer {
    return this.#message.body;
  }

  get trailers(): ReadonlyMap<string, string> {
    return this.#message.trailers;
  }

  get whole(): boolean {
    return this.#message.whole;
  }

  inform(status: number, headers: Readonly<Record<string, string>> = {}): void {
    this.raw(`HTTP/1.1 ${status} Interim\r\n${linesOf(headers)}\r\n`);
  }

  answer(status: number, body: string | Buffer = '', headers: Readonly<Record<string, string>> = {}): void {
    const length = status === 204 || status === 304 ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    this.#send(
      Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Fine\r\n${linesOf(headers)}${length}\r\n`), Buffer.from(body)]),
    );
  }

  head(status: number, length: number | null, headers: Readonly<Record<string, string>> = {}): void {
    this.#chunked = length === null;
    const framing = length === null ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
    this.raw(`HTTP/1.1 ${status} Fine\r\n${linesOf(headers)}${framing}\r\n\r\n`);
  }

  write(bytes: string | Buffer): void {
    this.#send(this.#chunked ? chunk(bytes) : Buffer.from(bytes));
  }

  end(trailers: Readonly<Record<string, string>> = {}): void {
    if (this.#chunked) this.raw(lastChunk(trailers));
  }

  breakOff(how: 'closed' | 'reset'): void {
    this.transport.close(how === 'closed' ? 'close' : 'reset');
  }

  stopReading(): void {
    this.transport.pause();
  }

  readOn(): void {
    this.transport.resume();
  }

  raw(bytes: string): void {
    this.#send(Buffer.from(bytes, 'latin1'));
  }

  #send(bytes: Buffer): void {
    if (!this.transport.closed) this.transport.write(bytes, 0, bytes.length, 'borrowed');
  }
}

function chunk(bytes: string | Buffer): Buffer {
  const body = Buffer.from(bytes);
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]);
}

function lastChunk(trailers: Readonly<Record<string, string>>): string {
  return `0\r\n${linesOf(trailers)}\r\n`;
}

function linesOf(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}

/** A system that says nothing of what its kernel keeps. */
function nothingKnown(clock: Clock): SendQueueBytes {
  return {
    look: (_facts, waiter) => void clock.schedule(clock.now(), (asker) => asker.onSendQueueBytes(null), waiter),
  };
}
