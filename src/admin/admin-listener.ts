import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { AdminTls, AdminToken } from '../core/configuration.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { protect, sendProblem } from './answer.ts';
import {
  type AuthorizationResult,
  authorize,
  type AuthorizationRequest,
  type AuthorizationState,
  operationOfTarget,
  type Authorized,
} from './authorization.ts';
import type { DenialReport } from './denial-report.ts';
import { retryAfterS } from './failed-attempts.ts';
import { changeCertificate, nodeHttps, serverTlsOptions } from './admin-tls.ts';
import { nodeHttp } from './node-http.ts';
import { requestBytesMax } from './request-body.ts';
import type { AdminRequester } from './session-api.ts';
import type { Sessions } from './sessions.ts';
import type { AdminRole } from '../core/admin-roles.ts';

/** Connections without an accepted token. Such a connection lasts seconds; this is enough for a burst. */
const unauthenticatedMax = 64;
/** Connections with an accepted token: scrapers and people. Each costs some 20 KiB, more during a response. */
const authenticatedMax = 128;
/** Of these, those on which only the role `read` was shown: the rest is for operators, who must get through when readers take all that they can. */
const readersMax = 96;

/**
 * The connections of a TCP listener. Requesters without a token cannot fill it: if there are too many connections that have not
 * shown a token, the oldest of them is closed for the new one, because a legitimate requester shows its token within milliseconds.
 *
 * A connection is known by its remote address and port: with TLS, Node reports it by the socket below the one that its requests have,
 * and a connection counts from its beginning, not from the end of its handshake.
 */
export class AdminConnections {
  /** Oldest first. */
  readonly #unauthenticated = new Map<string, Socket>();
  readonly #authenticated = new Map<string, Socket>();
  /** Those of `#authenticated` that have shown no more than the role `read`. */
  readonly #readers = new Set<string>();
  readonly #onFull: (remote: string) => void;

  constructor(server: Server, onFull: (remote: string) => void) {
    this.#onFull = onFull;
    server.on('connection', (socket: Socket) => this.#onConnection(socket));
  }

  /** A valid token or session with this role was shown on this connection. False if there are too many such connections. */
  markAuthenticated(socket: Socket, role: AdminRole): boolean {
    const remote = remoteOf(socket);
    if (remote === null) return false; // It is closed.
    if (role === 'operate') this.#readers.delete(remote);
    if (this.#authenticated.has(remote)) return true;
    if (this.#authenticated.size >= authenticatedMax) return false;
    if (role === 'read' && this.#readers.size >= readersMax) return false;
    if (role === 'read') this.#readers.add(remote);
    const known = this.#unauthenticated.get(remote) ?? socket;
    this.#unauthenticated.delete(remote);
    this.#authenticated.set(remote, known);
    return true;
  }

  destroyAll(): void {
    for (const socket of [...this.#unauthenticated.values(), ...this.#authenticated.values()]) socket.destroy();
  }

  #onConnection(socket: Socket): void {
    const remote = remoteOf(socket);
    if (remote === null) return; // It was reset before it was accepted.
    this.#unauthenticated.set(remote, socket);
    socket.once('close', () => {
      for (const known of [this.#unauthenticated, this.#authenticated])
        if (known.get(remote) === socket) known.delete(remote);
      if (!this.#authenticated.has(remote)) this.#readers.delete(remote);
    });
    if (this.#unauthenticated.size <= unauthenticatedMax) return;
    const [oldest] = this.#unauthenticated;
    if (oldest === undefined) return;
    this.#unauthenticated.delete(oldest[0]);
    this.#onFull(oldest[0]);
    oldest[1].destroy();
  }
}

/** '192.0.2.7:51234'; null if the connection has no address, or is closed. */
function remoteOf({ remoteAddress, remotePort, remoteFamily }: Socket): string | null {
  if (remoteAddress === undefined || remoteAddress === '') return null;
  return remoteFamily === 'IPv6' ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}

/**
 * The tokens and sessions that each connection has used, so that the connection ends when one of them is revoked: it may be open for
 * days.
 */
class TokenHolders {
  readonly #shownBySocket = new Map<Socket, Shown>();

  add(socket: Socket, { token, session }: Pick<Authorized, 'token' | 'session'>): void {
    if (token === null && session === null) return;
    const known = this.#shownBySocket.get(socket);
    const shown = known ?? { tokens: new Set<string>(), sessions: new Set<string>() };
    if (token !== null) shown.tokens.add(tokenKey(token));
    if (session !== null) shown.sessions.add(session.id);
    if (known !== undefined) return;
    this.#shownBySocket.set(socket, shown);
    socket.once('close', () => this.#shownBySocket.delete(socket));
  }

  /** Connections on which a token was shown that is not among `tokens`, or a session that is over. */
  without(tokens: readonly AdminToken[], open: Sessions | null): readonly Socket[] {
    const known = new Set(tokens.map(tokenKey));
    const isRevoked = ({ tokens: shown, sessions }: Shown): boolean =>
      [...shown].some((one) => !known.has(one)) || [...sessions].some((id) => open?.isOpen(id, tokens) !== true);
    return [...this.#shownBySocket].filter(([, shown]) => isRevoked(shown)).map(([socket]) => socket);
  }
}

interface Shown {
  /** By name and hash: a token with a new name or a new hash is another token. */
  readonly tokens: Set<string>;
  readonly sessions: Set<string>;
}

function tokenKey({ name, hash }: AdminToken): string {
  return `${hash} ${name}`;
}

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

/** What a listener shares with others. */
interface ListenerContext extends AuthorizationState {
  readonly clock: Clock;
  readonly denials: DenialReport;
}

/** Answers the requests that a listener has authorized. */
export interface RequestHandler {
  handle(requester: AdminRequester, request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Ends the streams on these connections; without `sockets` all streams. */
  endStreams(sockets?: ReadonlySet<Socket>): void;
}

/** One listener of the admin API: on the unix socket, or at an address. */
export class AdminListener {
  readonly via: 'socket' | 'tcp';
  readonly server: Server;
  #tls: AdminTls | null;
  readonly #context: ListenerContext;
  readonly #clock: Clock;
  readonly #handler: RequestHandler;
  readonly #connections: AdminConnections | null;
  readonly #tokenHolders = new TokenHolders();
  #revokedTimer: Timer | null = null;
  /** Connections on which a request was refused: further requests on them are ignored. */
  readonly #denied = new WeakSet<Socket>();

  /** `tls`: null for connections in clear text. */
  constructor(via: 'socket' | 'tcp', context: ListenerContext, handler: RequestHandler, tls: AdminTls | null = null) {
    this.via = via;
    this.#context = context;
    this.#clock = context.clock;
    this.#handler = handler;
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
      this.#handler.endStreams();
      this.server.closeIdleConnections();
    });
  }

  /** The certificate of handshakes from now on. For a listener that has TLS. */
  changeTls(tls: AdminTls): void {
    if (this.#tls === null || JSON.stringify(tls) === JSON.stringify(this.#tls)) return;
    this.#tls = tls;
    changeCertificate(this.server, tls);
  }

  get #revoked(): readonly Socket[] {
    return this.#tokenHolders.without(this.#context.spec.tokens, this.#context.sessions);
  }

  /** Ends the connections of revoked tokens and sessions: streams at once, a response in flight when it has been sent. */
  closeRevoked(): void {
    const sockets = this.#revoked;
    if (sockets.length === 0) return;
    this.#handler.endStreams(new Set(sockets));
    // A further request with that token meanwhile gets a 401.
    this.#revokedTimer ??= this.#clock.schedule(
      after(this.#clock.now(), closeGraceMs),
      () => this.#destroyRevoked(),
      null,
    );
  }

  #destroyRevoked(): void {
    this.#revokedTimer = null;
    for (const socket of this.#revoked) socket.destroy();
  }

  async #handle(request: IncomingMessage, response: ServerResponse, expected: Expectation): Promise<void> {
    if (this.#denied.has(request.socket)) return;
    limitContent(request, response);
    protect(response);
    try {
      const secure = this.#tls !== null;
      const authorization = authorize(authorizationRequestOf(request, this.via, secure), this.#context);
      if (!authorization.authorized) return this.#deny(authorization, request, response);
      const { actor, role, token, session } = authorization;
      if (role !== null && this.#connections?.markAuthenticated(request.socket, role) === false) {
        return sendProblem(response, 503, 'Too many connections are open already.');
      }
      this.#tokenHolders.add(request.socket, authorization);
      if (expected === 'unknown')
        return sendProblem(response, 417, 'The only expectation that the admin API knows is 100-continue.');
      if (expected === '100-continue') response.writeContinue();
      const requester = { actor, role, token, session, remote: remoteOf(request.socket), via: this.via, secure };
      await this.#handler.handle(requester, request, response);
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

/** The operation of a refused request, for the event; null if there is none. */
function operationOf({ method = 'GET', url = '/' }: IncomingMessage): string | null {
  return operationOfTarget(method, url)?.id ?? null;
}

function authorizationRequestOf(
  request: IncomingMessage,
  via: 'socket' | 'tcp',
  secure: boolean,
): AuthorizationRequest {
  return {
    via,
    secure,
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
