import { invariantOf } from '../core/assert.ts';
import type { ConnectionReuse } from '../core/configuration.ts';
import type { UnknownCode } from '../core/connector.ts';
import { Deadline } from '../core/deadline.ts';
import { fail, type Failure } from '../core/failure.ts';
import {
  type Capabilities,
  contentUntilClose,
  type Fields,
  type OutgoingRequest,
  type Ownership,
} from '../core/message.ts';
import type { AttemptLimits, UpstreamHandler, UpstreamStream } from '../core/stream.ts';
import { after, type Clock, type Instant, never } from '../core/time.ts';
import { tunnelIdleMs } from '../core/tunnel.ts';
import type { Transport, TransportListener } from '../core/transport.ts';
import { writeLastChunk } from '../wire/chunked.ts';
import { ContentReader, type ContentTaker } from '../wire/content-reader.ts';
import type { HeadStorage } from '../wire/head-storage.ts';
import { type HeadLimits, interimMax, interimBytesMax } from '../wire/limits.ts';
import type { ByteWriter } from '../wire/byte-writer.ts';
import { ResponseHeadParser } from '../wire/response-head.ts';
import { type Http1ResponseHead } from '../wire/http1-response-head.ts';
import { type ContentCoding, sendContent } from '../wire/send-content.ts';
import { protocolAnswered } from '../wire/upgrade.ts';
import { writeRequestHead } from '../wire/write-head.ts';
import {
  connectionEnded,
  connectionFailure,
  contentRefused,
  type LostConnection,
  refusedResponse,
} from './connection-failure.ts';
import { isFramed, malformedSwitch, unexpectedUpgrade } from './switch-failure.ts';
import { unknownCode } from '../core/unknown-code.ts';

/** Where a connection returns to, and where its loss is told. */
export interface ConnectionOwner {
  /** What the operator allows; with 'never' the endpoint is told that no other request follows. */
  readonly reuse: ConnectionReuse;
  /** It may serve another exchange. */
  onReturned(connection: UpstreamConnection): void;
  /** It will serve no more. */
  onLost(connection: UpstreamConnection): void;
}

export interface ConnectionPorts {
  readonly clock: Clock;
  readonly writer: ByteWriter;
  readonly storage: HeadStorage;
  /** Called for an error code that `errno-meaning.ts` does not know. */
  readonly onUnclassified: (unknown: UnknownCode) => void;
}

/**
 * One HTTP/1.1 connection to an endpoint; one exchange at a time (RFC 9112 §9).
 *
 *     idle ──send──▶ head ──▶ content ──▶ idle        head ──101──▶ tunnel        any ──▶ over
 *
 * Every way in which the endpoint can fail us arrives here and leaves as one `Failure` by `#failWith`.
 */
export class UpstreamConnection extends Deadline implements TransportListener, UpstreamStream, ContentTaker {
  readonly capabilities: Capabilities = { multiplexed: false, canReset: false, trailers: true, tunnels: true };
  readonly transport: Transport;
  readonly address: string;
  readonly localPort: number;
  reused = false;
  idleMs = 0;
  idleSince: Instant;
  requestSent = false;
  unsentContent: Uint8Array | null = null;
  answerBegun = false;
  /** Said by the endpoint (`Keep-Alive: timeout`); null when it said nothing. */
  keepAliveTimeoutS: number | null = null;

  readonly #ports: ConnectionPorts;
  readonly #owner: ConnectionOwner;
  readonly #parser: ResponseHeadParser;
  readonly #content: ContentReader;
  #phase: 'idle' | 'head' | 'content' | 'tunnel' | 'over' = 'idle';
  #handler: UpstreamHandler | null = null;
  #limits: AttemptLimits = { responseHeadMs: 0, idleMs: 0 };
  #method = 'GET';
  #upgrade: string | null = null;
  #coding: ContentCoding = 'plain';
  #requestEnded = false;
  /** Interim responses of this exchange, and the bytes of all its heads. */
  #interims = 0;
  #headBytes = 0;
  #headDueAt: Instant = never;
  /** Whether nothing that has come of this exchange keeps the connection from serving another one. */
  #persistent = false;
  #bytesSent = 0;
  #sentBefore = 0;
  #pendingBefore = 0;
  /** Since when the endpoint of a tunnel has taken none of the bytes that wait for it. */
  #stuckSince: Instant = never;
  #paused = false;
  #lastByteAt: Instant;

  constructor(
    transport: Transport,
    address: string,
    limits: HeadLimits,
    ports: ConnectionPorts,
    owner: ConnectionOwner,
  ) {
    super();
    this.transport = transport;
    this.address = address;
    this.localPort = transport.facts.localPort;
    this.#ports = ports;
    this.#owner = owner;
    this.#parser = new ResponseHeadParser(limits, ports.storage);
    this.#content = new ContentReader(transport, this);
    this.idleSince = ports.clock.now();
    this.#lastByteAt = this.idleSince;
    transport.listener = this;
  }

  // The request.

  send(request: OutgoingRequest, handler: UpstreamHandler, limits: AttemptLimits): void {
    this.#phase = 'head';
    this.#handler = handler;
    this.#limits = limits;
    this.#method = request.method;
    this.#upgrade = request.upgrade;
    this.#coding = request.framing.kind === 'chunked' ? 'chunked' : 'plain';
    this.#requestEnded = false;
    this.#sentBefore = this.transport.sentBytes;
    this.unsentContent = null;
    this.requestSent = false;
    this.answerBegun = false;
    this.#headDueAt = never;
    this.#bytesSent = 0;
    this.#interims = 0;
    this.#headBytes = 0;
    this.#persistent = true;
    this.at = never;
    this.#parser.expect(request.method);
    this.#ports.writer.claim(this);
    writeRequestHead(this.#ports.writer, request, this.#owner.reuse === 'never');
  }

  sendContent(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    this.#bytesSent += end - start;
    const taken = sendContent(this.#ports.writer, this, this.#coding, bytes, start, end, ownership);
    // What was composed may still be pending from an earlier flush: small pieces must not pile up behind it.
    const room = taken && this.transport.pendingBytes === 0;
    if (!room) this.#watch();
    return room;
  }

  endContent(trailers: Fields | null): void {
    if (this.#coding === 'chunked') {
      this.#ports.writer.claim(this);
      writeLastChunk(this.#ports.writer, trailers);
    }
    this.#requestEnded = true;
    if (this.#phase === 'tunnel') this.#endToEndpoint();
  }

  flush(): void {
    if (this.#phase === 'idle' || this.#phase === 'over') return;
    // Also when nothing is composed any more: whoever claimed the writer after us has sent it.
    const taken = this.#ports.writer.flush(this);
    if (this.requestSent && this.#phase !== 'tunnel') return;
    if (taken) this.#noteSent();
    this.#watch();
  }

  /**
   * Small requests wait in the transport for the end of the turn, so that an end of the connection that comes in the same
   * turn finds them there: then nothing has been sent.
   */
  get requestBegun(): boolean {
    return this.transport.sentBytes > this.#sentBefore;
  }

  onWritten(): void {
    const handler = this.#handler;
    if (handler === null) return;
    this.#noteSent();
    this.#watch();
    try {
      handler.onEndpointRoom();
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  #noteSent(): void {
    if (!this.#requestEnded || this.requestSent) return;
    this.requestSent = true;
    this.#headDueAt = after(this.#ports.clock.now(), this.#limits.responseHeadMs);
  }

  // The response.

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#phase === 'idle') return this.#close(); // Nobody asked: RFC 9112 §9.2 lets no such bytes count.
    const handler = this.#handler;
    if (handler === null) return;
    if (!this.requestBegun) {
      // Nor does what comes before our request has left: it ends an idle connection (a 408, say) that we were about to use.
      if (this.reused) return this.#failWith(connectionEnded(this.#lostConnection()));
      // On a new one it may be why the endpoint will not serve us. Should it also answer the request, that would be one too many.
      this.#persistent = false;
    }
    try {
      this.#read(handler, bytes, start, end);
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  /** A defect of ours ends this exchange, not the worker and everybody else's. */
  #broken(handler: UpstreamHandler, error: unknown): void {
    this.#handler ??= handler; // It may have ended here already, and still be under way at its client.
    this.#failWith(fail('gateway_fault', 'response', { invariant: invariantOf(error) }));
  }

  #read(handler: UpstreamHandler, bytes: Uint8Array, start: number, end: number): void {
    this.#lastByteAt = this.#ports.clock.now();
    let at = start;
    while (at < end) {
      if (this.#phase === 'head') at += this.#readHead(bytes, at, end);
      else if (this.#phase === 'content' || this.#phase === 'tunnel') at += this.#readContent(bytes, at, end);
      else break;
      if (this.#handler !== handler) break; // The response ended, or failed, or was given up.
    }
    if (this.#handler === handler) this.#watch();
    handler.onResponseRead();
  }

  #readHead(bytes: Uint8Array, start: number, end: number): number {
    this.answerBegun = true;
    const consumed = this.#parser.push(bytes, start, end);
    this.#headBytes += consumed;
    const { state } = this.#parser;
    if (state === 'refused') this.#failWith(refusedResponse(this.#parser, this.address));
    else if (state === 'complete') this.#onHead(this.#parser.head as Http1ResponseHead, start + consumed < end);
    return consumed;
  }

  #onHead(head: Http1ResponseHead, more: boolean): void {
    if (head.status === 101) return this.#onSwitched(head);
    if (!head.keepAlive) this.#persistent = false;
    if (head.status < 200) {
      if (++this.#interims > interimMax || this.#headBytes > interimBytesMax) return this.#failWith(this.#excess());
      // RFC 9112 §6.1 and RFC 9110 §8.6 forbid it framing. What an endpoint means by it nobody can tell, so it stays here.
      if (!isFramed(head)) this.#handler?.onInformed(head);
      this.#parser.reset();
      this.#parser.expect(this.#method);
      this.answerBegun = false; // RFC 9110 §15.2: an interim response is none of the answer.
      return;
    }
    this.#phase = 'content';
    this.keepAliveTimeoutS = head.keepAliveTimeoutS;
    this.#content.begin(head.framing);
    const handler = this.#handler;
    handler?.onResponse(head);
    if (this.#handler === handler && this.#content.state === 'whole') this.#end(null, more);
  }

  #excess(): Failure {
    const seen = { address: this.address, responses: this.#interims, bytes: this.#headBytes };
    return fail('response_interim_excess', 'response', { ...seen, limit: interimMax, bytesMax: interimBytesMax });
  }

  /** RFC 9110 §7.8: the bytes behind this head are of the protocol that it names, which must be one we asked for. */
  #onSwitched(head: Http1ResponseHead): void {
    const answered = head.fields.get('upgrade');
    const protocol = protocolAnswered(this.#upgrade, answered);
    if (protocol === null) return this.#failWith(unexpectedUpgrade(this.address, this.#upgrade, answered));
    const malformed = malformedSwitch(head, this.address);
    if (malformed !== null) return this.#failWith(malformed);
    this.#phase = 'tunnel';
    this.#coding = 'plain';
    this.#requestEnded = false;
    this.requestSent = true;
    this.#content.begin(contentUntilClose);
    this.#handler?.onSwitched(protocol, head);
    this.#parser.reset();
  }

  /** The client sends no more: FIN goes out behind what it sent. */
  #endToEndpoint(): void {
    this.#ports.writer.flush(this);
    this.transport.end();
    this.#watch();
    if (this.#content.state === 'whole') this.#handler = null; // Both ends are said; the connection closes by itself.
  }

  /** The endpoint sends no more; the client may. */
  #endFromEndpoint(): void {
    const handler = this.#handler;
    this.#content.end();
    this.#watch();
    if (this.#requestEnded) this.#handler = null;
    if (handler === null) return;
    try {
      handler.onResponseEnd(null);
      handler.onResponseRead();
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  #readContent(bytes: Uint8Array, start: number, end: number): number {
    const consumed = this.#content.push(bytes, start, end);
    const { state } = this.#content;
    if (state === 'whole') this.#end(this.#content.trailers, start + consumed < end);
    else if (state === 'refused') this.#failWith(contentRefused(this.#content, this.address));
    return consumed;
  }

  onContent(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    this.#handler?.onResponseContent(bytes, start, end, ownership);
  }

  #end(trailers: Fields | null, more: boolean): void {
    const handler = this.#handler;
    if (handler === null) return;
    const reusable = this.#persistent && this.#requestEnded && this.requestSent && !more;
    this.#handler = null;
    this.#content.stop();
    if (this.#paused) this.resumeContent();
    handler.onResponseEnd(trailers);
    // Only now: a response that was held until it was whole is forwarded there, its fields with it.
    this.#parser.reset();
    if (!reusable) return this.#close();
    this.#phase = 'idle';
    this.reused = true;
    this.idleSince = this.#lastByteAt;
    this.#owner.onReturned(this);
  }

  pauseContent(): void {
    this.#paused = true;
    this.#watch();
    this.transport.pause();
  }

  resumeContent(): void {
    this.#paused = false;
    this.#lastByteAt = this.#ports.clock.now();
    this.#watch();
    this.transport.resume();
  }

  // What can go wrong.

  /** Which limit bites first from here on. */
  #watch(): void {
    const { idleMs } = this.#limits;
    if (this.#phase === 'content') this.at = this.#paused ? never : after(this.#lastByteAt, idleMs);
    else if (this.#phase === 'tunnel') this.#watchTunnel();
    else if (this.#phase !== 'head') return;
    else if (this.transport.pendingBytes > 0) {
      this.#pendingBefore = this.transport.pendingBytes;
      this.at = after(this.#ports.clock.now(), idleMs);
    } else if (this.#parser.began) this.at = Math.min(this.#headDueAt, after(this.#lastByteAt, idleMs)) as Instant;
    else this.at = this.#headDueAt;
  }

  /** A tunnel may rest for long. Bytes that wait for an endpoint which takes none may not: their client may be gone. */
  #watchTunnel(): void {
    const now = this.#ports.clock.now();
    const { pendingBytes } = this.transport;
    if (pendingBytes === 0) this.#stuckSince = never;
    else if (this.#stuckSince === never || pendingBytes < this.#pendingBefore) this.#stuckSince = now;
    this.#pendingBefore = pendingBytes;
    this.at =
      this.#stuckSince === never ? after(now, this.#tunnelIdleMs) : after(this.#stuckSince, this.#limits.idleMs);
  }

  /** Half a tunnel is about to end, as a message is, and may rest no longer. */
  get #tunnelIdleMs(): number {
    return this.#requestEnded || this.#content.state === 'whole' ? this.#limits.idleMs : tunnelIdleMs;
  }

  override onExpired(now: Instant): void {
    if (this.#phase === 'idle') return this.#close();
    // It takes bytes, if slowly: that is no reason to give it up.
    const { pendingBytes } = this.transport;
    const watched = this.#phase === 'head' || this.#phase === 'tunnel';
    if (watched && pendingBytes > 0 && pendingBytes < this.#pendingBefore) return this.#watch();
    this.#failWith(this.#expired(now));
  }

  #expired(now: Instant): Failure {
    const { address } = this;
    const { idleMs, responseHeadMs } = this.#limits;
    if (this.#phase === 'tunnel') {
      return fail('tunnel_idle', 'body', {
        address,
        idleMs: this.#stuckSince === never ? this.#tunnelIdleMs : idleMs,
        bytesReceived: this.#content.bytesReceived,
      });
    }
    if (this.#phase === 'content') {
      return fail('response_body_stalled', 'body', {
        address,
        idleMs,
        bytesReceived: this.#content.bytesReceived,
      });
    }
    if (this.transport.pendingBytes > 0) {
      return fail('request_write_timeout', 'send', { address, limitMs: idleMs, bytesSent: this.#bytesSent });
    }
    if (this.#parser.began && now < this.#headDueAt) {
      return fail('response_head_stalled', 'response', { address, idleMs, bytesReceived: this.#parser.bytesHeld });
    }
    const limitMs = responseHeadMs;
    if (!this.#parser.began) return fail('response_head_timeout', 'response', { address, limitMs });
    return fail('response_head_unfinished', 'response', { address, limitMs, bytesReceived: this.#parser.bytesHeld });
  }

  onEnd(): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'idle') return this.#close();
    if (this.#phase === 'tunnel') return this.#endFromEndpoint();
    if (this.#phase === 'content' && this.#content.framing.kind === 'until-close') {
      return this.#endWithConnection();
    }
    this.#failWith(connectionEnded(this.#lostConnection()));
  }

  #endWithConnection(): void {
    const handler = this.#handler;
    if (handler === null) return;
    this.#persistent = false;
    try {
      this.#end(null, false);
      handler.onResponseRead();
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  onClosed(errno: string | null): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'idle' || this.#handler === null) return this.#close();
    const code = errno ?? 'ECONNRESET';
    const failure = connectionFailure(this.#lostConnection(), code);
    if (failure !== null) return this.#failWith(failure);
    const unknown = { stage: this.#phase === 'content' ? 'body' : 'response', code } as const;
    this.#ports.onUnclassified(unknown);
    this.#failWith(unknownCode(unknown));
  }

  #lostConnection(): LostConnection {
    const { address, reused, idleMs, requestSent } = this;
    const lost = { address, reused, idleMs, requestSent, bytesSent: this.#bytesSent };
    const { framing, bytesReceived } = this.#content;
    if (this.#phase === 'content' || this.#phase === 'tunnel')
      return { ...lost, at: 'content', framing, bytesReceived };
    if (this.#parser.began) return { ...lost, at: 'head', bytesReceived: this.#parser.bytesHeld };
    return { ...lost, at: 'before' };
  }

  #failWith(failure: Failure): void {
    const handler = this.#handler;
    this.#handler = null;
    if (!this.requestBegun) this.unsentContent = this.#reclaimContent();
    this.#close();
    handler?.onAttemptFailed(failure);
  }

  /** What was given of the content stands behind the head, where it was not chunked; chunks are not worth taking apart. */
  #reclaimContent(): Uint8Array | null {
    if (this.#ports.writer.composed(this) > 0) return null; // In the middle of a read, where no failure comes from the endpoint.
    const held = this.transport.reclaimUnsent();
    if (this.#bytesSent > 0 || this.#requestEnded) {
      if (this.#coding === 'chunked' || held.length < this.#bytesSent) return null;
    }
    return held.subarray(held.length - this.#bytesSent);
  }

  cancel(): void {
    this.#handler = null;
    // Half a tunnel must not pass for a whole one.
    if (this.#phase !== 'idle') this.#close(this.#phase === 'tunnel' ? 'reset' : 'close');
  }

  /** Ends an idle connection, or one that can serve no more. */
  close(): void {
    this.#close();
  }

  #close(how: 'close' | 'reset' = 'close'): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.at = never;
    this.#parser.reset();
    this.#ports.writer.discard(this);
    // Nobody awaits the answer to what has not left yet.
    this.transport.reclaimUnsent();
    this.transport.close(how);
    this.#owner.onLost(this);
  }
}
