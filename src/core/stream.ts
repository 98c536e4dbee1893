import type { AwaitingRequest } from './awaited-responses.ts';
import type { ClientFacts } from './exchange.ts';
import type { Failure } from '#failures/failure.ts';
import type { HeaderFilter } from './header-names.ts';
import type {
  Capabilities,
  MessageHeaders,
  OutgoingRequest,
  OutgoingResponse,
  Ownership,
  RequestHead,
  ResponseHead,
} from './message.ts';
import type { Instant } from './time.ts';

/**
 * The two sides of an exchange, without a protocol version. `downstream/` and `upstream/` implement the
 * streams, `exchange/` the handlers; an in-memory pair in `testing/` implements the streams once more.
 *
 * A body that is sent may be buffered until `flush`; a side flushes by itself when it has much.
 * Credit: a send that returns false has taken the bytes, and asks the sender to wait for `onClientRoom` or `onEndpointRoom`.
 *
 * An exchange whose request asks for another protocol may become a tunnel: then the body of its messages, either
 * way, is what that protocol sends, and an end of a body is the end of that direction alone. Where the request has
 * body of its own, that is sent to its end first (RFC 9110 §7.8). HTTP/1.1 calls it Upgrade and ends a direction with
 * FIN; HTTP/2 calls it extended CONNECT and ends one with END_STREAM.
 * How long a tunnel may be idle is the exchange's decision. The sides only watch bytes that wait for a peer that takes none.
 */

/** The client's side of one exchange. */
export interface DownstreamStream {
  readonly capabilities: Capabilities;
  readonly request: RequestHead;
  readonly client: ClientFacts;
  /** When the first byte of the request came. */
  readonly startedAt: Instant;
  readonly startedWall: number;
  /** How long the request was queued before its exchange began; −1 or absent: it was not. */
  readonly queuedForMs?: number;
  /** The whole body of the request came in the read that brought its head: it follows `readBody` at once. */
  readonly bodyAtHand: boolean;
  /** More of the request has come in the read that brought its head, and is read next: `onRequestReadDone` follows. Absent: no. */
  readonly restAtHand?: boolean;
  /** Bytes of the response's body that it has taken and not sent, because the windows of HTTP/2 held them back; absent: it does not know. */
  readonly bodyUnsent?: number;
  /** Bytes of the request's body that have come, also those that the exchange has not read; absent: it does not know. */
  readonly bodyReceived?: number;
  /** The client has said that it speaks HTTP/1.1 too, on another connection; absent: it has not. */
  readonly mayUseHttp1?: boolean;
  /** How large the body may be, unless the route says otherwise (`DownstreamHandler.requestBytesMax`); null or absent: as large as it likes. */
  readonly bodyBytesMax?: number | null;
  /** No byte reaches the client any more, and `onClientLost` follows; absent: the exchange is told at once. */
  readonly isLost?: boolean;
  /** The request body is held back until this is called; sends "100 Continue" if the client waits for it. */
  readBody(): void;
  pauseBody(): void;
  resumeBody(): void;
  /** Sends an interim response (1xx), without the headers that `drop` holds, if the client understands it. */
  sendInterimResponse(status: number, headers: MessageHeaders, drop: HeaderFilter): void;
  respond(response: OutgoingResponse): void;
  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  /**
   * Answers the request by changing to `protocol`, with `response` as the head: the exchange is a tunnel. Bytes that the client
   * sends, or has sent early, follow as request body without `readBody`; what is left of the request's own body, and its
   * end, come before them.
   */
  switchTo(protocol: string, response: OutgoingResponse): void;
  /** With which status `switchTo` answers: 101, or 200 to an extended CONNECT (RFC 8441 §5). */
  readonly switchStatus: number;
  /** The response is complete. `onResponseSent` follows when its last byte has left. */
  endBody(trailers: MessageHeaders | null): void;
  flush(): void;
  /**
   * Truncates the response so that the client cannot take it for complete. No callback follows. `forHttp1`: the client is told to send the
   * request again over HTTP/1.1.
   */
  abort(forHttp1: boolean): void;
}

/** What the client's side reports to the exchange. */
export interface DownstreamHandler {
  /** The request waits for its turn in the queue of `concurrency`: a client that sends FIN now has left (ADR 10). */
  readonly isQueued: boolean;
  /** The route's limit of the body, in place of the listener's; null: none. Absent: the route has none of its own. */
  readonly requestBytesMax?: number | null | undefined;
  /** The exchange begins. `failure` says why the request cannot be served, if it cannot be parsed. */
  onRequest(failure: Failure | null): void;
  onRequestBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void;
  onRequestEnd(trailers: MessageHeaders | null): void;
  /** The request cannot be read to its end, but a response may still be sent; HTTP/1 also reports a client that left here. */
  onRequestFailed(failure: Failure): void;
  /** HTTP/2: no response can reach the client any more: it has left, or the gateway has ended its stream or connection. */
  onClientLost(failure: Failure): void;
  /**
   * The listener ends its tunnels with `failure`. The exchange may first close the protocol in its tunnel, which takes a second at
   * most. Nothing happens at a second call, or if the exchange is no tunnel. `of`: only if that instance serves the exchange.
   */
  onTunnelDrained(failure: Failure, of?: EndingInstance): void;
  /** One read has been processed: bytes that were buffered for the other side may be flushed. */
  onRequestReadDone(): void;
  /** The client has taken all pending bytes. */
  onClientRoom(): void;
  /** The last byte of the response has been handed to the system. */
  onResponseSent(): void;
}

/** An instance that the gateway is about to stop. */
export interface EndingInstance {
  /** With which the ids of its endpoints end. */
  readonly ending: string;
  /** Whether its event streams end too: like tunnels, they have no end of their own. */
  readonly eventStreams: boolean;
}

/** One attempt's side towards the endpoint. */
export interface UpstreamStream {
  readonly capabilities: Capabilities;
  readonly address: string;
  readonly localPort: number;
  /** The connection has served an earlier exchange. */
  readonly reused: boolean;
  /** How long it had been idle before this attempt. */
  readonly idleMs: number;
  /** Whether any byte of the request has been handed to the system, and whether all have. */
  readonly requestBegun: boolean;
  readonly requestSent: boolean;
  /**
   * For an attempt that failed before a byte of its request was sent: the request body given so far; the caller
   * owns the bytes. Null if a byte was sent, or the body cannot be recovered.
   */
  readonly unsentBody: Uint8Array | null;
  /** Whether any byte of an answer has come. */
  readonly answerBegun: boolean;
  /** For an attempt that failed: the final status that had come in a head that was refused, or not complete; 0 or absent: none had. */
  readonly statusInHead?: number;
  /** Interim responses that have come, also those that were not passed on; absent: not counted. */
  readonly interims?: number;
  send(request: OutgoingRequest, handler: UpstreamHandler, limits: AttemptLimits): void;
  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  /**
   * The request is complete; in a tunnel, the client sends no more. A request for an upgrade is ended as any other, but
   * its stream stays open until the answer is known: a switch begins a new body, behind what is left of the request's own.
   */
  endBody(trailers: MessageHeaders | null): void;
  flush(): void;
  pauseBody(): void;
  resumeBody(): void;
  /** The body is read on although owned bytes given so far wait for the client: they must stay as they are. */
  keepBody(): void;
  /**
   * From now on the connection carries requests of this connection of a client alone. `isLogin`: the request had credentials, and the next one
   * will. Absent: the protocol authenticates no connections.
   */
  reserveFor?(client: ClientOfConnection, isLogin: boolean): void;
  /** Cancels the request. No callback follows. */
  cancel(): void;
}

/** Whose connection it is, and the gateway's end of it, which stands for it. */
export type ClientOfConnection = Pick<ClientFacts, 'address' | 'connection'>;

export interface AttemptLimits {
  readonly responseHeadMs: number;
  readonly idleMs: number;
}

/** What the stream reports to its attempt. `exchange/attempt.ts` is the handler: one for each stream. */
export interface UpstreamHandler {
  /** The request; absent: it is not of a client. */
  readonly awaiting?: AwaitingRequest;
  onInterimResponse(response: ResponseHead): void;
  /**
   * The endpoint has changed to `protocol`, one of those asked for: the exchange is a tunnel. Each direction ends by
   * itself, by `onResponseEnd` and by `endBody`; the stream is used until both have ended.
   */
  onSwitched(protocol: string, response: ResponseHead): void;
  onResponse(response: ResponseHead): void;
  onResponseBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void;
  /** `onResponseEnd` follows: so many bytes came with the end of the response, behind it. Absent: the handler does not want to know. */
  onSurplus?(bytes: number): void;
  /** The response is complete; unless the exchange is a tunnel, the stream must not be used any more. */
  onResponseEnd(trailers: MessageHeaders | null): void;
  /** Called before the end: the beginning of what the application has written to STDERR for this request. Absent: the handler does not want it. */
  onErrorText?(text: string): void;
  /** The attempt ended without a complete response; the stream must not be used any more. */
  onAttemptFailed(failure: Failure): void;
  onResponseReadDone(): void;
  /** The endpoint has taken all pending bytes. */
  onEndpointRoom(): void;
}

/**
 * Which connections are acceptable: any, any that was checked first (for a request that may be tried only once), one that
 * was in use a moment ago and was checked (for a request that must not be retried), only a fresh one (for the retry after a stale
 * one), or any on which nothing has come, as the system says right before (for a request whose answer decides who may enter).
 */
export type ReusePolicy = 'any' | 'checked' | 'recently_used' | 'fresh' | 'quiet';

/** A request that waits until an endpoint may get it. */
export interface ReadyWaiter {
  onReady(): void;
  /** The time limit has come, or no endpoint will be ready soon. */
  onNotReady(): void;
}

/** Waits for a stream of an endpoint: either `onStream` or `onNoStream` is called once, perhaps before `acquire` returns. */
export interface StreamWaiter {
  /** The client of the request. A connection that names a client carries requests of that client alone. */
  readonly client: Pick<ClientFacts, 'address' | 'port' | 'connection' | 'peerAddress' | 'trusted'>;
  /** The request asks for a change of the connection's protocol, which HTTP/1.1 alone can do. */
  readonly needsHttp1: boolean;
  /** The request authenticates its connection: it gets one that carries no requests of others. */
  readonly needsPrivate: boolean;
  onStream(stream: UpstreamStream): void;
  onNoStream(failure: Failure): void;
  /** A stage on the way to the stream is done: for the timings of the record. */
  onStageDone(stage: 'queue' | 'dns' | 'connect' | 'tls'): void;
}

export interface PendingStream {
  /** The stream is not needed any more; neither callback follows. */
  cancel(): void;
}
