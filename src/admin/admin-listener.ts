import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { AdminTls } from '../core/configuration.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { protect, sendProblem } from './answer.ts';
import { AdminApi, operationOf } from './api.ts';
import { AdminConnections, remoteOf } from './connections.ts';
import { type AuthorizationResult, authorize, type AuthorizationRequest } from './authorization.ts';
import { retryAfterS } from './failed-attempts.ts';
import { changeCertificate, nodeHttps, serverTlsOptions } from './admin-tls.ts';
import type { AdminContext } from './admin-context.ts';
import { nodeHttp } from './node-http.ts';
import { requestBytesMax } from './request-body.ts';
import { TokenHolders } from './token-holders.ts';

/** Control operations are rare; a connection without a request for this long is closed. */
const keepAliveMs = 5_000;
/** A request head for the admin API has some hundred bytes, and comes in one packet. */
const headMs = 5_000;
const requestMs = 10_000;
/** Room for a long token, a long path, and the headers that browsers and proxies add. */
const headBytesMax = 16 * 1024;
/** A connection without traffic for this long is closed. No operation takes as long, and without this limit a requester that does not read its response would keep its connection forever. */
const silenceMs = 300_000;
/** Requesters on the unix socket are trusted, but a faulty program must not use up every descriptor. */
const socketConnectionsMax = 256;
/** How long a response in flight may still take when the listener closes, or when its token is revoked. */
const closeGraceMs = 2_000;

/** The expectation in a request's Expect header (RFC 9110 §10.1.1). */
type Expectation = 'nothing' | '100-continue' | 'unknown';
type Denial = Extract<AuthorizationResult, { authorized: false }>;

/** One listener of the admin API: on the unix socket, or at an address. */
export class AdminListener {
  readonly via: 'socket' | 'tcp';
  readonly server: Server;
  #tls: AdminTls | null;
  readonly #context: AdminContext;
  readonly #clock: Clock;
  readonly #api: AdminApi;
  readonly #connections: AdminConnections | null;
  readonly #tokenHolders = new TokenHolders();
  #revokedTimer: Timer | null = null;
  /** Connections on which a request was refused: further requests on them are ignored. */
  readonly #denied = new WeakSet<Socket>();

  /** `tls`: null for connections in clear text. */
  constructor(via: 'socket' | 'tcp', context: AdminContext, tls: AdminTls | null = null) {
    this.via = via;
    this.#context = context;
    this.#clock = context.clock;
    this.#api = new AdminApi(context);
    const options = {
      keepAliveTimeout: keepAliveMs,
      headersTimeout: headMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: headBytesMax,
    };
    const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#handle(request, response, 'nothing');
    this.server =
      tls === null
        ? nodeHttp.createServer(options, onRequest)
        : nodeHttps().createServer({ ...options, ...serverTlsOptions(tls) }, onRequest);
    this.#tls = tls;
    // Without listeners Node answers these itself: it would send 100 (Continue) before the request is authorized.
    this.server.on('checkContinue', (request, response) => void this.#handle(request, response, '100-continue'));
    this.server.on('checkExpectation', (request, response) => void this.#handle(request, response, 'unknown'));
    this.server.timeout = silenceMs;
    if (via === 'socket') this.server.maxConnections = socketConnectionsMax;
    this.#connections = via === 'socket' ? null : new AdminConnections(this.server, (remote) => this.#full(remote));
  }

  /** Accepts no more connections, ends every stream, and lets responses in flight finish within `closeGraceMs`. */
  close(): Promise<void> {
    this.#revokedTimer?.cancel();
    return new Promise((resolve) => {
      const cut = this.#clock.schedule(
        after(this.#clock.now(), closeGraceMs),
        () => {
          this.server.closeAllConnections();
          this.#connections?.destroyAll(); // Those within a handshake too.
        },
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

  /** The certificate of handshakes from now on. For a listener that has TLS. */
  changeTls(tls: AdminTls): void {
    if (this.#tls === null || JSON.stringify(tls) === JSON.stringify(this.#tls)) return;
    this.#tls = tls;
    changeCertificate(this.server, tls);
  }

  /** Ends the connections of revoked tokens: streams at once, a response in flight when it has been sent. */
  closeRevoked(): void {
    const sockets = this.#tokenHolders.without(this.#context.spec.tokens);
    if (sockets.length === 0) return;
    this.#api.endStreams(new Set(sockets));
    // A further request with that token meanwhile gets a 401.
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
        return sendProblem(response, 503, 'Too many connections are open already.');
      }
      if (authorization.token !== null) this.#tokenHolders.add(request.socket, authorization.token);
      if (expected === 'unknown')
        return sendProblem(response, 417, 'The only expectation that the admin API knows is 100-continue.');
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

/** Limits the request body. A client that sends more gets its response, if one was begun, and then the connection is closed. */
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

/** The requester gets one sentence; the stack goes to the debug log. */
function answerDefect(error: unknown, response: ServerResponse): void {
  if (process.env['CANDOR_DEBUG'] === '1') console.error(error);
  if (response.headersSent) response.destroy();
  else sendProblem(response, 500, 'Candor made a mistake while it answered. This is a defect; please report it.');
}
