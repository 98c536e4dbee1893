import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { after, type Clock, type Timer } from '../core/time.ts';
import { protect, sendProblem } from './answer.ts';
import { AdminApi, operationOf } from './api.ts';
import { AdminConnections, remoteOf } from './connections.ts';
import { type AuthorizationResult, authorize, type AuthorizationRequest } from './authorization.ts';
import { retryAfterS } from './failed-attempts.ts';
import type { AdminContext } from './admin-context.ts';
import { requestBytesMax } from './request-body.ts';
import { TokenHolders } from './token-holders.ts';

/** Control operations are few; a connection that is not asked anything for this long is closed. */
const keepAliveMs = 5_000;
/** A head of ours has some hundred bytes, and comes in one piece. */
const headMs = 5_000;
const requestMs = 10_000;
/** Room for a long token, a long path and what browsers and proxies add. */
const headBytesMax = 16 * 1024;
/** Nobody else ends the connection of somebody who reads no answer, and nothing that is asked for takes this long. */
const silenceMs = 300_000;
/** Over the socket, where whoever connects is trusted: a program that has run wild should not take every descriptor. */
const socketConnectionsMax = 256;
/** What an answer under way may still take when the door closes, or when its token is none any more. */
const closeGraceMs = 2_000;

/** What a request's Expect field asks for (RFC 9110 §10.1.1). */
type Expectation = 'nothing' | '100-continue' | 'unknown';
type Denial = Extract<AuthorizationResult, { authorized: false }>;

/** One place where the admin API is asked: the unix socket, or an address. */
export class AdminListener {
  readonly via: 'socket' | 'tcp';
  readonly server: Server;
  readonly #context: AdminContext;
  readonly #clock: Clock;
  readonly #api: AdminApi;
  readonly #connections: AdminConnections | null;
  readonly #tokenHolders = new TokenHolders();
  #revokedTimer: Timer | null = null;
  /** Whose further requests, sent along with one that was turned away, are not looked at. */
  readonly #denied = new WeakSet<Socket>();

  constructor(via: 'socket' | 'tcp', context: AdminContext) {
    this.via = via;
    this.#context = context;
    this.#clock = context.clock;
    this.#api = new AdminApi(context);
    this.server = createServer(
      {
        keepAliveTimeout: keepAliveMs,
        headersTimeout: headMs,
        requestTimeout: requestMs,
        connectionsCheckingInterval: 1_000,
        maxHeaderSize: headBytesMax,
      },
      (request, response) => void this.#handle(request, response, 'nothing'),
    );
    // Node answers these by itself where nobody listens: it would tell strangers to go on, before they are looked at.
    this.server.on('checkContinue', (request, response) => void this.#handle(request, response, '100-continue'));
    this.server.on('checkExpectation', (request, response) => void this.#handle(request, response, 'unknown'));
    this.server.timeout = silenceMs;
    if (via === 'socket') this.server.maxConnections = socketConnectionsMax;
    this.#connections = via === 'socket' ? null : new AdminConnections(this.server, (remote) => this.#full(remote));
  }

  /** Takes no more connections, ends every stream, and lets running answers end: those that take long are cut. */
  close(): Promise<void> {
    this.#revokedTimer?.cancel();
    return new Promise((resolve) => {
      const cut = this.#clock.schedule(
        after(this.#clock.now(), closeGraceMs),
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
  closeRevoked(): void {
    const sockets = this.#tokenHolders.without(this.#context.spec.tokens);
    if (sockets.length === 0) return;
    this.#api.endStreams(new Set(sockets));
    // Somebody who asks by that token meanwhile is told that it is none.
    this.#revokedTimer ??= this.#clock.schedule(
      after(this.#clock.now(), closeGraceMs),
      () => this.#destroyRevoked(),
      null,
    );
  }

  #destroyRevoked(): void {
    this.#revokedTimer = null;
    for (const socket of this.#tokenHolders.without(this.#context.spec.tokens)) socket.destroy();
  }

  async #handle(request: IncomingMessage, response: ServerResponse, expected: Expectation): Promise<void> {
    if (this.#denied.has(request.socket)) return;
    limitContent(request, response);
    protect(response);
    try {
      const toAuthorize = authorizationRequestOf(request, this.via);
      const authorization = authorize(toAuthorize, this.#context.spec, this.#context.failedAttempts);
      if (!authorization.authorized) return this.#deny(authorization, request, response);
      if (this.#connections?.markAuthenticated(request.socket) === false) {
        return sendProblem(response, 503, 'As many connections as are admitted are open already.');
      }
      if (authorization.token !== null) this.#tokenHolders.add(request.socket, authorization.token);
      if (expected === 'unknown') return sendProblem(response, 417, 'Nothing is expected here but 100-continue.');
      if (expected === '100-continue') response.writeContinue();
      const requester = { actor: authorization.actor, remote: remoteOf(request.socket) };
      await this.#api.handle(requester, request, response);
    } catch (error) {
      answerDefect(error, response);
    }
  }

  #deny({ why, status, detail }: Denial, request: IncomingMessage, response: ServerResponse): void {
    this.#denied.add(request.socket);
    this.#context.denials.note({ why, operation: operationOf(request), remote: remoteOf(request.socket) });
    if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="candor"');
    if (status === 429) response.setHeader('Retry-After', retryAfterS);
    response.setHeader('Connection', 'close');
    sendProblem(response, status, detail);
  }

  #full(remote: string): void {
    this.#context.denials.note({ why: 'too_many_connections', operation: null, remote });
  }
}

function authorizationRequestOf(request: IncomingMessage, via: 'socket' | 'tcp'): AuthorizationRequest {
  return {
    via,
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    rawFields: request.rawHeaders,
    localAddress: request.socket.localAddress ?? null,
    remoteAddress: request.socket.remoteAddress ?? null,
  };
}

/** Operations take less; a client that sends more has its answer, if one was begun, and no connection. */
function limitContent(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= requestBytesMax) return;
    request.pause();
    if (response.writableEnded) return void request.destroy();
    if (!response.headersSent) response.setHeader('Connection', 'close');
    response.once('finish', () => request.destroy());
  });
}

/** The reader gets a sentence; where the defect lies is told to whoever debugs. */
function answerDefect(error: unknown, response: ServerResponse): void {
  if (process.env['CANDOR_DEBUG'] === '1') console.error(error);
  if (response.headersSent) response.destroy();
  else sendProblem(response, 500, 'Candor made a mistake while it answered. This is a defect; please report it.');
}
