import { ByteBlocks } from '../../wire/byte-blocks.ts';
import { invariantOf } from '../../core/assert.ts';
import type { ClientFacts } from '../../core/exchange.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { HeaderFilter } from '../../core/header-names.ts';
import {
  type Capabilities,
  type MessageHeaders,
  hasNoBody,
  type OutgoingResponse,
  type Ownership,
  type RequestHead,
} from '../../core/message.ts';
import type { RequestRule } from '#failures/rules.ts';
import { bodyTooLarge } from '../../core/body-limit.ts';
import type { DownstreamHandler, DownstreamStream } from '../../core/stream.ts';
import type { Instant } from '../../core/time.ts';
import type { HeadBlock } from '../../wire/head-storage.ts';
import type { DecodedSection } from '../../wire/h2/decoded-section.ts';
import type { SessionStream, StreamListener, StreamLoss } from '../../wire/h2/session-stream.ts';
import { trailerBlock } from '../../wire/h2/trailer-block.ts';
import type { ParsedRequestHead } from '../../wire/parsed-request-head.ts';
import { permittedTrailers } from '../../wire/trailers.ts';
import { bodyTimeout, notRead, refusalOnStream } from '../client-failures.ts';
import type { Slowness } from '../timeouts.ts';
import { isHeadOnly, writeInterimBlock, writeResponseBlock, lossFailure } from './stream-loss.ts';
import type { Http2StreamOwner, ReadingStream } from './stream-owner.ts';
import { StreamTimeouts, type StreamTimeoutsOwner } from './stream-timeouts.ts';

/** So often in a row a body timeout passes while frames of the client are unread: a client that floods must not keep its requests for ever. */
const readLateMax = 6;

const capabilities: Capabilities = { protocol: 'h2', multiplexed: true, trailers: true };

/**
 * One request of an HTTP/2 client and its response: the client's side of an exchange.
 *
 * A body that the exchange does not want yet stays here, at most as much as the stream's window.
 */
export class Http2ClientStream implements DownstreamStream, StreamListener, StreamTimeoutsOwner, ReadingStream {
  readonly capabilities = capabilities;
  /** Frames behind that of the head have not been read yet. */
  readonly bodyAtHand = false;
  /** Of its stream of the session. */
  readonly id: number;
  readonly request: RequestHead;
  readonly client: ClientFacts;
  readonly startedAt: Instant;
  readonly startedWall: number;
  /** Null before the exchange has begun, and once it has ended. */
  handler: DownstreamHandler | null = null;
  /** The exchange begins when what came together with the head of the request has been judged. */
  hasBegun = false;
  queuedForMs = -1;
  /** Why the request is refused, from the beginning or as its body comes; null: it is not. */
  #refusal: Failure | null;
  /** How the client was lost; null: it was not, or the exchange has ended at once. */
  #loss: Failure | null = null;
  isTunnel = false;
  readonly #connection: Http2StreamOwner;
  readonly #stream: SessionStream;
  readonly #timeouts: StreamTimeouts;
  /** The blocks of the request's head and trailers, given back when the exchange has ended. */
  #blocks: HeadBlock[];
  #reads: 'not-yet' | 'yes' | 'paused' = 'not-yet';
  readonly #held = new ByteBlocks();
  #peerEnded = false;
  /** The request has ended for the exchange: it is complete, or has failed. */
  #requestOver = false;
  #trailers: MessageHeaders | null = null;
  #begun = false;
  /** Body timeouts since the last body that passed while the gateway had yet to read what the client had sent. */
  #readLate = 0;
  #isHeadOnly = false;
  #ended = false;
  #continued = false;
  #bytesSent = 0;

  constructor(
    connection: Http2StreamOwner,
    stream: SessionStream,
    request: RequestHead,
    client: ClientFacts,
    block: HeadBlock | null,
    refusal: Failure | null,
  ) {
    const { clock, deadlines } = connection.ports;
    this.#connection = connection;
    this.#stream = stream;
    this.id = stream.id;
    this.#refusal = refusal;
    this.request = request;
    this.client = client;
    this.#blocks = block === null ? [] : [block];
    this.startedAt = clock.now();
    this.startedWall = clock.wallTime();
    this.#timeouts = new StreamTimeouts(connection.listener.limits, clock, deadlines, this);
  }

  get restAtHand(): boolean {
    return this.#connection.beginsEarly;
  }

  get bodyReceived(): number {
    return this.#stream.bodyReceived;
  }

  get mayUseHttp1(): boolean {
    return this.#connection.mayUseHttp1;
  }

  get isLost(): boolean {
    return this.#loss !== null;
  }

  /** All of the response has been composed; a part of it may wait for the client's window. */
  get isResponseComplete(): boolean {
    return this.#ended;
  }

  get bodyBytesMax(): number | null {
    return this.#connection.listener.limits.bodyBytesMax;
  }

  get hasResponseBegun(): boolean {
    return this.#begun;
  }

  // The request.

  /** For the connection alone. */
  begin(handler: DownstreamHandler): void {
    this.hasBegun = true;
    if (this.queuedForMs >= 0) this.queuedForMs = this.#connection.ports.clock.now() - this.startedAt;
    this.handler = handler;
    if (this.#loss !== null) return this.#lost(handler, this.#loss);
    handler.onRequest(this.#refusal);
    if (!this.#isTooLarge()) this.#endIfPeerDid();
  }

  /** Ends a request whose body has become too large. Before its turn only its window bounds it: the limit is that of its route. */
  #isTooLarge(): boolean {
    const failure = this.isTunnel || this.handler === null ? null : bodyTooLarge(this.bodyReceived, this, this.handler);
    if (failure !== null) this.#failRequest(failure);
    return failure !== null;
  }

  readBody(): void {
    if (this.#reads !== 'not-yet') return;
    this.#reads = 'yes';
    const { expectContinue } = this.request as ParsedRequestHead;
    if (expectContinue && this.bodyReceived === 0 && !this.#begun) this.#sendContinue();
    if (!this.#peerEnded) this.#connection.session.windows.widen(this.#stream);
    this.#deliverHeld();
  }

  pauseBody(): void {
    if (this.#reads === 'yes') this.#reads = 'paused';
    this.#timeouts.stopBody();
  }

  resumeBody(): void {
    if (this.#reads !== 'paused') return;
    this.#reads = 'yes';
    this.#deliverHeld();
  }

  #deliverHeld(): void {
    while (this.#reads === 'yes' && this.handler !== null) {
      const bytes = this.#held.take();
      if (bytes === null) break;
      this.#deliver(bytes, 0, bytes.length);
    }
    this.#endIfPeerDid();
    if (this.#reads === 'yes') this.handler?.onRequestReadDone();
    this.#watchBody();
  }

  #deliver(bytes: Uint8Array, start: number, end: number): void {
    this.#readLate = 0;
    this.#connection.session.windows.consume(this.#stream, end - start);
    if (this.#requestOver) return;
    this.handler?.onRequestBody(bytes, start, end, 'borrowed');
  }

  #watchBody(): void {
    const isOver = this.#peerEnded || this.#requestOver || this.#loss !== null;
    if (this.#reads !== 'yes' || isOver || this.isTunnel || this.#mayRest) this.#timeouts.stopBody();
    else this.#timeouts.awaitBody(!this.#begun);
  }

  /** As with HTTP/1: once the response has begun, the gateway cannot know whether the client has more to send. `timeouts.idle` ends a stream that rests. */
  get #mayRest(): boolean {
    return this.#begun && this.request.framing.kind !== 'length';
  }

  onBody(bytes: Uint8Array, start: number, end: number): void {
    if (this.#requestOver && !this.isTunnel) return this.#connection.session.windows.consume(this.#stream, end - start);
    if (!this.hasBegun) this.#connection.beginEarly(this);
    if (this.#isTooLarge()) return;
    if (this.#reads !== 'yes' || this.#held.length > 0) this.#held.add(bytes, start, end);
    else {
      this.#deliver(bytes, start, end);
      this.#connection.noteRead(this);
      this.#watchBody();
    }
  }

  /** For the connection alone: all bytes of one read have been delivered. */
  onReadDone(): void {
    this.handler?.onRequestReadDone();
  }

  /** Trailers of the request. */
  onSection(section: DecodedSection): void {
    if (section.rule !== null)
      return this.#connection.session.refuseMalformed(this.#stream, `a trailer: ${section.brokenName}`, section.rule);
    this.#trailers = permittedTrailers(section.headers());
    this.#blocks.push(section.takeBlock());
  }

  onPeerEnd(): void {
    this.#peerEnded = true;
    this.#endIfPeerDid();
    this.#connection.noteRead(this);
  }

  #endIfPeerDid(): void {
    if (!this.#peerEnded || !this.hasBegun || this.#held.length > 0 || this.#requestOver) return;
    // As with HTTP/1: the end of a body is not told before the body is wanted.
    if (this.#reads === 'not-yet' && !hasNoBody(this.request.framing)) return;
    this.#requestOver = true;
    this.#timeouts.stopBody();
    this.handler?.onRequestEnd(this.#trailers);
    if (this.isTunnel && this.#stream.isSent) this.#end();
  }

  /** The request cannot be read to its end. */
  #failRequest(failure: Failure): void {
    if (this.#requestOver) return;
    this.#requestOver = true;
    this.#refusal ??= failure;
    this.#dropHeld();
    this.#timeouts.stopBody();
    if (this.hasBegun) this.handler?.onRequestFailed(failure);
  }

  #dropHeld(): void {
    const dropped = this.#held.drop();
    if (dropped > 0) this.#connection.session.windows.consume(this.#stream, dropped);
  }

  /** The exchange ends with `failure`, at any stage. */
  forceEnd(failure: Failure): void {
    const stage = this.#begun ? 'body' : this.#requestOver ? failure.stage : 'request';
    this.#requestOver = true;
    this.#dropHeld();
    this.#timeouts.stopBody();
    if (this.hasBegun) this.handler?.onRequestFailed({ ...failure, stage } as Failure);
    else this.#refusal ??= failure;
  }

  onMalformed(why: string, rule: RequestRule): boolean {
    if (this.#begun || this.#requestOver || (this.hasBegun && this.handler === null)) return false;
    this.#failRequest(refusalOnStream(rule, why));
    return true;
  }

  get #isMalformed(): boolean {
    return this.#refusal?.cause === 'request_refused' && this.#refusal.evidence.code !== undefined;
  }

  get bodyUnsent(): number {
    return this.#stream.waitingBytes + this.#stream.forgottenBytes;
  }

  onStreamLost(loss: StreamLoss): void {
    const { handler } = this;
    if (this.hasBegun && handler === null) return;
    this.#loss = this.#failureOf(loss);
    if (handler === null) return; // `begin` ends it.
    if (loss.by === 'connection') this.#endSoon();
    else this.#lost(handler, this.#loss);
  }

  #endSoon(): void {
    this.#timeouts.stop();
    this.#connection.endInTurn(this);
  }

  /** For the connection alone. */
  endLost(): void {
    const { handler } = this;
    try {
      if (handler !== null) this.#lost(handler, this.#loss as Failure);
    } catch (error) {
      this.#connection.onDefect(error); // The exchange has ended and cannot do it.
    }
    this.#connection.onLostEnded();
  }

  #failureOf(loss: StreamLoss): Failure {
    const stage = this.#begun ? 'flush' : this.#peerEnded && this.hasBegun ? 'response' : 'request';
    const isPartial = !this.#peerEnded && !this.#begun;
    const partial = isPartial ? { framing: this.request.framing, bytes: this.bodyReceived } : null;
    return lossFailure(loss, { stage, bytesSent: this.bodySent, partial }, this.#connection);
  }

  /** No response can reach the client any more. */
  #lost(handler: DownstreamHandler, failure: Failure): void {
    this.#end();
    handler.onClientLost(failure);
  }

  // The response.

  #sendContinue(): void {
    this.#continued = true;
    const { block } = this.#connection;
    this.#connection.beginBlock();
    block.status(100);
    this.#sendBlock(false);
  }

  sendInterimResponse(status: number, headers: MessageHeaders, drop: HeaderFilter): void {
    // RFC 9113 §8.6: HTTP/2 knows no 101.
    if (status === 101 || (status === 100 && this.#continued) || this.#begun) return;
    if (this.#stream.isOver || !this.#connection.takesHints) return;
    this.#connection.beginBlock();
    writeInterimBlock(this.#connection.block, status, headers, drop);
    this.#sendBlock(false);
  }

  respond(response: OutgoingResponse): void {
    if (this.#stream.isOver) return;
    this.#begun = true;
    const { method } = this.request;
    if (response.priority !== null) this.#stream.mergePriority(response.priority);
    this.#connection.beginBlock();
    writeResponseBlock(this.#connection.block, response, method);
    this.#isHeadOnly = isHeadOnly(response, method);
    this.#sendBlock(false);
    this.#watchBody();
  }

  get switchStatus(): number {
    return 200;
  }

  switchTo(_: string, response: OutgoingResponse): void {
    this.isTunnel = true;
    this.#begun = true;
    this.#connection.ports.counts.tunnelsActive++;
    const { block, session } = this.#connection;
    this.#connection.beginBlock();
    block.status(this.switchStatus);
    response.writeHeaders(block);
    this.#sendBlock(false);
    this.#reads = 'yes';
    session.windows.widen(this.#stream);
    this.#deliverHeld();
  }

  #sendBlock(endsStream: boolean): void {
    const { block, session } = this.#connection;
    session.sender.headers(this.#stream, block.bytes, 0, block.length, endsStream);
  }

  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.#loss !== null) return false;
    if (this.#isHeadOnly || this.#stream.isOver) return true;
    this.#bytesSent += end - start;
    const hasRoom = this.#connection.session.sender.body(this.#stream, bytes, start, end, ownership);
    if (!hasRoom) this.#connection.onBodyWaits(this.#timeouts);
    return hasRoom;
  }

  endBody(trailers: MessageHeaders | null): void {
    if (this.#ended || this.#loss !== null) return;
    this.#ended = true;
    if (this.#stream.isOver) return this.onAllSent();
    this.#connection.session.sender.end(this.#stream, trailerBlock(this.#connection.block, trailers));
  }

  flush(): void {}

  get bodySent(): number {
    return this.#bytesSent - this.bodyUnsent;
  }

  get allBodySent(): number {
    return this.#connection.session.sender.bodyBytes;
  }

  get awaitsWindow(): boolean {
    return this.#stream.waitingBytes > 0 && !this.#connection.session.sender.isCongested;
  }

  get isOwnWindowOpen(): boolean {
    return this.#stream.sendWindow > 0;
  }

  onUncongested(): void {
    this.#timeouts.awaitWindow();
  }

  onRoom(): void {
    this.#timeouts.stopWindow();
    try {
      this.handler?.onClientRoom();
    } catch (error) {
      this.onDefect(error);
    }
  }

  onAllSent(): void {
    const { handler } = this;
    // Each side of a tunnel ends its own direction.
    const goesOn = this.isTunnel && !this.#requestOver && !this.#stream.isOver;
    if (!goesOn) this.#end();
    const { session } = this.#connection;
    // RFC 9113 §8.1.1: a malformed request is an error of its stream, behind its answer.
    if (this.#isMalformed) session.reset(this.#stream, 'PROTOCOL_ERROR');
    else if (this.#stream.peerEnded) session.closeIfEnded(this.#stream);
    // RFC 9113 §8.1: the rest of a request that is not needed any more.
    else if (!goesOn) session.reset(this.#stream, 'NO_ERROR');
    try {
      handler?.onResponseSent();
    } catch (error) {
      this.#connection.onDefect(error); // The exchange has ended and cannot do it.
    }
  }

  abort(forHttp1: boolean): void {
    this.#end();
    this.#connection.session.reset(this.#stream, forHttp1 ? 'HTTP_1_1_REQUIRED' : 'INTERNAL_ERROR');
  }

  // The end.

  /** The exchange is over. */
  #end(): void {
    if (this.handler === null) return;
    this.handler = null;
    this.#held.drop();
    this.#timeouts.stop();
    this.#connection.onExchangeEnded(this, this.#blocks);
    this.#blocks = [];
  }

  onBodyOverdue(slowness: Slowness | null): void {
    // Only time in which the gateway waits for the client counts.
    if (this.#readLate < readLateMax && this.#connection.hasUnread) {
      this.#readLate++;
      this.#timeouts.forgiveBody();
      return this.#watchBody();
    }
    const { bodyMs } = this.#connection.listener.limits;
    try {
      this.#failRequest(bodyTimeout(bodyMs, this.bodyReceived, slowness));
    } catch (error) {
      this.onDefect(error);
    }
  }

  onWindowOverdue(slowness: Slowness | null): void {
    this.giveUp(slowness);
  }

  /** The client takes nothing of the response. */
  giveUp(slowness: Slowness | null): void {
    const { handler } = this;
    if (handler === null) return;
    const { writeMs } = this.#connection.listener.limits;
    this.#connection.session.reset(this.#stream, this.#isMalformed ? 'PROTOCOL_ERROR' : 'CANCEL');
    try {
      this.#lost(handler, notRead(this.bodySent, slowness, writeMs));
    } catch {
      // The exchange has ended, and nobody is there who could get an answer.
    }
  }

  /** A defect of ours ends this exchange, and no other. */
  onDefect(error: unknown): void {
    try {
      if (this.handler === null) throw error;
      this.#requestOver = true;
      this.handler.onRequestFailed(fail('gateway_fault', 'request', { invariant: invariantOf(error) }));
    } catch {
      this.#end();
      this.#connection.session.reset(this.#stream, 'INTERNAL_ERROR');
    }
  }
}
