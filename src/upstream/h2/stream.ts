import type { AwaitingRequest } from '../../core/awaited-responses.ts';
import { invariantOf } from '../../core/assert.ts';
import type { Deadlines } from '../../core/deadline.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { Capabilities, MessageHeaders, OutgoingRequest, Ownership } from '../../core/message.ts';
import type { AttemptLimits, UpstreamHandler, UpstreamStream } from '../../core/stream.ts';
import type { Clock } from '../../core/time.ts';
import { unknownCode } from '../../core/unknown-code.ts';
import type { DecodedSection } from '../../wire/h2/decoded-section.ts';
import { sectionRefusal, statusOf } from '../../wire/h2/response-head.ts';
import type { SessionStream, StreamListener, StreamLoss } from '../../wire/h2/session-stream.ts';
import { trailerBlock } from '../../wire/h2/trailer-block.ts';
import type { HeadBlock } from '../../wire/head-storage.ts';
import type { ParsedHeaders } from '../../wire/parsed-headers.ts';
import type { ParsedResponseHead } from '../../wire/parsed-response-head.ts';
import { interimBytesMax, interimMax } from '../../wire/limits.ts';
import { isFinalStatus } from '../../wire/response-head.ts';
import { permittedTrailers } from '../../wire/trailers.ts';
import { headTimeout, interimExcess, stalledBody } from '../connection-failure.ts';
import { KeptBody } from './kept-body.ts';
import { writeRequestBlock } from './request-block.ts';
import { enhanceYourCalm, http1Required, noStreamsAllowed, refusedSection, streamFailure } from './stream-failure.ts';
import type { Http2EndpointStreamOwner, ReadingEndpointStream } from './stream-owner.ts';
import type { Instant } from '../../core/time.ts';
import { Http2EndpointTimeouts, type TimedEndpointStream } from './timeouts.ts';

const capabilities: Capabilities = { protocol: 'h2', multiplexed: true, trailers: true };

/** A response of which so much has come without a pause gets a larger window. */
const wideningBytes = 16 * 1024;

interface Http2EndpointStreamPorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
}

/**
 * One request to an endpoint and its response, on a stream of an HTTP/2 connection.
 *
 *     idle ──send──▶ head ──▶ body ──▶ over        any ──▶ over
 *
 * Every way in which an endpoint can fail a request arrives here and leaves as one `Failure` by `#failWith`.
 */
export class Http2EndpointStream implements UpstreamStream, StreamListener, TimedEndpointStream, ReadingEndpointStream {
  readonly capabilities = capabilities;
  readonly address: string;
  readonly localPort: number;
  readonly reused: boolean;
  readonly idleMs: number;
  requestSent = false;
  /** The client has ended it. */
  #requestEnded = false;
  unsentBody: Uint8Array | null = null;
  answerBegun = false;
  statusInHead = 0;
  interims = 0;

  readonly #connection: Http2EndpointStreamOwner;
  readonly #ports: Http2EndpointStreamPorts;
  #stream: SessionStream | null = null;
  #timeouts: Http2EndpointTimeouts | null = null;
  #phase: 'idle' | 'head' | 'body' | 'over' = 'idle';
  #handler: UpstreamHandler | null = null;
  #method = 'GET';
  /** The request's body, for another attempt where the endpoint does not process this one. */
  #kept: KeptBody | null = null;
  #bytesSent = 0;
  /** Behind the last frame that was composed. */
  #composedAt = 0;
  #headBytes = 0;
  #head: ParsedResponseHead | null = null;
  #trailers: ParsedHeaders | null = null;
  /** Those of the response's head and trailers, given back when it has ended. */
  #blocks: HeadBlock[] = [];
  #bytesReceived = 0;
  #paused = false;
  /** The body that came while the gateway paused. */
  #held: Buffer[] = [];
  #peerEnded = false;

  constructor(connection: Http2EndpointStreamOwner, ports: Http2EndpointStreamPorts, reused: boolean, idleMs: number) {
    this.#connection = connection;
    this.#ports = ports;
    this.address = connection.address;
    this.localPort = connection.localPort;
    this.reused = reused;
    this.idleMs = idleMs;
  }

  /** When the request was sent; null: it is not, or its response has begun. */
  get awaitedSince(): Instant | null {
    return this.#phase === 'head' ? (this.#timeouts?.awaitedSince ?? null) : null;
  }

  /** The request in flight; null: there is none, or it is not of a client. */
  get awaiting(): AwaitingRequest | null {
    return this.#handler?.awaiting ?? null;
  }

  // The request.

  send(request: OutgoingRequest, handler: UpstreamHandler, limits: AttemptLimits): void {
    const { session, block, isOpen } = this.#connection;
    this.#phase = 'head';
    this.#handler = handler;
    this.#method = request.method;
    this.#kept = new KeptBody();
    if (!isOpen) return this.onStreamLost({ by: 'connection' });
    // SETTINGS that came between the pool's choice of the connection and now.
    if (session.peer.streamsMax === 0) return this.#failWith(noStreamsAllowed(this.address));
    this.#timeouts = new Http2EndpointTimeouts(this, limits, this.#ports.clock, this.#ports.deadlines);
    this.#stream = session.open(this);
    this.#connection.beginBlock();
    writeRequestBlock(block, request);
    session.sender.headers(this.#stream, block.bytes, 0, block.length, false);
    this.#composedAt = session.sender.composedBytes;
  }

  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    const stream = this.#stream;
    if (stream === null || stream.isOver) return true;
    const { session } = this.#connection;
    this.#kept?.add(bytes, start, end);
    this.#bytesSent += end - start;
    const hasRoom = session.sender.body(stream, bytes, start, end, ownership);
    this.#composedAt = session.sender.composedBytes;
    if (hasRoom) this.#timeouts?.noteSent();
    else this.#timeouts?.awaitWrite();
    return hasRoom;
  }

  endBody(trailers: MessageHeaders | null): void {
    const stream = this.#stream;
    if (stream === null || stream.isOver) return;
    const { session, block } = this.#connection;
    session.sender.end(stream, trailerBlock(block, trailers));
    this.#requestEnded = true;
    this.#composedAt = session.sender.composedBytes;
  }

  /** Frames leave at the end of the turn, those of all streams together. */
  flush(): void {}

  /** What is composed on an open connection will leave, whatever becomes of the stream: only a lost connection takes it back. */
  get requestBegun(): boolean {
    const firstByteAt = this.#stream?.firstByteAt ?? -1;
    return firstByteAt >= 0 && (this.#connection.isOpen || this.#connection.sentBytes > firstByteAt);
  }

  get isWaitingToSend(): boolean {
    const waitingBytes = this.#stream?.waitingBytes ?? 0;
    return waitingBytes > 0 || this.#connection.sentBytes < this.#composedAt;
  }

  /** What windows hold up moves with the stream, what the system holds up with the connection. */
  get sentMark(): number {
    const waitingBytes = this.#stream?.waitingBytes ?? 0;
    return waitingBytes > 0 ? this.#bytesSent - waitingBytes : this.#connection.sentBytes;
  }

  onRoom(): void {
    const handler = this.#handler;
    if (handler === null) return;
    this.#timeouts?.awaitWrite();
    this.#timeouts?.noteSent();
    try {
      handler.onEndpointRoom();
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  onAllSent(): void {
    const handler = this.#handler;
    this.requestSent = true;
    if (this.#stream !== null) this.#connection.session.closeIfEnded(this.#stream);
    if (handler === null) return;
    this.#timeouts?.awaitHead();
    this.#timeouts?.noteSent();
    try {
      handler.onEndpointRoom();
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  /** A defect in Candor ends this exchange, and no other. */
  #broken(handler: UpstreamHandler, error: unknown): void {
    this.#handler ??= handler; // The response may have ended here already, and still be on its way to the client.
    this.#failWith(fail('gateway_fault', 'response', { invariant: invariantOf(error) }));
  }

  // The response.

  onSection(section: DecodedSection, endsStream: boolean): void {
    const handler = this.#handler;
    if (handler === null) return;
    try {
      if (this.#phase === 'body') this.#onTrailers(section, endsStream);
      else this.#onHead(handler, section, endsStream);
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  #onHead(handler: UpstreamHandler, section: DecodedSection, endsStream: boolean): void {
    const { reader, sectionLimits } = this.#connection;
    this.answerBegun = true;
    this.#headBytes += section.listBytes;
    const head = reader.read(section, endsStream, this.#method, sectionLimits);
    if ('cause' in head) {
      const status = statusOf(section.status);
      if (isFinalStatus(status)) this.statusInHead = status;
      return this.#refuse(refusedSection(head, this.address, 'response'));
    }
    if (head.status < 200) return this.#onInterim(handler, head);
    const stream = this.#stream as SessionStream;
    this.#head = head;
    this.#phase = 'body';
    this.#kept = null;
    this.#blocks.push(this.#connection.takeBlock(section));
    stream.hasHead = true;
    stream.bodyExpected = head.framing.kind === 'length' ? head.framing.bytes : head.framing.kind === 'none' ? 0 : -1;
    this.#timeouts?.awaitBody();
    if (!endsStream) this.#connection.noteRead(this);
    handler.onResponse(head);
  }

  #onInterim(handler: UpstreamHandler, head: ParsedResponseHead): void {
    if (++this.interims > interimMax || this.#headBytes > interimBytesMax)
      return this.#refuse(interimExcess(this.address, this.interims, this.#headBytes));
    this.#connection.noteRead(this);
    handler.onInterimResponse(head);
    this.answerBegun = false; // RFC 9110 §15.2: an interim response is not part of the answer.
  }

  #onTrailers(section: DecodedSection, endsStream: boolean): void {
    const refusal = sectionRefusal(section, this.#connection.sectionLimits);
    if (refusal !== null) return this.#refuse(refusedSection(refusal, this.address, 'body'));
    if (!endsStream) {
      const rule = 'trailers that do not end the stream';
      return this.#refuse(fail('response_frames', 'body', { address: this.address, rule, code: 'PROTOCOL_ERROR' }));
    }
    if (section.count === 0) return;
    this.#trailers = permittedTrailers(section.headers());
    this.#blocks.push(this.#connection.takeBlock(section));
  }

  onBody(bytes: Uint8Array, start: number, end: number): void {
    const { session } = this.#connection;
    const stream = this.#stream as SessionStream;
    const handler = this.#handler;
    if (handler === null) return session.windows.consume(stream, end - start);
    if (this.#phase === 'head') {
      const rule = 'DATA before the head of the response';
      return this.#refuse(fail('response_frames', 'response', { address: this.address, rule, code: 'PROTOCOL_ERROR' }));
    }
    this.#bytesReceived += end - start;
    if (this.#paused || this.#held.length > 0) {
      this.#held.push(Buffer.from(bytes.subarray(start, end)));
      return session.windows.hold(stream, end - start);
    }
    if (this.#bytesReceived > wideningBytes) session.windows.widen(stream);
    session.windows.consume(stream, end - start);
    this.#timeouts?.awaitBody();
    this.#connection.noteRead(this);
    try {
      handler.onResponseBody(bytes, start, end, 'borrowed');
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  onReadDone(): void {
    const handler = this.#handler;
    if (handler === null) return;
    try {
      handler.onResponseReadDone();
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  onPeerEnd(): void {
    this.#peerEnded = true;
    if (this.#held.length === 0) this.#end();
  }

  #end(): void {
    const handler = this.#handler;
    if (handler === null) return;
    this.#handler = null;
    this.#timeouts?.stop();
    try {
      handler.onResponseEnd(this.#trailers);
    } catch (error) {
      return this.#broken(handler, error);
    }
    this.#over();
  }

  pauseBody(): void {
    this.#paused = true;
    this.#timeouts?.pause();
  }

  resumeBody(): void {
    this.#paused = false;
    const handler = this.#handler;
    if (handler === null) return;
    try {
      this.#deliverHeld(handler);
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  keepBody(): void {}

  #deliverHeld(handler: UpstreamHandler): void {
    this.#timeouts?.awaitBody();
    const delivers = this.#held.length > 0;
    while (this.#held.length > 0 && !this.#paused && this.#handler === handler) {
      const bytes = this.#held.shift() as Buffer;
      this.#connection.session.windows.consumeHeld(this.#stream as SessionStream, bytes.length);
      handler.onResponseBody(bytes, 0, bytes.length, 'owned');
    }
    if (this.#paused) this.#timeouts?.pause();
    if (this.#handler !== handler) return;
    if (this.#peerEnded && this.#held.length === 0) this.#end();
    if (delivers) handler.onResponseReadDone();
  }

  // What can go wrong.

  onStreamLost(loss: StreamLoss): void {
    if (loss.by === 'connection') this.#connection.onLost();
    if (loss.by === 'peer' && loss.code === enhanceYourCalm && this.#head === null) this.#connection.onOverloaded();
    if (this.#handler === null) return;
    // What an endpoint does behind END_STREAM takes nothing from a response that waits for its client.
    if (this.#peerEnded || (loss.by !== 'rule' && this.#isWhole)) return this.onPeerEnd();
    const { connection, ...lost } = this.#lost();
    const failure = streamFailure({ ...lost, connection }, loss);
    if (failure !== null) {
      if ((loss.by === 'peer' || loss.by === 'going-away') && loss.code === http1Required)
        this.#connection.onHttp1Required();
      return this.#failWith(failure);
    }
    const unknown = {
      stage: this.#head === null ? 'response' : 'body',
      code: connection.by === 'endpoint' ? (connection.code ?? '') : '',
    } as const;
    this.#connection.onUnclassified(unknown.stage, unknown.code);
    this.#failWith(unknownCode(unknown));
  }

  /**
   * Only END_STREAM is missing. As in HTTP/1.1 the length decides: clients that were told it have taken the response for complete. An
   * endpoint that breaks off behind that has no trailers to add.
   */
  get #isWhole(): boolean {
    const framing = this.#head?.framing;
    if (framing === undefined || framing.kind === 'chunked') return false;
    return framing.kind === 'none' || (framing.kind === 'length' && framing.bytes === this.#bytesReceived);
  }

  #endWithoutPeer(): void {
    if (this.#stream !== null) this.#connection.session.reset(this.#stream, 'CANCEL');
    this.onPeerEnd();
  }

  #lost(): Parameters<typeof streamFailure>[0] {
    const { address, reused, idleMs, requestSent } = this;
    const { goAwayReceived: goAway, lostBy: connection } = this.#connection;
    const framing = this.#head?.framing ?? null;
    const bytesReceived = this.#stream?.bodyReceived ?? 0;
    const id = this.#stream?.id ?? 0;
    return { id, address, reused, idleMs, requestSent, ...this.#sent(), bytesReceived, framing, goAway, connection };
  }

  /** How much of the request has been composed and not kept back by a window. */
  #sent(): { readonly bytesSent: number; readonly headSent?: true } {
    const { waitingBytes = 0, forgottenBytes = 0 } = this.#stream ?? {};
    const bytesSent = this.#bytesSent - waitingBytes - forgottenBytes;
    return this.requestBegun ? { bytesSent, headSent: true } : { bytesSent: 0 };
  }

  onWriteOverdue(limitMs: number): void {
    const { address } = this;
    this.#failWith(fail('request_write_timeout', 'send', { address, limitMs, ...this.#sent() }));
  }

  onSilence(): void {
    this.#connection.checkAlive();
  }

  onHeadOverdue(limitMs: number): void {
    const ping = this.#answerToPing();
    this.#failWith(headTimeout({ address: this.address, limitMs, ping }, this.interims));
  }

  onBodyOverdue(idleMs: number): void {
    const bytesReceived = this.#bytesReceived;
    const ping = this.#answerToPing();
    if (this.#isWhole) return this.#endWithoutPeer();
    const awaitsClient = !this.#requestEnded && !this.isWaitingToSend;
    this.#failWith(stalledBody({ address: this.address, idleMs, bytesReceived, ping }, awaitsClient));
  }

  /** Whether it is the application that is slow, or the endpoint that is gone. */
  #answerToPing(): 'answered' | 'unanswered' {
    if (!this.#connection.isAnswerDue) return 'answered';
    this.#connection.onSilent();
    return 'unanswered';
  }

  /** The response breaks a rule: its stream ends, and no other. */
  #refuse(failure: Failure): void {
    if (this.#stream !== null) this.#connection.session.reset(this.#stream, 'PROTOCOL_ERROR');
    this.#failWith(failure);
  }

  #failWith(failure: Failure): void {
    const handler = this.#handler;
    this.#handler = null;
    // What was refused has not been processed either, so that its body may be sent once more.
    if (!this.requestBegun || failure.cause === 'stream_refused') this.unsentBody = this.#kept?.body() ?? null;
    this.#over();
    handler?.onAttemptFailed(failure);
  }

  cancel(): void {
    this.#handler = null;
    this.#over();
  }

  /** The stream is not used any more. What is still open of it is reset, so that nobody takes it for complete. */
  #over(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#timeouts?.stop();
    this.#held = [];
    this.#kept = null;
    const stream = this.#stream;
    if (stream !== null && !stream.isOver && !(stream.ended && this.#peerEnded))
      this.#connection.session.reset(stream, 'CANCEL');
    this.#head?.headers.detach();
    for (const block of this.#blocks) this.#connection.releaseBlock(block);
    this.#blocks = [];
    this.#connection.onStreamOver();
  }
}
