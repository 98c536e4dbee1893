import { type IncomingMessage, Server as HttpServer, type ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import type { KitClock } from './clock.ts';
import { drainServer, type DrainedServer } from './drain.ts';
import { HealthChecks } from './health-checks.ts';
import { type HealthDocument, healthDocument, healthStatusCode } from './health-document.ts';
import {
  checkNames,
  connectionTimeouts,
  documentPaths,
  drainSignals,
  type DrainTimes,
  drainTimes,
  type KitOptions,
  logOf,
} from './kit-options.ts';
import { passOn } from './outgoing-headers.ts';
import { ServedRequest } from './request-context.ts';
import { onSignals } from './signals.ts';
import { systemKitClock } from './system.ts';

/** `starting`: it listens, and does not want requests yet. */
type KitState = 'starting' | 'ready' | 'draining' | 'closed';

/** The header by which an application tells Envoy and Candor (`drain_signal`) that it wants no new requests. */
const drainHeader = 'X-Envoy-Immediate-Health-Check-Fail';

interface InFlight {
  readonly response: ServerResponse;
  readonly context: ServedRequest;
  readonly text: string;
}

/** The kit of one server: `attach` and `serve` make it. */
export class Kit {
  readonly server: HttpServer | HttpsServer;
  readonly #options: KitOptions;
  readonly #times: DrainTimes;
  readonly #clock: KitClock;
  readonly #checks: HealthChecks;
  readonly #paths: { readonly health: string; readonly ready: string };
  readonly #log: (line: string) => void;
  readonly #inFlight = new Set<InFlight>();
  /** Each open connection, and how many requests it has. */
  readonly #connections = new Map<Socket, number>();
  readonly #tunnels = new Map<Socket, Omit<InFlight, 'response'>>();
  readonly #stopPassingOn: () => void;
  readonly #stopSignals: () => void;
  #state: KitState = 'starting';
  #listens: AddressInfo | string | null;
  /** Why the application itself wants no requests; null: it wants them. */
  #declined: string | null = null;
  #closesIdle = false;
  #onIdle: () => void = () => {};
  #drained: Promise<number> | null = null;

  constructor(server: HttpServer | HttpsServer, options: KitOptions, clock: KitClock = systemKitClock) {
    const given: unknown = server;
    if (!(given instanceof HttpServer || given instanceof HttpsServer))
      throw new TypeError('the kit needs a server of node:http or node:https; servers of node:http2 are not supported');
    checkNames(options);
    this.server = server;
    this.#listens = server.address();
    this.#options = options;
    this.#times = drainTimes(options.drain);
    this.#clock = clock;
    this.#checks = new HealthChecks(options.checks ?? {}, clock);
    this.#paths = documentPaths(options.paths);
    this.#log = logOf(options);
    const { outgoing = () => true, exit: exits = true } = options;
    const names = drainSignals(options.signals);
    Object.assign(server, connectionTimeouts(options.gatewayIdleMs));
    this.#watch();
    this.#stopPassingOn = outgoing === false ? () => {} : passOn(outgoing);
    this.#stopSignals = onSignals({ names, exits, clock, drain: (why) => this.drain(why), log: this.#log });
  }

  get state(): KitState {
    return this.#state;
  }

  /** Where it listens, or has listened, on a port of this machine. Throws if it never has. */
  get url(): string {
    if (this.#listens === null) throw new Error('the server does not listen yet, so it has no URL');
    if (typeof this.#listens === 'string') return `unix:${this.#listens}`;
    const { port, address, family } = this.#listens;
    const host = address === '::' || address === '0.0.0.0' ? 'localhost' : family === 'IPv6' ? `[${address}]` : address;
    return `${this.server instanceof HttpsServer ? 'https' : 'http'}://${host}:${port}`;
  }

  /** The instance can serve: what it needs is loaded. `serve` calls it once the server listens. */
  markReady(): void {
    if (this.#state === 'starting') this.#state = 'ready';
  }

  /** Tells gateways to send no new requests, and goes on to answer those that come: before maintenance, or a long pause. */
  declineRequests(why = 'the application wants no new requests'): void {
    this.#declined = why;
  }

  /** The end of `declineRequests`. */
  wantRequests(): void {
    this.#declined = null;
  }

  /** The document of the health page. `readiness`: of the readiness page. */
  async health(readiness = false): Promise<HealthDocument> {
    const { name = null, version = null } = this.#options;
    // Nothing is asked of dependencies for an instance that leaves.
    const unready = this.#unready();
    const results = unready === null || !readiness ? await this.#checks.results(readiness) : new Map();
    return healthDocument({ name, version, unready: this.#unready(), results });
  }

  /** What SIGTERM begins, without the end of the process. Resolves with the exit code. */
  drain(why = 'drain'): Promise<number> {
    this.#drained ??= this.#drain(why);
    return this.#drained;
  }

  /** Requests and tunnels in flight: method and path. */
  unfinished(): readonly string[] {
    return this.#unfinished().map(({ text }) => text);
  }

  #unfinished(): readonly Pick<InFlight, 'text' | 'context'>[] {
    return [...this.#inFlight, ...this.#tunnels.values()];
  }

  /** Gives back what it has taken of the process: the server never listened, or listens no more. */
  release(): void {
    this.#stopPassingOn();
    this.#stopSignals();
  }

  async #drain(why: string): Promise<number> {
    this.#state = 'draining';
    const { noticeMs, timeoutMs } = this.#times;
    this.#log(
      `${why}: not ready; the listener closes in ${noticeMs} ms, requests in flight (${this.unfinished().length}) have ${timeoutMs} ms`,
    );
    for (const { response } of this.#inFlight) announceClose(response);
    const code = await drainServer({
      clock: this.#clock,
      times: this.#times,
      server: this.#drainedServer(),
      onDrain: () => this.#options.onDrain?.(),
      onClose: () => this.#options.onClose?.(),
      log: this.#log,
    });
    this.#state = 'closed';
    this.release();
    return code;
  }

  #drainedServer(): DrainedServer {
    return {
      unfinished: () => this.unfinished(),
      onIdle: (idle) => {
        this.#onIdle = idle;
        this.#tellIdle();
      },
      // `close` of `http.Server` would close idle connections too, on which a request may be on its way.
      closeListener: () => void NetServer.prototype.close.call(this.server),
      closeIdle: () => {
        this.#closesIdle = true;
        for (const [socket, requests] of this.#connections) if (requests === 0) socket.destroy();
      },
      destroy: () => {
        const reason = new DOMException('the application ends', 'AbortError');
        for (const { context } of this.#unfinished()) context.abort(reason);
        for (const socket of this.#connections.keys()) socket.destroy();
      },
    };
  }

  #unready(): { status: 'draining' | 'fail'; why: string } | null {
    if (this.#state === 'starting') return { status: 'fail', why: 'the application is starting' };
    if (this.#state !== 'ready') return { status: 'draining', why: 'the application ends' };
    return this.#declined === null ? null : { status: 'draining', why: this.#declined };
  }

  /** All that a server does begins with an event, whichever framework listens to it. */
  #watch(): void {
    const { server } = this;
    const emit = server.emit.bind(server) as (event: string, ...args: unknown[]) => boolean;
    // Below a connection of TLS is another one, which ends with it.
    const opening = server instanceof HttpsServer ? 'secureConnection' : 'connection';
    server.emit = (event: string, ...args: unknown[]): boolean => {
      switch (event) {
        case 'listening':
          this.#listens = server.address();
          break;
        case opening:
          this.#watchConnection(args[0] as Socket);
          break;
        case 'request':
        case 'checkContinue':
        case 'checkExpectation':
          return this.#serve(args as [IncomingMessage, ServerResponse], () => emit(event, ...args));
        case 'upgrade':
        case 'connect':
          return this.#tunnel(args as [IncomingMessage, Socket], () => emit(event, ...args));
        default:
      }
      return emit(event, ...args);
    };
  }

  #watchConnection(socket: Socket): void {
    this.#connections.set(socket, 0);
    socket.once('close', () => {
      this.#connections.delete(socket);
      this.#tunnels.get(socket)?.context.abort(clientLeft());
      this.#tunnels.delete(socket);
      this.#tellIdle();
    });
  }

  #serve([request, response]: [IncomingMessage, ServerResponse], next: () => boolean): boolean {
    const path = pathOf(request.url ?? '/');
    if (this.#state === 'draining') announceClose(response);
    else if (this.#declined !== null) response.setHeader(drainHeader, 'true');
    const context = new ServedRequest(request, this.#clock, () => response.headersSent);
    const entry: InFlight = { response, context, text: `${request.method} ${path}` };
    this.#begin(entry, request.socket);
    bindEvents(request, context);
    bindEvents(response, context);
    if ((path === this.#paths.ready || path === this.#paths.health) && isRead(request))
      return context.run(() => {
        void this.#answer(path === this.#paths.ready, request, response);
        return true;
      });
    return context.run(next);
  }

  #begin(entry: InFlight, socket: Socket): void {
    this.#inFlight.add(entry);
    this.#connections.set(socket, (this.#connections.get(socket) ?? 0) + 1);
    entry.response.once('close', () => {
      this.#inFlight.delete(entry);
      if (entry.response.writableFinished) entry.context.end();
      else entry.context.abort(clientLeft());
      const requests = (this.#connections.get(socket) ?? 1) - 1;
      if (this.#connections.has(socket)) this.#connections.set(socket, requests);
      if (this.#closesIdle && requests === 0 && !this.#tunnels.has(socket)) socket.destroySoon();
      this.#tellIdle();
    });
  }

  #tunnel([request, socket]: [IncomingMessage, Socket], next: () => boolean): boolean {
    const { method, url = '/' } = request;
    const context = new ServedRequest(request, this.#clock, () => true);
    this.#tunnels.set(socket, { context, text: `${method} ${pathOf(url)} (upgraded)` });
    // It is never idle: its end is the application's to say.
    this.#connections.set(socket, 1);
    return context.run(next);
  }

  #tellIdle(): void {
    if (this.#inFlight.size === 0 && this.#tunnels.size === 0) this.#onIdle();
  }

  async #answer(readiness: boolean, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const document = await this.health(readiness);
    const body = `${JSON.stringify(document)}\n`;
    response.writeHead(healthStatusCode(document), {
      'Content-Type': 'application/health+json',
      'Cache-Control': 'no-store',
      'Content-Length': Buffer.byteLength(body),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }
}

function clientLeft(): DOMException {
  return new DOMException('the client has closed the connection', 'AbortError');
}

/** The gateway opens its next connection elsewhere. A response that has begun cannot say it any more. */
function announceClose(response: ServerResponse): void {
  if (response.headersSent) return;
  response.setHeader('Connection', 'close');
  response.setHeader(drainHeader, 'true');
}

/** Parsers of bodies go on in the listeners of these events, which Node calls outside of the request's context. */
function bindEvents(emitter: IncomingMessage | ServerResponse, context: ServedRequest): void {
  const emit = emitter.emit.bind(emitter) as (event: string, ...args: unknown[]) => boolean;
  emitter.emit = (event: string, ...args: unknown[]) => context.run(() => emit(event, ...args));
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Queries may have secrets, and no part in this. */
function pathOf(target: string): string {
  const end = target.indexOf('?');
  return end === -1 ? target : target.slice(0, end);
}
