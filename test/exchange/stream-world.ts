import assert from 'node:assert/strict';
import type { EndpointState, InstanceExit } from '../../src/core/endpoint.ts';
import type { ClientFacts, EndedExchange } from '../../src/core/exchange.ts';
import { fail } from '../../src/core/failure.ts';
import type { Fields, Framing } from '../../src/core/message.ts';
import type { PendingStream, StreamWaiter } from '../../src/core/stream.ts';
import { after } from '../../src/core/time.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import type { Endpoint, ServingRevision, Upstream } from '../../src/exchange/ports.ts';
import { compileRoute } from '../../src/worker/compile-route.ts';
import { createRouter } from '../../src/worker/router.ts';
import { MemoryClientStream, MemoryEndpointStream } from '../../src/testing/memory-streams.ts';
import { PairFields } from '../../src/testing/pair-fields.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
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
import { TextRedactor } from '../../src/core/redact/text-redactor.ts';

/** The exchange between streams in memory: no byte of HTTP/1 anywhere, many requests on one connection. */
export class StreamWorld implements World {
  readonly clock = new SimulatedClock();
  readonly records: EndedExchange[] = [];
  readonly options: WorldOptions;
  readonly #endpoints = new Map<string, StreamEndpoint>();
  readonly #clients: MemoryClientStream[] = [];
  readonly #serving: ServingRevision;
  readonly #ids = new IdSource(new SeededRandom('world'));

  constructor(options: WorldOptions = {}) {
    this.options = options;
    for (const name of options.endpoints ?? ['a']) {
      this.#endpoints.set(name, new StreamEndpoint(`10.0.0.${this.#endpoints.size + 1}:3000`, this));
    }
    const upstream = this.#upstream();
    const entries = routeSpecs(options).map((spec) => {
      const compiled = compileRoute(spec, spec.action.kind === 'upstream' ? upstream : null);
      return { match: spec.match, route: compiled };
    });
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

  #upstream(): Upstream {
    const endpoints = [...this.#endpoints.values()];
    const eligible = (tried: readonly Endpoint[]): Endpoint[] =>
      endpoints.filter((endpoint) => endpoint.state === 'healthy' && !tried.includes(endpoint));
    return {
      id: 'app',
      application: this.options.application ?? '',
      attemptsMax: this.options.attemptsMax ?? 2,
      secure: false,
      choose: (tried) => eligible(tried)[0] ?? eligible([])[0] ?? null,
      hasOther: (tried) => eligible(tried).length > 0,
      mayRetry: () => true,
      unavailable: () =>
        fail('no_endpoint_ready', 'route', {
          upstream: 'app',
          endpoints: endpoints.length,
          reason: 'told so',
          retryAfterS: 5,
        }),
    };
  }

  endpoint(name: string): StreamEndpoint {
    return this.#endpoints.get(name) ?? assert.fail(`no endpoint ${name}`);
  }

  request(request: RequestText, { windowBytes }: ClientOptions = {}): ClientActor {
    const { method = 'GET', target = '/', fields = {}, content, expects } = request;
    const framing = framingOf(content === undefined ? expects : Buffer.byteLength(content));
    const { contentMs } = { ...defaultLimits, ...this.options.limits };
    const stream = new MemoryClientStream(
      {
        ...{ method, target, authority: 'example.org', fields: Object.entries(fields), framing },
        takesTrailers: fields['te'] === 'trailers',
      },
      {
        clock: this.clock,
        client: this.#clientFacts(),
        contentMs,
        ...(windowBytes === undefined ? {} : { windowBytes }),
      },
    );
    this.#clients.push(stream);
    const ports = {
      clock: this.clock,
      ids: this.#ids,
      recorder: { ended: (ended: EndedExchange) => void this.records.push(ended) },
    };
    const create = this.options.createHandler ?? ((...given) => new Exchange(...given));
    this.clock.schedule(this.clock.now(), begin, () => stream.begin(create(stream, this.#serving, ports)));
    const client = new StreamClient(stream);
    if (content !== undefined) {
      client.write(content);
      client.end();
    }
    return client;
  }

  #clientFacts(): ClientFacts {
    const address = '192.0.2.7';
    const trusted = this.options.trusted ?? false;
    const scheme = 'http';
    return {
      address,
      port: 50_000,
      peerAddress: address,
      trusted,
      scheme,
      peerScheme: scheme,
      tls: null,
      listener: 'web',
    };
  }

  pass(ms: number): void {
    this.clock.advanceSync(ms);
  }

  heldBytes(): number {
    const endpoints = [...this.#endpoints.values()];
    const streams = [...this.#clients, ...endpoints.flatMap(({ streams: some }) => some)];
    return streams.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  }

  verifyAtRest(): void {
    assert.equal(this.records.length, this.#clients.length, 'every exchange is recorded');
    assert.equal(new Set(this.records).size, this.records.length, 'no exchange is recorded twice');
    for (const { streamsOpen } of this.#endpoints.values()) assert.equal(streamsOpen, 0, 'no stream is left open');
    assert.equal(this.clock.timersLive, 0, 'no timer is left');
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

  field(name: string): string | null {
    const { response } = this.#stream;
    // What HTTP/1 says in a field, a stream's head says as such.
    if (name === 'content-length' && response?.framing.kind === 'length') return String(response.framing.bytes);
    return response?.fields.get(name) ?? null;
  }

  get content(): Buffer {
    return Buffer.concat(this.#stream.content);
  }

  get trailers(): ReadonlyMap<string, string> {
    return mapOf(this.#stream.trailers);
  }

  get informed(): readonly number[] {
    const { informed, request, wanted } = this.#stream;
    const told = wanted && request.fields.has('expect') ? [100] : [];
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
    this.#stream.end(pairs.length === 0 ? null : new PairFields(pairs));
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

class StreamEndpoint implements EndpointActor, Endpoint {
  readonly id: string;
  readonly address: string;
  readonly authority: string;
  readonly release = null;
  accepts: EndpointActor['accepts'] = 'yes';
  onRequest: (request: ArrivedRequest) => void = () => {};
  readonly arrived: StreamArrived[] = [];
  readonly streams: MemoryEndpointStream[] = [];
  connectionsMade = 0;
  streamsOpen = 0;
  state: EndpointState = 'healthy';
  exit: InstanceExit | null = null;
  readonly #world: StreamWorld;
  #connected = false;
  #lastUsedMs = 0;

  constructor(address: string, world: StreamWorld) {
    this.id = address;
    this.address = address;
    this.authority = address;
    this.#world = world;
  }

  acquire(
    waiter: StreamWaiter,
    limits: { readonly connectMs: number },
    reusePolicy: 'any' | 'recently_used' | 'fresh',
  ): PendingStream | null {
    if (this.#connected && reusePolicy !== 'fresh') {
      waiter.onStream(this.#open(true));
      return null;
    }
    const { clock } = this.#world;
    const never = this.accepts === 'never';
    const timer = clock.schedule(after(clock.now(), never ? limits.connectMs : 1), begin, () => {
      const { address } = this;
      if (never) return waiter.onNoStream(fail('connect_timeout', 'connect', { address, limitMs: limits.connectMs }));
      if (this.accepts === 'refuses') return waiter.onNoStream(fail('connect_refused', 'connect', { address }));
      this.connectionsMade++;
      this.#connected = true;
      waiter.onStage('connect');
      waiter.onStream(this.#open(false));
    });
    return timer;
  }

  #open(reused: boolean): MemoryEndpointStream {
    const { clock, options } = this.#world;
    const windowBytes = options.endpointWindowBytes;
    this.streamsOpen++;
    const stream = new MemoryEndpointStream({
      clock,
      address: this.address,
      reused,
      idleMs: clock.now() - this.#lastUsedMs,
      ...(windowBytes === undefined ? {} : { windowBytes }),
      onRequest: (arrived) => {
        const request = new StreamArrived(arrived);
        this.arrived.push(request);
        this.onRequest(request);
      },
      onOver: () => {
        this.streamsOpen--;
        this.#lastUsedMs = clock.now();
      },
    });
    this.streams.push(stream);
    return stream;
  }

  die(_how: 'closed' | 'reset'): void {
    this.#connected = false;
    for (const stream of this.streams) stream.reset();
  }

  setState(state: EndpointState, exit: InstanceExit | null = null): void {
    this.state = state;
    this.exit = exit;
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

  field(name: string): string | null {
    return this.#stream.request?.fields.get(name) ?? null;
  }

  get content(): Buffer {
    return Buffer.concat(this.#stream.content);
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

  inform(status: number, fields: Readonly<Record<string, string>> = {}): void {
    this.#stream.inform(status, Object.entries(fields));
  }

  answer(status: number, content: string | Buffer = '', fields: Readonly<Record<string, string>> = {}): void {
    const bytes = Buffer.from(content);
    const bare = this.method === 'HEAD' || status === 204 || status === 304;
    this.#stream.respond(
      status,
      Object.entries(fields),
      bare ? { kind: 'none' } : { kind: 'length', bytes: bytes.length },
    );
    if (!bare) this.#stream.write(bytes);
    this.#stream.end();
  }

  head(status: number, length: number | null, fields: Readonly<Record<string, string>> = {}): void {
    const framing: Framing = length === null ? { kind: 'chunked' } : { kind: 'length', bytes: length };
    this.#length = length;
    this.#stream.respond(status, Object.entries(fields), framing);
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
    this.#stream.end(pairs.length === 0 ? null : new PairFields(pairs));
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

function mapOf(fields: Fields | null): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  fields?.each((name, value) => void map.set(name, value));
  return map;
}
