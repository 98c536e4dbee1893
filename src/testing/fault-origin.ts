import { createServer, type Server, type Socket } from 'node:net';
import { after, type Clock } from '../core/time.ts';
import { type Fault } from './fault.ts';
import { faults } from './all-faults.ts';
import { type ConnectionListener, OriginConnection, type SeenBody } from './origin-connection.ts';
import type { OriginRequestHead } from './origin-request.ts';
import type { Script } from './origin-script.ts';
import { systemClock } from './system.ts';

/**
 * An origin server that misbehaves on request. `/fault/<name>` plays the fault of that name from `faults`. So does any path
 * with the header `X-Fault: <name>`, and any path that ends in `/fault/<name>`, whatever prefix a gateway added. Other paths
 * work: `/ok`, `/echo`, `/bytes/<n>`, `/status/<n>`, `/slow/<ms>`, `/sse`.
 */
export interface FaultOrigin {
  readonly address: { readonly host: string; readonly port: number };
  /** 'http://127.0.0.1:40001', without a slash at the end. */
  readonly url: string;
  /** The requests that the origin has received, oldest first; the last 10,000. */
  readonly requests: readonly SeenRequest[];
  /** How many requests came with this X-Fault-Id. More than one: a client or gateway has sent it again. */
  count(faultId: string): number;
  /** Resolves with the first request with this id, as soon as its head has come. */
  seen(faultId: string): Promise<SeenRequest>;
  readonly connectionsOpen: number;
  /** How many connections were accepted so far. */
  readonly connectionsAccepted: number;
  /**
   * Ends every connection, so that the next request needs a new one: idle ones with FIN, the others at once. Resolves when
   * all are closed. Connections that the peer keeps open are closed at once after `limitMs`.
   */
  retireConnections(limitMs: number): Promise<void>;
  /** Stops listening and closes every connection at once. */
  close(): Promise<void>;
}

export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly fault: string | null;
  /** The X-Fault-Id header, else X-Request-Id; null without either. */
  readonly faultId: string | null;
  /** Connections are numbered from 1 in the order in which they were accepted. */
  readonly connection: number;
  /** 1 for the first request of its connection. */
  readonly numberOnConnection: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Bytes of the request body that have come so far. */
  readonly bodyBytes: number;
  /** Whether the whole body has come. */
  readonly complete: boolean;
}

export interface FaultOriginOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Played on every connection as soon as it is accepted. Requests are then not read. */
  readonly atAccept?: () => Script;
  readonly clock?: Clock;
  /** The faults that can be requested. Default: `faults`. */
  readonly faults?: readonly Fault[];
  /** Called with each request as soon as its head has come, for callers that count more than `requests` keeps. */
  readonly onRequest?: (request: SeenRequest) => void;
}

/** Resolves when it listens; rejects with Node's error when it cannot (EADDRINUSE, …). */
export async function startFaultOrigin(options: FaultOriginOptions = {}): Promise<FaultOrigin> {
  const origin = new ListeningOrigin(options);
  await origin.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  return origin;
}

class ListeningOrigin implements FaultOrigin {
  address = { host: '', port: 0 };
  readonly requests: Seen[] = [];
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #atAccept: (() => Script) | null;
  readonly #faults: ReadonlyMap<string, Fault>;
  readonly #onRequest: (request: SeenRequest) => void;
  readonly #connections = new Set<OriginConnection>();
  readonly #awaited = new Map<string, ((request: SeenRequest) => void)[]>();
  #accepted = 0;
  readonly #emptied: (() => void)[] = [];

  constructor(options: FaultOriginOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#atAccept = options.atAccept ?? null;
    this.#onRequest = options.onRequest ?? (() => {});
    this.#faults = new Map((options.faults ?? faults).map((fault) => [fault.name, fault]));
    // Half-open: after a FIN from the peer, the origin must send its own FIN only if the script says so.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = connectionsMax;
  }

  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        const bound = this.#server.address();
        if (bound !== null && typeof bound === 'object') this.address = { host: bound.address, port: bound.port };
        resolve();
      });
    });
  }

  get url(): string {
    const { host, port } = this.address;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  get connectionsOpen(): number {
    return this.#connections.size;
  }

  get connectionsAccepted(): number {
    return this.#accepted;
  }

  async retireConnections(limitMs: number): Promise<void> {
    for (const connection of this.#connections) connection.retire();
    const cut = this.#clock.schedule(after(this.#clock.now(), limitMs), () => this.#destroyConnections(), undefined);
    await this.#empty();
    cut.cancel();
  }

  count(faultId: string): number {
    return this.requests.filter((request) => request.faultId === faultId).length;
  }

  seen(faultId: string): Promise<SeenRequest> {
    const already = this.requests.find((request) => request.faultId === faultId);
    if (already !== undefined) return Promise.resolve(already);
    return new Promise((resolve) => {
      this.#awaited.set(faultId, [...(this.#awaited.get(faultId) ?? []), resolve]);
    });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#destroyConnections();
    await this.#empty();
    await closed;
  }

  #destroyConnections(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** Resolves when no connection is open. */
  #empty(): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#emptied.push(resolve);
    });
  }

  #gone(connection: OriginConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    for (const resolve of this.#emptied.splice(0)) resolve();
  }

  #accept(socket: Socket): void {
    const number = ++this.#accepted;
    const listener: ConnectionListener = {
      faultOf: (head) => this.#faultOf(head),
      onRequest: (head, fault, numberOnConnection) => this.#note(head, fault, number, numberOnConnection),
      onGone: (connection) => this.#gone(connection),
    };
    this.#connections.add(new OriginConnection(socket, this.#clock, listener, this.#atAccept?.() ?? null));
  }

  #faultOf(head: OriginRequestHead): Fault | null | 'unknown' {
    const named = /\/fault\/([^/?]+)(?:\?|$)/.exec(head.target)?.[1] ?? head.headers.get('x-fault');
    if (named === undefined) return null;
    return this.#faults.get(named) ?? 'unknown';
  }

  #note(head: OriginRequestHead, fault: Fault | null, connection: number, numberOnConnection: number): SeenBody {
    const { method, target, headers } = head;
    const faultId = faultIdOf(head);
    const seen: Seen = {
      method,
      target,
      fault: fault?.name ?? null,
      faultId,
      connection,
      numberOnConnection,
      headers,
      bodyBytes: 0,
      complete: false,
    };
    this.requests.push(seen);
    if (this.requests.length > requestsMax) this.requests.shift();
    if (faultId !== null) this.#notify(faultId, seen);
    this.#onRequest(seen);
    return seen;
  }

  #notify(faultId: string, seen: SeenRequest): void {
    for (const resolve of this.#awaited.get(faultId) ?? []) resolve(seen);
    this.#awaited.delete(faultId);
  }
}

type Seen = Omit<SeenRequest, keyof SeenBody> & SeenBody;

/** The X-Fault-Id header, else X-Request-Id; null without either. */
export function faultIdOf({ headers }: OriginRequestHead): string | null {
  return headers.get('x-fault-id') ?? headers.get('x-request-id') ?? null;
}

/** The number of requests that are kept. A test asks about the ones it has just sent; a demo runs for weeks. */
export const requestsMax = 10_000;

/** Below the usual limit of 4,096 open files, with room for the rest of the process. */
const connectionsMax = 3072;
