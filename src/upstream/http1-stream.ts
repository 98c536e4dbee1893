import type { AwaitingRequest } from '../core/awaited-responses.ts';
import type { EndpointAnswers } from './endpoint-answers.ts';
import { invariantOf } from '../core/assert.ts';
import { fail, type Failure } from '#failures/failure.ts';
import {
  type Capabilities,
  bodyUntilClose,
  type MessageHeaders,
  type OutgoingRequest,
  type Ownership,
} from '../core/message.ts';
import type { AttemptLimits, ClientOfConnection, UpstreamHandler, UpstreamStream } from '../core/stream.ts';
import type { Instant } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { BodyReader, type BodyTaker } from '../wire/body-reader.ts';
import { interimBytesMax, interimMax, responseLimitsWith } from '../wire/limits.ts';
import { hasStreamType } from '../wire/is-stream.ts';
import type { ParsedResponseHead } from '../wire/parsed-response-head.ts';
import { ResponseHeadParser } from '../wire/response-head.ts';
import { protocolAnswered } from '../wire/upgrade.ts';
import { webSocketAccept } from '../wire/websocket-key.ts';
import {
  connectionEnded,
  interimExcess,
  connectionFailure,
  bodyRefused,
  type LostConnection,
  refusedResponse,
} from './connection-failure.ts';
import type { Http1StreamOwner, Http1StreamPorts } from './http1-stream-owner.ts';
import { Http1Request } from './http1-request.ts';
import { Http1Timeouts } from './http1-timeouts.ts';
import type { ConnectionSettings } from './ports.ts';
import { ignoredUpgrade, unexpectedUpgrade } from './switch-failure.ts';
import { withBodyBytes, withHeadBytes } from './unparsed-response.ts';
import { unknownCode } from '../core/unknown-code.ts';

/**
 * One request and its response on an HTTP/1.1 connection. The object lives as long as its connection and is used again for
 * the next request.
 *
 *     idle ──send──▶ head ──▶ body ──▶ idle        head ──101──▶ tunnel        any ──▶ over
 *
 * Every way in which an endpoint can fail a request arrives here and leaves as one `Failure` by `#failWith`.
 */
export class Http1Stream implements UpstreamStream, BodyTaker {
  readonly capabilities: Capabilities = { protocol: 'http/1.1', multiplexed: false, trailers: true };
  readonly transport: Transport;
  readonly address: string;
  readonly localPort: number;
  reused = false;
  idleMs = 0;
  requestSent = false;
  unsentBody: Uint8Array | null = null;
  answerBegun = false;
  interims = 0;

  readonly #connection: Http1StreamOwner;
  readonly #ports: Http1StreamPorts;
  readonly #answers: EndpointAnswers | undefined;
  readonly #request: Http1Request;
  readonly #parser: ResponseHeadParser;
  readonly #body: BodyReader;
  readonly #timeouts: Http1Timeouts;
  #phase: 'idle' | 'head' | 'body' | 'tunnel' | 'over' = 'idle';
  #handler: UpstreamHandler | null = null;
  #statusInHead = 0;
  #method = 'GET';
  #upgrade: string | null = null;
  #webSocketKey: string | null = null;
  /** Of all response heads. */
  #headBytes = 0;
  /** Nothing that has come so far prevents another request on the connection. */
  #persistent = false;
  /** Responses that have come whole on this connection. */
  #served = 0;
  #paused = false;
  /** The head of a response has come in this read. */
  #isHeadNew = false;

  constructor(connection: Http1StreamOwner, settings: ConnectionSettings, ports: Http1StreamPorts) {
    const { transport } = connection;
    const { address, responseHeadBytesMax: headBytesMax } = settings;
    this.#connection = connection;
    this.transport = transport;
    this.address = address;
    this.localPort = transport.facts.localPort;
    this.#ports = ports;
    this.#answers = settings.answers;
    this.#request = new Http1Request(transport, ports.writer);
    this.#parser = new ResponseHeadParser(responseLimitsWith(headBytesMax), ports.storage);
    this.#body = new BodyReader(transport, this);
    const timed = { deadline: connection, address, transport, parser: this.#parser, body: this.#body };
    this.#timeouts = new Http1Timeouts(timed, ports.clock);
  }

  /** No request is in flight. */
  get isIdle(): boolean {
    return this.#phase === 'idle';
  }

  /** When the request was sent; null: it is not, or its response has begun. */
  get awaitedSince(): Instant | null {
    return this.#phase === 'head' && this.requestSent && !this.answerBegun ? this.#timeouts.sentAt : null;
  }

  /** The request in flight; null: there is none, or it is not of a client. */
  get awaiting(): AwaitingRequest | null {
    return this.#handler?.awaiting ?? null;
  }

  get statusInHead(): number {
    return this.#phase === 'head' ? this.#parser.finalStatus : this.#statusInHead;
  }

  /** For the connection alone: the next request may be sent. */
  open(idleMs: number): void {
    this.reused = this.#served > 0;
    this.idleMs = this.reused ? idleMs : 0;
  }

  // The request.

  send(request: OutgoingRequest, handler: UpstreamHandler, limits: AttemptLimits): void {
    this.#phase = 'head';
    this.#handler = handler;
    this.#timeouts.begin(limits);
    this.#method = request.method;
    this.#upgrade = request.upgrade;
    this.#webSocketKey = request.webSocketKey ?? null;
    this.unsentBody = null;
    this.requestSent = false;
    this.answerBegun = false;
    this.#statusInHead = 0;
    this.interims = 0;
    this.#headBytes = 0;
    this.#persistent = true;
    this.#parser.expect(request.method);
    this.#request.begin(request, this.#connection.isLastRequest);
  }

  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    const hasRoom = this.#request.sendBody(bytes, start, end, ownership);
    if (!hasRoom) this.#watch();
    return hasRoom;
  }

  endBody(trailers: MessageHeaders | null): void {
    this.#request.end(trailers);
    if (this.#phase !== 'tunnel') return;
    if (this.#request.isTunnel) this.#endToEndpoint();
    else this.#beginTunnel();
  }

  flush(): void {
    if (this.#phase === 'idle' || this.#phase === 'over') return;
    // Also when nothing is composed any more: another composer that claimed the writer has sent it.
    const taken = this.#request.flush();
    if (this.requestSent && this.#phase !== 'tunnel') return;
    if (taken) this.#noteSent();
    this.#watchAfterSending();
  }

  get requestBegun(): boolean {
    return this.#request.begun;
  }

  onWritten(): void {
    const handler = this.#handler;
    if (handler === null) return;
    this.#noteSent();
    this.#watchAfterSending();
    try {
      handler.onEndpointRoom();
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  #noteSent(): void {
    if (!this.#request.isWhole || this.requestSent) return;
    this.requestSent = true;
    this.#timeouts.requestSent();
  }

  // The response.

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    const handler = this.#handler;
    if (handler === null) return;
    if (!this.requestBegun) {
      // Bytes that come before the request has left end an idle connection that was about to be used (with a 408, say).
      if (this.reused) return this.#failWith(connectionEnded(this.#lostConnection()));
      // On a new connection they may say why the endpoint serves no request. An answer to the request would be one too many.
      this.#persistent = false;
    }
    try {
      this.#read(handler, bytes, start, end);
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  /** A defect in Candor ends this exchange, not the worker with all others. */
  #broken(handler: UpstreamHandler, error: unknown): void {
    this.#handler ??= handler; // The response may have ended here already, and still be on its way to the client.
    this.#failWith(fail('gateway_fault', 'response', { invariant: invariantOf(error) }));
  }

  #read(handler: UpstreamHandler, bytes: Uint8Array, start: number, end: number): void {
    this.#timeouts.byteReceived();
    let at = start;
    while (at < end) {
      if (this.#phase === 'head') at += this.#readHead(bytes, at, end);
      else if (this.#phase === 'body' || this.#phase === 'tunnel') at += this.#readBody(bytes, at, end);
      else break;
      if (this.#handler !== handler) break; // The response ended or failed, or the attempt was cancelled.
    }
    if (this.#handler === handler) {
      this.#watch();
      // Only a response that has not come whole with its head can last.
      if (this.#isHeadNew && hasStreamType((this.#parser.head as ParsedResponseHead).headers)) this.#connection.lasts();
    }
    this.#isHeadNew = false;
    handler.onResponseReadDone();
  }

  #readHead(bytes: Uint8Array, start: number, end: number): number {
    this.answerBegun = true;
    const consumed = this.#parser.push(bytes, start, end);
    this.#headBytes += consumed;
    if (this.#parser.state === 'refused') {
      const served = this.interims === 0 ? this.#served : 0;
      const failure = refusedResponse(this.#parser, this.address, served, this.#answers);
      this.#failWith(withHeadBytes(failure, this.#parser, bytes, start + consumed, end));
    } else if (this.#parser.state === 'complete')
      this.#onHead(this.#parser.head as ParsedResponseHead, end - start - consumed);
    return consumed;
  }

  #onHead(head: ParsedResponseHead, bytesBehind: number): void {
    if (head.status === 101) return this.#onSwitched(head);
    if (!head.keepAlive) this.#persistent = false;
    if (head.status < 200) {
      if (++this.interims > interimMax || this.#headBytes > interimBytesMax) {
        return this.#failWith(interimExcess(this.address, this.interims, this.#headBytes));
      }
      this.#handler?.onInterimResponse(head);
      this.#parser.reset();
      this.#parser.expect(this.#method);
      this.answerBegun = false; // RFC 9110 §15.2: an interim response is not part of the answer.
      return;
    }
    if (this.#webSocketKey !== null && head.status < 300)
      return this.#failWith(ignoredUpgrade(this.address, head.status));
    this.#phase = 'body';
    this.#isHeadNew = true;
    this.#answers?.onHttp();
    this.#connection.keepAliveTimeoutS = head.keepAliveTimeoutS;
    this.#body.begin(head.framing);
    this.#timeouts.beginBody();
    const handler = this.#handler;
    handler?.onResponse(head);
    if (this.#handler === handler && this.#body.state === 'whole') this.#end(null, bytesBehind);
  }

  /**
   * RFC 9110 §7.8: the bytes after this head belong to the protocol that it names, which the request must have offered. What else may be
   * wrong with it says nothing of them, and is not passed on: framing headers (RFC 9112 §6.3), HTTP/1.0, and no `Connection: upgrade`.
   */
  #onSwitched(head: ParsedResponseHead): void {
    const answered = head.headers.get('upgrade');
    const protocol = protocolAnswered(this.#upgrade, answered);
    if (protocol === null) return this.#failWith(unexpectedUpgrade(this.address, this.#upgrade, answered));
    // RFC 6455 §4.1: who made the key checks what answers it.
    const accept = head.headers.get('sec-websocket-accept');
    if (this.#webSocketKey !== null && accept !== webSocketAccept(this.#webSocketKey)) {
      const fault = accept === null ? 'missing' : 'wrong';
      return this.#failWith(unexpectedUpgrade(this.address, this.#upgrade, answered, fault));
    }
    this.#phase = 'tunnel';
    // The protocol does not change within a message (RFC 9110 §7.8): what is left of the body is sent first.
    if (this.#request.isWhole) this.#beginTunnel();
    this.#body.begin(bodyUntilClose);
    this.#handler?.onSwitched(protocol, head);
    this.#parser.reset();
    this.#connection.lasts();
  }

  /** The request is whole: the client's direction begins. */
  #beginTunnel(): void {
    this.#request.beginTunnel();
    this.requestSent = true;
  }

  /** The client sends no more: FIN goes out behind what it sent. */
  #endToEndpoint(): void {
    this.#request.flush();
    this.transport.end();
    this.#watch();
    if (this.#body.state === 'whole') this.#handler = null; // Both directions have ended; the connection closes by itself.
  }

  /** The endpoint sends no more; the client may. */
  #endFromEndpoint(): void {
    const handler = this.#handler;
    this.#body.end();
    this.#watch();
    if (this.#request.isWhole) this.#handler = null;
    if (handler === null) return;
    try {
      handler.onResponseEnd(null);
      handler.onResponseReadDone();
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  #readBody(bytes: Uint8Array, start: number, end: number): number {
    const consumed = this.#body.push(bytes, start, end);
    const { state } = this.#body;
    if (state === 'whole') this.#end(this.#body.trailers, end - start - consumed);
    else if (state === 'refused') {
      const failure = bodyRefused(this.#body, this.address);
      this.#failWith(withBodyBytes(failure, bytes, start, start + consumed, end));
    }
    return consumed;
  }

  onBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    this.#handler?.onResponseBody(bytes, start, end, ownership);
  }

  #end(trailers: MessageHeaders | null, surplus: number): void {
    const handler = this.#handler;
    if (handler === null) return;
    const reusable = this.#persistent && this.#request.isWhole && this.requestSent && surplus === 0;
    this.#handler = null;
    this.#body.stop();
    if (this.#paused) this.resumeBody();
    if (surplus > 0) handler.onSurplus?.(surplus);
    handler.onResponseEnd(trailers);
    // Only now: a response that was held until it was whole is forwarded in that call, with its headers.
    this.#parser.reset();
    if (!reusable) return this.#connection.end('going_away', 'close');
    this.#phase = 'idle';
    this.#served++;
    this.#connection.reuse(this.#timeouts.lastByteAt);
  }

  pauseBody(): void {
    this.#paused = true;
    this.#watch();
    this.transport.pause();
  }

  resumeBody(): void {
    this.#paused = false;
    this.#timeouts.byteReceived();
    this.#watch();
    this.transport.resume();
  }

  keepBody(): void {
    this.#body.leaveBuffer();
  }

  reserveFor(client: ClientOfConnection, isLogin: boolean): void {
    this.#connection.reserveFor(client, isLogin);
  }

  // What can go wrong.

  /** Sets the deadline: the limit that is reached first from here on. */
  #watch(): void {
    if (this.#phase === 'body') this.#timeouts.watchBody(this.#paused);
    else if (this.#phase === 'tunnel') this.#timeouts.watchTunnel();
    else if (this.#phase === 'head') this.#timeouts.watchHead();
  }

  #watchAfterSending(): void {
    if (this.#phase === 'body') this.#timeouts.noteSent();
    this.#watch();
  }

  onExpired(now: Instant): void {
    const timeouts = this.#timeouts;
    if (this.#phase === 'body' && timeouts.noteSent()) return this.#watch();
    if (this.#phase === 'body')
      return this.#failWith(timeouts.bodyFailure(!this.#request.isWhole && this.transport.pendingBytes === 0));
    if (timeouts.isTakingBytes) return this.#watch();
    if (this.#phase === 'tunnel') return this.#failWith(timeouts.tunnelFailure());
    this.#failWith(timeouts.headFailure(now, this.#request.bytesSent, this.interims));
  }

  onEnd(): void {
    if (this.#phase === 'tunnel') return this.#endFromEndpoint();
    if (this.#phase === 'body' && this.#body.framing.kind === 'until-close') {
      return this.#endWithConnection();
    }
    this.#failWith(connectionEnded(this.#lostConnection()));
  }

  #endWithConnection(): void {
    const handler = this.#handler;
    if (handler === null) return;
    this.#persistent = false;
    try {
      this.#end(null, 0);
      handler.onResponseReadDone();
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  onClosed(errno: string | null): void {
    if (this.#handler === null) return this.#connection.end('broken', 'close');
    const code = errno ?? 'ECONNRESET';
    const failure = connectionFailure(this.#lostConnection(), code);
    if (failure !== null) return this.#failWith(failure);
    const unknown = { stage: this.#phase === 'body' ? 'body' : 'response', code } as const;
    this.#ports.onUnclassified(unknown);
    this.#failWith(unknownCode(unknown));
  }

  #lostConnection(): LostConnection {
    const { address, reused, idleMs, requestSent } = this;
    const lost = { address, reused, idleMs, requestSent, bytesSent: this.#request.bytesSent };
    const { framing, bytesReceived } = this.#body;
    if (this.#phase === 'body' || this.#phase === 'tunnel') return { ...lost, at: 'body', framing, bytesReceived };
    if (this.#parser.began) return { ...lost, at: 'head', bytesReceived: this.#parser.bytesHeld };
    return { ...lost, at: 'before' };
  }

  #failWith(failure: Failure): void {
    const handler = this.#handler;
    this.#handler = null;
    this.#statusInHead = this.statusInHead;
    if (!this.requestBegun) this.unsentBody = this.#request.reclaimBody();
    this.#connection.end('broken', 'close');
    handler?.onAttemptFailed(failure);
  }

  cancel(): void {
    this.#handler = null;
    // A client must not take half a tunnel for a whole one.
    if (this.#phase !== 'idle') this.#connection.end('broken', this.#phase === 'tunnel' ? 'reset' : 'close');
    else if (this.#connection.streamsOpen > 0) this.#connection.reuse(this.#connection.idleSince); // Nothing was sent.
  }

  /** For the connection alone. */
  onConnectionEnded(): void {
    this.#phase = 'over';
    this.#parser.reset();
    this.#request.discard();
  }
}
