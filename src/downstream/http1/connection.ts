import { invariantOf } from '../../core/assert.ts';
import type { ClientEngine } from '../../core/client-engine.ts';
import type { ClientFacts } from '../../core/exchange.ts';
import { fail, type Failure } from '../../core/failure.ts';
import type { FieldFilter } from '../../core/field-names.ts';
import type { Capabilities, Fields, OutgoingResponse, Ownership, RequestHead } from '../../core/message.ts';
import type { RequestRule } from '../../core/rules.ts';
import { requestRules } from '../../core/rules.ts';
import type { DownstreamHandler, DownstreamStream } from '../../core/stream.ts';
import type { Instant } from '../../core/time.ts';
import type { Transport, TransportListener } from '../../core/transport.ts';
import { type HeadLimits, methodBytesMax } from '../../wire/limits.ts';
import type { Http1RequestHead } from '../../wire/http1-request-head.ts';
import { clientFacts } from '../client-facts.ts';
import { HalfClosedTimeout, type HalfClosedOwner } from '../half-closed.ts';
import { noteLoss } from '../note-loss.ts';
import { type Awaited, ClientTimeouts, type ClientTimeoutsOwner, type Slowness } from '../timeouts.ts';
import type { ListenerFacts } from '../listener-facts.ts';
import type { Peer } from '../peer.ts';
import type { DownstreamPorts } from '../ports.ts';
import type { Http1Buffers } from './buffers.ts';
import { refusedRequest } from './refused-request.ts';
import { type RequestListener, RequestReader } from './request-reader.ts';
import { ResponseWriter } from './response-writer.ts';

/** Nobody gives up this fast: a FIN that follows its request so closely means "no more requests", not "no answer wanted". */
const deliberateHalfCloseMs = 50;

const http11: Capabilities = { protocol: 'http/1.1', multiplexed: false, trailers: true };
const http10: Capabilities = { protocol: 'http/1.0', multiplexed: false, trailers: false };

/** Before the first one. */
const noRequest = refusedRequest('', '', 'http');

/**
 * One HTTP/1.1 connection of a client: requests in, responses out, in order.
 *
 *     requests ──head──▶ exchange ──sent──▶ requests        any ──▶ lingering ──▶ closed
 */
export class Http1ClientConnection
  implements ClientEngine, TransportListener, DownstreamStream, RequestListener, ClientTimeoutsOwner, HalfClosedOwner
{
  readonly transport: Transport;
  client: ClientFacts;
  request: RequestHead = noRequest;
  startedAt: Instant;
  startedWall = 0;

  readonly #ports: DownstreamPorts;
  readonly #listener: ListenerFacts;
  readonly #peer: Peer;
  readonly #request: RequestReader;
  readonly #response: ResponseWriter;
  readonly #timeouts: ClientTimeouts;
  #phase: 'requests' | 'exchange' | 'lingering' | 'closed' = 'requests';
  #handler: DownstreamHandler | null = null;
  #persistent = true;
  /** The client has said that it sends nothing behind its request, which is without content. */
  #asksClose = false;
  #draining = false;
  /** The time for draining is over. */
  #wasForceClosed = false;
  #clientEnded = false;
  /** From the FIN of a client that still gets its answers. */
  #halfClosed: HalfClosedTimeout | null = null;
  #requestEndedAt: Instant;
  /** The exchange is a tunnel: either side ends its own direction, and the connection ends with both. */
  #tunnel = false;

  constructor(
    transport: Transport,
    peer: Peer,
    listener: ListenerFacts,
    ports: DownstreamPorts,
    { writer, storage }: Http1Buffers,
  ) {
    this.transport = transport;
    this.#peer = peer;
    this.#listener = listener;
    this.#ports = ports;
    this.client = clientFacts(peer, null, ports);
    this.#request = new RequestReader(
      transport,
      headLimits(listener),
      peer.scheme,
      listener.limits.pipelinedMax,
      storage,
      this,
    );
    this.#response = new ResponseWriter(transport, writer);
    this.#timeouts = new ClientTimeouts(transport, listener.limits, ports.clock, ports.sendQueueBytes, this);
    this.startedAt = ports.clock.now();
    this.startedWall = ports.clock.wallTime();
    this.#requestEndedAt = this.startedAt;
    transport.listener = this;
    ports.deadlines.add(this.#timeouts);
    this.#timeouts.await('head');
  }

  /** Of the client that sent the request: HTTP/1.0 has neither chunks nor trailers. */
  get capabilities(): Capabilities {
    return this.request.version === 'HTTP/1.0' ? http10 : http11;
  }

  // The request.

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    try {
      this.#request.push(bytes, start, end);
    } catch (error) {
      this.#broken(error);
    }
  }

  onHeadBegins(): void {
    this.startedAt = this.#ports.clock.now();
    this.startedWall = this.#ports.clock.wallTime();
  }

  onHeadAwaited(): void {
    this.#timeouts.awaitAtRate('head-end');
  }

  onHead(head: Http1RequestHead): void {
    this.#requestEndedAt = this.startedAt;
    this.request = head;
    // A stranger is who the connection says it is, for every request of it alike.
    // Asked each time: a reload may have begun, or ceased, to trust a peer whose connection lives on.
    const trusted = this.#ports.isTrusted(this.client.peerAddress);
    if (trusted || this.client.trusted) this.client = clientFacts(this.#peer, head.fields, this.#ports);
    this.#persistent = head.keepAlive && !this.#draining;
    const { framing } = head;
    this.#asksClose = !head.keepAlive && head.version === 'HTTP/1.1' && framing.kind === 'none';
    const overload = this.#ports.overload.failure;
    if (overload !== null) this.#persistent = false; // Its connection takes memory too.
    this.#begin(overload ?? (framing.kind === 'length' ? this.#tooLarge(framing.bytes) : null));
  }

  onHeadRefused(rule: RequestRule, at: string): void {
    this.refuse(rule, at);
  }

  /** The bytes are no request: it is answered and recorded all the same, and the connection ends. */
  refuse(rule: RequestRule, at: string): void {
    this.#beginRefused(refusal(rule, at));
  }

  #beginRefused(failure: Failure): void {
    this.#request.end();
    this.#persistent = false;
    this.#asksClose = false;
    this.request = refusedRequest(
      this.#request.head.partialMethod,
      this.#request.head.partialTarget,
      this.#peer.scheme,
    );
    this.#begin(failure);
  }

  #begin(failure: Failure | null): void {
    this.#phase = 'exchange';
    this.#timeouts.await('nothing');
    this.#response.begin();
    const handler = this.#ports.exchanges.create(this);
    this.#handler = handler;
    this.#ports.counts.exchangesActive++;
    handler.onRequest(failure);
  }

  #tooLarge(bytes: number): Failure | null {
    const max = this.#listener.limits.contentBytesMax;
    return max === null || bytes <= max ? null : refusal('content-too-large', `${max} bytes at most`);
  }

  onContent(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    if (this.#request.ended) return; // It has failed within this run of chunks.
    // The bytes of a tunnel are no request content, and a tunnel may carry any number of them.
    const tooLarge = this.#tunnel ? null : this.#tooLarge(this.#request.content.bytesReceived);
    if (tooLarge !== null) return this.#failRequest(tooLarge);
    this.#handler?.onRequestContent(bytes, start, end, ownership);
  }

  onContentRead(): void {
    const { state, trailers } = this.#request.content;
    if (state === 'whole') this.#endRequest(trailers);
    else if (state === 'refused') this.#failRequest(refusal(this.#request.content.rule, ''));
    else this.#watchContent();
  }

  onRead(): void {
    if (this.#phase === 'lingering') this.#timeouts.linger();
    else this.#handler?.onRequestRead();
  }

  onTurnSpent(): void {
    const { clock } = this.#ports;
    clock.schedule(clock.now(), readOn, this as Http1ClientConnection);
  }

  /** For the timer of `onTurnSpent` alone: the others have had their turn. */
  readOn(): void {
    if (this.#phase === 'requests') this.#readHeldGuarded();
  }

  #endRequest(trailers: Fields | null): void {
    if (this.#request.ended) return;
    this.#request.end();
    this.#requestEndedAt = this.#ports.clock.now();
    this.#timeouts.await('nothing');
    this.#handler?.onRequestEnd(trailers);
    if (this.#tunnel) this.#endTunnel();
  }

  /** The request cannot be read to its end. The exchange decides what the client gets; nothing more is read. */
  #failRequest(failure: Failure): void {
    if (this.#request.ended) return;
    this.#stopReading();
    this.#handler?.onRequestFailed(failure);
  }

  /** Nothing more of this request counts, and none follows it. */
  #stopReading(): void {
    this.#persistent = false;
    this.#request.end();
    this.#timeouts.await('nothing');
  }

  #watchContent(): void {
    if (!this.#request.awaitsContent || this.#tunnel) return;
    // Where the answer has begun the two talk to each other, each at its own pace.
    if (this.#response.begun) this.#timeouts.await('content');
    else this.#timeouts.awaitAtRate('content');
  }

  readContent(): void {
    const { content, head } = this.#request;
    if (!this.#request.readContent()) return;
    const nothingCame = !this.#request.holds && content.bytesReceived === 0;
    if (head.head?.expectContinue === true && nothingCame) this.#response.continue();
    this.#watchContent();
    this.#readHeld();
  }

  pauseContent(): void {
    this.#timeouts.await('nothing');
    this.#request.pause();
  }

  resumeContent(): void {
    if (!this.#request.resume()) return;
    this.#watchContent();
    this.#readHeld();
  }

  #readHeld(): void {
    if (this.#request.readHeld()) this.#endIfClientDid();
  }

  /** What is held may be another request than the one whose end led here: its defects are its own. */
  #readHeldGuarded(): void {
    try {
      this.#readHeld();
    } catch (error) {
      this.#broken(error);
    }
  }

  /** A client that has half-closed sends nothing more: once all is read, there is nothing left to wait for. */
  #endIfClientDid(): void {
    if (!this.#clientEnded || this.#request.holds) return;
    if (this.#phase === 'requests') this.#linger();
    else if (this.#request.awaitsContent) this.#clientHasEnded();
  }

  // The response.

  inform(status: number, fields: Fields, drop: FieldFilter): void {
    if (this.request.version !== 'HTTP/1.0') this.#response.inform(status, fields, drop);
  }

  respond(response: OutgoingResponse): void {
    // What the client has yet to send would be taken for its next request.
    if (!this.#request.ended) this.#persistent = false;
    this.#persistent = this.#response.head(response, this.request, this.#persistent);
    if (!this.#request.ended) this.#watchContent();
  }

  switchTo(protocol: string, response: OutgoingResponse): void {
    this.#tunnel = true;
    this.#ports.counts.tunnelsActive++;
    this.#persistent = false;
    this.#response.switchTo(protocol, response);
    this.#request.beginTunnel();
    this.#timeouts.beginTunnel();
    this.#readHeld();
  }

  sendContent(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.#phase === 'closed') return true;
    const taken = this.#response.content(bytes, start, end, ownership);
    if (!taken) this.#timeouts.watchWrite();
    // What was composed may still be pending from an earlier flush: small pieces must not pile up behind it.
    return taken && this.transport.pendingBytes === 0;
  }

  endContent(trailers: Fields | null): void {
    if (this.#phase === 'closed') return;
    if (this.#response.end(trailers)) this.#sent();
    else this.#timeouts.watchWrite();
  }

  flush(): void {
    if (this.#phase === 'closed' || this.#response.ended) return;
    if (!this.#response.flush()) this.#timeouts.watchWrite();
  }

  onWritten(): void {
    this.#timeouts.endWriteWatch();
    if (this.#phase !== 'exchange') return;
    try {
      if (this.#response.ended) this.#sent();
      else this.#handler?.onClientRoom();
    } catch (error) {
      this.#broken(error);
    }
  }

  abort(): void {
    if (this.#phase === 'closed') return;
    this.#exchangeOver();
    // Where the end of the connection would pass for the end of the content, only a reset tells the truth.
    if (this.#response.endsWithConnection) return this.#close('reset');
    try {
      this.#response.flush();
      this.#linger();
    } catch {
      this.#close('reset'); // The exchange has ended, so that nobody else would see to it.
    }
  }

  #sent(): void {
    if (this.#tunnel) return this.#endpointHasEnded();
    const handler = this.#handler;
    this.#exchangeOver();
    this.#timeouts.endWriteWatch();
    try {
      handler?.onSent();
    } catch {
      return this.#close('reset'); // Here and not in a guard further out: that may be another exchange's.
    }
    if (this.#phase === 'closed') return;
    if (!this.#persistent) return this.#linger(this.#asksClose && this.#hasAll ? 'close' : undefined);
    this.#phase = 'requests';
    this.#timeouts.await('next-request');
    this.#request.next();
    if (this.#request.holds) this.#readHeldGuarded();
    else if (!this.#request.isReading) this.#endIfClientDid(); // The loop that is running may have the next request.
  }

  /** The last byte of the tunnel's other end has left; the client may still send. */
  #endpointHasEnded(): void {
    this.#timeouts.endWriteWatch();
    this.transport.end();
    this.#handler?.onSent();
    this.#endTunnel();
  }

  /** Where both directions have ended, and have been said to have. */
  #endTunnel(): void {
    if (!this.#request.ended || !this.#response.ended) return;
    this.#exchangeOver();
    this.#phase = 'lingering';
    this.#timeouts.watchWrite(); // The connection closes by itself once the client has taken the last bytes.
  }

  #exchangeOver(): void {
    if (this.#handler !== null) {
      this.#ports.counts.exchangesActive--;
      if (this.#tunnel) this.#ports.counts.tunnelsActive--;
    }
    this.#handler = null;
    this.#request.content.stop();
  }

  /** Nothing has come behind the request. */
  get #hasAll(): boolean {
    return !this.#request.holds && !this.#request.isReading;
  }

  /**
   * FIN, then a while of reading, so that the client reads our answer before it hears of a closed connection. Who has said
   * that it sends nothing more (RFC 9112 §9.6), and has not, need not be waited for: two system calls and a turn less.
   */
  #linger(then?: 'close'): void {
    this.#phase = 'lingering';
    this.#request.forget();
    this.#timeouts.endWriteWatch();
    this.transport.resume();
    this.transport.end(this.#clientEnded ? 'close' : then);
    this.#timeouts.linger();
  }

  /** As long as the client takes what still waits for it, it is not closed upon. */
  #closeOnceTaken(): void {
    this.#phase = 'lingering';
    this.#request.forget();
    this.#timeouts.await('nothing');
    this.transport.end('close');
    this.#timeouts.watchWrite();
  }

  // What can go wrong.

  bytesReceived(awaited: 'head-end' | 'content'): number {
    return awaited === 'content' ? this.#request.content.bytesReceived : this.#request.head.bytesHeld;
  }

  onOverdue(awaited: Awaited, slowness: Slowness | null): void {
    try {
      this.#timeOut(awaited, slowness);
    } catch (error) {
      this.#broken(error);
    }
  }

  #timeOut(awaited: Awaited, slowness: Slowness | null): void {
    const { headMs, contentMs } = this.#listener.limits;
    const { began, bytesHeld } = this.#request.head;
    if (awaited === 'content') {
      const { bytesReceived } = this.#request.content;
      this.#failRequest(fail('request_body_timeout', 'request', { idleMs: contentMs, bytesReceived, ...slowness }));
    } else if (awaited === 'head-end' && began) {
      // A head that does not come to its end is answered with 408 and recorded.
      this.#beginRefused(
        fail('request_head_timeout', 'request', { limitMs: headMs, bytesReceived: bytesHeld, ...slowness }),
      );
    } else if (this.#isAtRest && this.transport.hasUnread()) this.#timeouts.await('head');
    else this.#closeOnceTaken();
  }

  onWriteStalled(slowness: Slowness | null): void {
    const { begun, bytesSent } = this.#response;
    try {
      if (!begun) return this.#clientGone('reset');
      const { writeMs } = this.#listener.limits;
      const seen = slowness ?? { bytesPerS: 0, bytesPerSMin: 0, overMs: writeMs };
      this.#giveUpClient(fail('response_not_read', 'flush', { bytesSent, ...seen }));
    } catch (error) {
      this.#broken(error);
    }
  }

  onEnd(): void {
    this.#clientEnded = true;
    try {
      this.#ended();
    } catch (error) {
      this.#broken(error);
    }
  }

  #ended(): void {
    const { holds, ended } = this.#request;
    if (this.#phase === 'requests' || this.#phase === 'lingering') {
      if (!holds) this.#linger();
      return;
    }
    if (this.#phase !== 'exchange') return;
    if (!ended && !holds) return this.#clientHasEnded();
    const sinceMs = this.#ports.clock.now() - this.#requestEndedAt;
    const moreToCome = holds || !this.#persistent || sinceMs <= deliberateHalfCloseMs;
    if (!moreToCome) return this.#clientGone('closed');
    this.#halfClosed ??= new HalfClosedTimeout(this.transport, this.#listener.limits.writeMs, this.#ports, this);
  }

  get isStreaming(): boolean {
    return this.#phase === 'exchange' && !this.#tunnel && this.#response.isOpenEnded;
  }

  onHalfClosedTimeout(): void {
    if (this.#phase !== 'exchange' || this.#tunnel) return this.#halfClosed?.stop();
    try {
      this.#clientGone('closed');
    } catch (error) {
      this.#broken(error);
    }
  }

  /** In the middle of a request's content, or of a tunnel, which has no other end. */
  #clientHasEnded(): void {
    if (this.#tunnel) this.#endRequest(null);
    else this.#failRequest(this.#requestTruncated());
  }

  #requestTruncated(): Failure {
    const { framing, bytesReceived } = this.#request.content;
    const bytesExpected = framing.kind === 'length' ? framing.bytes : null;
    return fail('request_body_truncated', 'request', { bytesReceived, bytesExpected });
  }

  onClosed(errno: string | null): void {
    if (this.#phase === 'closed') return;
    noteLoss(errno, this.#ports.counts);
    if (this.#phase !== 'exchange') return this.#close('close');
    try {
      this.#clientGone(errno === null ? 'closed' : 'reset');
    } catch (error) {
      this.#broken(error);
    }
  }

  #clientGone(how: 'closed' | 'reset'): void {
    const { begun, bytesSent } = this.#response;
    const awaited = this.#request.content.state === 'whole' ? 'response' : 'request';
    this.#giveUpClient(fail('client_gone', begun ? 'flush' : awaited, { bytesSent, how }));
  }

  #giveUpClient(failure: Failure): void {
    const handler = this.#handler;
    this.#exchangeOver();
    try {
      // First: a worker that drains may end with this connection.
      handler?.onRequestFailed(failure);
    } finally {
      this.#close('reset');
    }
  }

  /** A defect of ours ends this connection and its exchange, not the worker and everybody else's. */
  #broken(error: unknown): void {
    this.#request.breakOff();
    if (this.#phase !== 'exchange') return this.#close('reset');
    try {
      this.#stopReading();
      // Also where the request has come to its end: an answer is owed, and nobody else will see to it.
      if (this.#handler === null) throw error;
      this.#handler.onRequestFailed(fail('gateway_fault', 'request', { invariant: invariantOf(error) }));
    } catch {
      // The exchange cannot even be told: what is left of it is the client's broken connection.
      this.#exchangeOver();
      this.#close('reset');
    }
  }

  /**
   * From now on each response says that it is the last (RFC 9112 §9.6). Where one has begun that promised more, the next
   * one says it: its client may have sent its next request already.
   */
  announceClose(): void {
    this.#draining = true;
    if (this.#phase === 'exchange' && !this.#response.begun) this.#persistent = false;
  }

  /** Its last exchange is over, all of it is with the kernel, and its client has yet to close. */
  get isLingering(): boolean {
    return this.#phase === 'lingering' && this.transport.pendingBytes === 0;
  }

  /** Closes a connection that waits between requests, and says whether it did. */
  closeToMakeRoom(): boolean {
    return this.#isAtRest && this.#closeUnlessUnread();
  }

  /**
   * Closes a connection that waits between requests; one in an exchange ends with it, whatever was promised. False: bytes
   * have come that nobody has read. It hears of them soon, and is to be asked again then.
   */
  closeIdle(): boolean {
    this.#persistent = false;
    return !this.#isAtRest || this.#closeUnlessUnread();
  }

  get #isAtRest(): boolean {
    return this.#phase === 'requests' && this.#request.isBetween;
  }

  /** Who has sent a request in good time gets an answer, its last; a close would tell it nothing, and a reset is one. */
  #closeUnlessUnread(): boolean {
    this.#draining = true;
    if (this.transport.hasUnread()) return false;
    this.#closeOnceTaken();
    return true;
  }

  /** Ends the connection if it is a tunnel. */
  endTunnels(failure: Failure): void {
    if (this.#tunnel && this.#phase === 'exchange') this.#forceCloseExchange(failure);
  }

  /**
   * Ends the exchange with `failure`, wherever it is, its head included; a connection without one is closed. One that
   * lingers has ended: where its client has not taken the answer until it is cut again, the rest of it is lost. False as
   * with `closeIdle`.
   */
  forceClose(failure: Failure): boolean {
    if (this.#phase === 'requests' && this.#request.holds) {
      this.#draining = true; // What is held is about to have its turn.
      return false;
    }
    if (this.#isAtRest && !this.#closeUnlessUnread()) return false;
    if (this.#phase === 'requests') this.#beginRefused({ ...failure, stage: 'request' } as Failure);
    else if (this.#phase === 'exchange') this.#forceCloseExchange(failure);
    else if (this.#wasForceClosed && this.#phase === 'lingering' && this.transport.pendingBytes > 0)
      this.#close(this.#response.endsWithConnection ? 'reset' : 'close');
    this.#wasForceClosed = true;
    return true;
  }

  #forceCloseExchange(failure: Failure): void {
    const stage = this.#response.begun ? 'content' : this.#request.ended ? failure.stage : 'request';
    const staged = { ...failure, stage } as Failure;
    this.#stopReading();
    this.#handler?.onRequestFailed(staged);
  }

  #close(how: 'close' | 'reset'): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#request.forget();
    this.#ports.deadlines.remove(this.#timeouts);
    this.#halfClosed?.stop();
    this.#response.discard();
    this.transport.close(how);
    this.#ports.onConnectionClosed(this);
  }
}

function readOn(connection: Http1ClientConnection): void {
  connection.readOn();
}

function headLimits(listener: ListenerFacts): HeadLimits {
  const { headBytesMax, fieldsMax, targetBytesMax } = listener.limits;
  return { headBytesMax, fieldsMax, targetBytesMax, methodBytesMax };
}

function refusal(rule: RequestRule, at: string): Failure {
  return fail('request_refused', 'request', { rule, status: requestRules[rule].status, at });
}
