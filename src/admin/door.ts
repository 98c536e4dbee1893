import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { after, type Clock, type Timer } from '../core/time.ts';
import { protect, sendProblem } from './answer.ts';
import { AdminApi, operationOf } from './api.ts';
import { AdminConnections, remoteOf } from './connections.ts';
import { type Admission, admit, type Visitor } from './entrance.ts';
import { retryAfterS } from './failed-attempts.ts';
import type { AdminHouse } from './house.ts';
import { TokenHolders } from './token-holders.ts';

/** No operation takes content; what is sent nevertheless is not worth reading. */
const contentOctetsMax = 4096;
/** Control operations are few; a connection that is not asked anything for this long is closed. */
const keepAliveMs = 5_000;
/** A head of ours has some hundred octets, and comes in one piece. */
const headMs = 5_000;
const requestMs = 10_000;
/** Room for a long token, a long path and what browsers and proxies add. */
const headOctetsMax = 16 * 1024;
/** Nobody else ends the connection of somebody who reads no answer, and nothing that is asked for takes this long. */
const silenceMs = 300_000;
/** Over the socket, where whoever connects is trusted: a program that has run wild should not take every descriptor. */
const socketConnectionsMax = 256;
/** What an answer under way may still take when the door closes, or when its token is none any more. */
const leaveMs = 2_000;

/** What a request's Expect field asks for (RFC 9110 §10.1.1). */
type Expectation = 'nothing' | '100-continue' | 'unknown';
type Refusal = Extract<Admission, { admitted: false }>;

/** One place where the admin API is asked: the unix socket, or an address. */
export class AdminDoor {
  readonly via: 'socket' | 'tcp';
  readonly server: Server;
  readonly #house: AdminHouse;
  readonly #clock: Clock;
  readonly #api: AdminApi;
  readonly #connections: AdminConnections | null;
  readonly #holders = new TokenHolders();
  #dismissal: Timer | null = null;
  /** Whose further requests, sent along with one that was turned away, are not looked at. */
  readonly #turnedAway = new WeakSet<Socket>();

  constructor(via: 'socket' | 'tcp', house: AdminHouse) {
    this.via = via;
    this.#house = house;
    this.#clock = house.clock;
    this.#api = new AdminApi(house.gateway, house.clock, house.upgrader, house.stopper);
    this.server = createServer(
      {
        keepAliveTimeout: keepAliveMs,
        headersTimeout: headMs,
        requestTimeout: requestMs,
        connectionsCheckingInterval: 1_000,
        maxHeaderSize: headOctetsMax,
      },
      (request, response) => void this.#answer(request, response, 'nothing'),
    );
    // Node answers these by itself where nobody listens: it would tell strangers to go on, before they are looked at.
    this.server.on('checkContinue', (request, response) => void this.#answer(request, response, '100-continue'));
    this.server.on('checkExpectation', (request, response) => void this.#answer(request, response, 'unknown'));
    this.server.timeout = silenceMs;
    if (via === 'socket') this.server.maxConnections = socketConnectionsMax;
    this.#connections = via === 'socket' ? null : new AdminConnections(this.server, (remote) => this.#full(remote));
  }

  /** Takes no more connections, ends every stream, and lets running answers end: those that take long are cut. */
  close(): Promise<void> {
    this.#dismissal?.cancel();
    return new Promise((resolve) => {
      const cut = this.#clock.schedule(
        after(this.#clock.now(), leaveMs),
        () => this.server.closeAllConnections(),
        null,
      );
      this.server.close(() => {
        cut.cancel();
        resolve();
      });
      this.#api.endStreams();
      this.server.closeIdleConnections();
    });
  }

  /** Ends what was let in by a token that is none any more: streams at once, an answer under way when it was told. */
  dismiss(): void {
    const sockets = this.#holders.without(this.#house.spec.tokens);
    if (sockets.length === 0) return;
    this.#api.endStreams(new Set(sockets));
    // Somebody who asks by that token meanwhile is told that it is none.
    this.#dismissal ??= this.#clock.schedule(after(this.#clock.now(), leaveMs), () => this.#cutDismissed(), null);
  }

  #cutDismissed(): void {
    this.#dismissal = null;
    for (const socket of this.#holders.without(this.#house.spec.tokens)) socket.destroy();
  }

  async #answer(request: IncomingMessage, response: ServerResponse, expected: Expectation): Promise<void> {
    if (this.#turnedAway.has(request.socket)) return;
    limitContent(request);
    protect(response);
    try {
      const visitor = visitorOf(request, this.via);
      const admission = admit(visitor, this.#house.spec, this.#house.failedAttempts);
      if (!admission.admitted) return this.#turnAway(admission, request, response);
      if (this.#connections?.admit(request.socket) === false) {
        return sendProblem(response, 503, 'As many connections as are admitted are open already.');
      }
      if (admission.token !== null) this.#holders.showed(request.socket, admission.token);
      if (expected === 'unknown') return sendProblem(response, 417, 'Nothing is expected here but 100-continue.');
      if (expected === '100-continue') response.writeContinue();
      const requester = { actor: admission.actor, remote: remoteOf(request.socket) };
      await this.#api.answer(requester, request, response);
    } catch (error) {
      answerDefect(error, response);
    }
  }

  #turnAway({ why, status, detail }: Refusal, request: IncomingMessage, response: ServerResponse): void {
    this.#turnedAway.add(request.socket);
    this.#house.refusals.refused({ why, operation: operationOf(request), remote: remoteOf(request.socket) });
    if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="candor"');
    if (status === 429) response.setHeader('Retry-After', retryAfterS);
    response.setHeader('Connection', 'close');
    sendProblem(response, status, detail);
  }

  #full(remote: string): void {
    this.#house.refusals.refused({ why: 'too_many_connections', operation: null, remote });
  }
}

function visitorOf(request: IncomingMessage, via: 'socket' | 'tcp'): Visitor {
  return {
    via,
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    rawFields: request.rawHeaders,
    localAddress: request.socket.localAddress ?? null,
    remoteAddress: request.socket.remoteAddress ?? null,
  };
}

function limitContent(request: IncomingMessage): void {
  let octets = 0;
  request.on('data', (chunk: Buffer) => {
    octets += chunk.length;
    if (octets > contentOctetsMax) request.destroy();
  });
}

/** The reader gets a sentence; where the defect lies is told to whoever debugs. */
function answerDefect(error: unknown, response: ServerResponse): void {
  if (process.env['CANDOR_DEBUG'] === '1') console.error(error);
  if (response.headersSent) response.destroy();
  else sendProblem(response, 500, 'Candor made a mistake while it answered. This is a defect; please report it.');
}
