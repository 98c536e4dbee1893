import { invariantOf } from '../core/assert.ts';
import { Deadline } from '../core/deadline.ts';
import type { ClientFacts } from '../core/exchange.ts';
import { fail, type Failure } from '../core/failure.ts';
import type { Capabilities, Fields, Framing, OutgoingResponse, Ownership, RequestHead } from '../core/message.ts';
import { noContent } from '../core/message.ts';
import type { RequestRule } from '../core/rules.ts';
import { requestRules } from '../core/rules.ts';
import type { DownstreamHandler, DownstreamStream } from '../core/stream.ts';
import { after, type Instant, never } from '../core/time.ts';
import type { Transport, TransportListener } from '../core/transport.ts';
import { ChunkedDecoder, writeLastChunk } from '../wire/chunked.ts';
import { type Http1RequestHead, RequestHeadParser } from '../wire/request-head.ts';
import { sendContent } from '../wire/send-content.ts';
import { type ResponseFraming, writeInformation, writeResponseHead } from '../wire/write-head.ts';
import { clientFacts, type Peer } from './client-facts.ts';
import type { DownstreamPorts, ListenerFacts } from './ports.ts';
import { refusedRequest } from './refused-request.ts';

/** A content length from which on reading into a large buffer of its own pays. */
const bulkOctetsMin = 128 * 1024;

/** Octets that came before their turn (pipelined requests, content nobody reads yet) and are kept; then we stop reading. */
const heldOctetsMax = 64 * 1024;

/** After our last response we go on reading this long, so that a reset does not destroy what the client has yet to read
 * (RFC 9112 §9.6). */
const lingerMs = 2000;

/** Nobody gives up this fast: a FIN that follows its request so closely means "no more requests", not "no answer wanted". */
const deliberateHalfCloseMs = 50;

/** What is awaited of the client, if anything. That it takes what we send has a limit of its own, beside this one. */
type Limit = 'none' | 'head' | 'keep-alive' | 'content' | 'linger';

/**
 * One HTTP/1.1 connection of a client: requests in, responses out, in order.
 *
 *     waiting ──octet──▶ head ──▶ exchange ──▶ waiting        any ──▶ lingering ──▶ closed
 *
 * A pipelined request is held as octets until the one before it is answered; its head is not looked at.
 */
export class ClientConnection extends Deadline implements TransportListener, DownstreamStream {
  readonly capabilities: Capabilities = { multiplexed: false, canReset: false, trailers: true, extendedConnect: false };
  readonly transport: Transport;
  client: ClientFacts;
  request: RequestHead = refusedRequest('', '');
  startedAt: Instant;
  startedWall = 0;

  readonly #ports: DownstreamPorts;
  readonly #listener: ListenerFacts;
  readonly #peer: Peer;
  readonly #parser: RequestHeadParser;
  readonly #chunked = new ChunkedDecoder();
  #phase: 'waiting' | 'head' | 'exchange' | 'lingering' | 'closed' = 'waiting';
  #limit: Limit = 'none';
  #limitAt: Instant = never;
  #writeAt: Instant = never;
  #handler: DownstreamHandler | null = null;
  #persistent = true;
  #draining = false;
  #clientEnded = false;
  #held: Uint8Array | null = null;
  #reading = false;

  // The request's content.
  #framing: Framing = noContent;
  #wanted = false;
  #paused = false;
  #requestEnded = true;
  #requestEndedAt: Instant;
  #remaining = 0;
  #received = 0;
  #bulk = false;

  // The response.
  #response: ResponseFraming = 'none';
  #responseBegun = false;
  #responseEnded = false;
  #octetsSent = 0;
  #pendingBefore = 0;

  constructor(transport: Transport, peer: Peer, listener: ListenerFacts, ports: DownstreamPorts) {
    super();
    this.transport = transport;
    this.#peer = peer;
    this.#listener = listener;
    this.#ports = ports;
    this.client = clientFacts(peer, null, ports.isTrusted);
    this.#parser = new RequestHeadParser(headLimits(listener), ports.storage);
    this.startedAt = ports.clock.now();
    this.startedWall = ports.clock.wallTime();
    this.#requestEndedAt = this.startedAt;
    transport.listener = this;
    ports.deadlines.add(this);
    this.#limitTo('head', listener.limits.headMs);
  }

  // Octets in.

  onOctets(octets: Uint8Array, start: number, end: number): void {
    if (this.#held !== null) return this.#hold(octets, start, end);
    try {
      const at = this.#read(octets, start, end);
      if (at < end) this.#hold(octets, at, end);
      this.#handler?.onRequestRead();
    } catch (error) {
      this.#broken(error);
    }
  }

  /** A defect of ours ends this connection and its exchange, not the worker and everybody else's. */
  #broken(error: unknown): void {
    this.#reading = false;
    if (this.#phase !== 'exchange') return this.#close('reset');
    try {
      this.#persistent = false;
      this.#requestEnded = true;
      this.#limitTo('none', 0);
      // Also where the request has come to its end: an answer is owed, and nobody else will see to it.
      if (this.#handler === null) throw error;
      this.#handler.onRequestFailed(fail('gateway_fault', 'request', { invariant: invariantOf(error) }));
    } catch {
      // The exchange cannot even be told: what is left of it is the client's broken connection.
      this.#exchangeOver();
      this.#close('reset');
    }
  }

  /** Goes as far as it may; returns where it stopped. */
  #read(octets: Uint8Array, start: number, end: number): number {
    this.#reading = true;
    let at = start;
    while (at < end) {
      if (this.#phase === 'waiting' || this.#phase === 'head') at += this.#readHead(octets, at, end);
      else if (this.#phase === 'exchange') {
        if (this.#requestEnded || !this.#wanted || this.#paused) break;
        at += this.#readContent(octets, at, end);
      } else at = end; // Lingering: read and forgotten.
    }
    this.#reading = false;
    return at;
  }

  #hold(octets: Uint8Array, start: number, end: number): void {
    if (this.#phase === 'lingering' || this.#phase === 'closed') return;
    this.#held = joined(this.#held ?? nothing, octets.subarray(start, end));
    if (this.#held.length >= heldOctetsMax || !this.#requestEnded) this.transport.pause();
  }

  #readHeld(): void {
    if (this.#reading) return; // The loop that is running goes on by itself.
    while (this.#held !== null && this.#phase !== 'closed') {
      const held = this.#held;
      this.#held = null;
      const at = this.#read(held, 0, held.length);
      if (at < held.length) this.#held = at === 0 ? held : held.subarray(at);
      this.#handler?.onRequestRead();
      if (at === 0) return;
    }
    if (!this.#paused) this.transport.resume();
    this.#endIfClientDid();
  }

  /** What is held may be another request than the one whose end led here: its defects are its own. */
  #readHeldGuarded(): void {
    try {
      this.#readHeld();
    } catch (error) {
      this.#broken(error);
    }
  }

  /** A client that has half-closed sends nothing more: between requests there is nothing left to wait for. */
  #endIfClientDid(): void {
    if (!this.#clientEnded || this.#held !== null) return;
    if (this.#phase === 'waiting' || this.#phase === 'head') this.#linger();
  }

  #readHead(octets: Uint8Array, start: number, end: number): number {
    if (this.#phase === 'waiting') {
      this.#phase = 'head';
      this.startedAt = this.#ports.clock.now();
      this.startedWall = this.#ports.clock.wallTime();
      this.#limitTo('head', this.#listener.limits.headMs);
    }
    const consumed = this.#parser.push(octets, start, end);
    const { state } = this.#parser;
    if (state === 'complete') this.#begin(this.#parser.head as Http1RequestHead);
    else if (state === 'refused') {
      const refusal = this.#parser.refusal ?? { rule: 'request-line' as const, at: '' };
      this.refuse(refusal.rule, refusal.at);
    } else if (!this.#parser.began) this.#phase = 'waiting'; // Only empty lines so far.
    return consumed;
  }

  #begin(head: Http1RequestHead): void {
    this.#phase = 'exchange';
    this.#limitTo('none', 0);
    this.#framing = head.framing;
    this.#remaining = head.framing.kind === 'length' ? head.framing.octets : 0;
    this.#requestEnded = head.framing.kind === 'none' || (head.framing.kind === 'length' && this.#remaining === 0);
    this.#requestEndedAt = this.startedAt;
    this.#received = 0;
    this.#wanted = false;
    this.#paused = false;
    if (head.framing.kind === 'chunked') this.#chunked.reset();
    this.request = head;
    // A stranger is who the connection says it is, for every request of it alike.
    // Asked each time: a reload may have begun, or ceased, to trust a peer whose connection lives on.
    const trusted = this.#ports.isTrusted(this.client.peerAddress);
    if (trusted || this.client.trusted) this.client = clientFacts(this.#peer, head.fields, this.#ports.isTrusted);
    this.#persistent = head.keepAlive && !this.#draining;
    this.#beginExchange(this.#tooLarge());
  }

  #tooLarge(): Failure | null {
    const max = this.#listener.limits.contentOctetsMax;
    if (max === null || Math.max(this.#remaining, this.#received) <= max) return null;
    return refusal('content-too-large', `${max} octets at most`);
  }

  /** The octets are no request: it is answered and recorded all the same, and the connection ends. */
  refuse(rule: RequestRule, at: string): void {
    this.#phase = 'exchange';
    this.#limitTo('none', 0);
    this.#persistent = false;
    this.#requestEnded = true;
    this.request = refusedRequest(this.#parser.partialMethod, this.#parser.partialTarget);
    this.#beginExchange(refusal(rule, at));
  }

  #beginExchange(failure: Failure | null): void {
    this.#responseBegun = false;
    this.#responseEnded = false;
    this.#octetsSent = 0;
    const handler = this.#ports.exchanges.create(this);
    this.#handler = handler;
    this.#ports.counts.exchangesActive++;
    handler.onRequest(failure);
  }

  #readContent(octets: Uint8Array, start: number, end: number): number {
    if (this.#framing.kind === 'length') {
      const length = Math.min(end - start, this.#remaining);
      this.#remaining -= length;
      this.onContent(octets, start, start + length);
      if (this.#remaining === 0) this.#endRequest(null);
      else this.#watchContent();
      return length;
    }
    const consumed = this.#chunked.push(octets, start, end, this);
    if (this.#chunked.state === 'done') this.#endRequest(this.#chunked.trailers);
    else if (this.#chunked.state === 'refused') this.#failRequest(refusal(this.#chunked.rule ?? 'chunk-size', ''));
    else this.#watchContent();
    return consumed;
  }

  /** For the chunked decoder, and our own framing: a run of content. */
  onContent(octets: Uint8Array, start: number, end: number): void {
    this.#received += end - start;
    if (this.#requestEnded) return; // It has failed within this run of chunks.
    const tooLarge = this.#framing.kind === 'chunked' ? this.#tooLarge() : null;
    if (tooLarge !== null) return this.#failRequest(tooLarge);
    const ownership =
      this.#bulk && this.#framing.kind === 'length' && octets.length > bulkOctetsMin ? 'owned' : 'borrowed';
    this.#handler?.onRequestContent(octets, start, end, ownership);
  }

  #endRequest(trailers: Fields | null): void {
    if (this.#requestEnded) return;
    this.#requestEnded = true;
    this.#requestEndedAt = this.#ports.clock.now();
    this.#limitTo('none', 0);
    this.#readInBulk(false);
    this.#handler?.onRequestEnd(trailers);
  }

  /** Only while we ask for content is its absence the client's doing. */
  #watchContent(): void {
    if (this.#phase !== 'exchange' || !this.#wanted || this.#requestEnded || this.#paused) return;
    this.#limitTo('content', this.#listener.limits.contentMs);
  }

  /** The request cannot be read to its end. The exchange decides what the client gets; nothing more is read. */
  #failRequest(failure: Failure): void {
    if (this.#requestEnded) return;
    this.#persistent = false;
    this.#requestEnded = true;
    this.#limitTo('none', 0);
    this.#readInBulk(false);
    this.#handler?.onRequestFailed(failure);
  }

  readContent(): void {
    if (this.#wanted || this.#requestEnded) return;
    this.#wanted = true;
    const head = this.#parser.head;
    if (head?.expectContinue === true && this.#held === null && this.#received === 0) this.#continue();
    if (this.#framing.kind === 'length' && this.#remaining >= bulkOctetsMin) this.#readInBulk(true);
    this.#watchContent();
    this.#readHeld();
  }

  /** RFC 9110 §10.1.1: the client waits for this before it sends its content. */
  #continue(): void {
    this.#ports.writer.claim(this);
    this.#ports.writer.text('HTTP/1.1 100 Continue\r\n\r\n');
    this.#ports.writer.flush(this);
  }

  pauseContent(): void {
    this.#paused = true;
    this.#limitTo('none', 0);
    this.transport.pause();
  }

  resumeContent(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#watchContent();
    this.#readHeld();
  }

  #readInBulk(bulk: boolean): void {
    if (this.#bulk === bulk) return;
    this.#bulk = bulk;
    this.transport.readInBulk(bulk);
  }

  // The response.

  inform(status: number, fields: Fields): void {
    if (this.request.version === 'HTTP/1.0' || this.#responseBegun) return;
    // They are hints: a client that takes none of them loses some, rather than have us keep them all.
    if (this.transport.pendingOctets > heldOctetsMax) return;
    this.#ports.writer.claim(this);
    writeInformation(this.#ports.writer, status, fields);
  }

  respond(response: OutgoingResponse): void {
    this.#responseBegun = true;
    // What the client has yet to send would be taken for its next request.
    if (!this.#requestEnded) this.#persistent = false;
    const { writer } = this.#ports;
    writer.claim(this);
    const { version, method } = this.request;
    this.#response = writeResponseHead(writer, response, { persistent: this.#persistent, version }, method);
    if (this.#response === 'until-close') this.#persistent = false;
  }

  sendContent(octets: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.#response === 'none' || this.#phase === 'closed') return true;
    this.#octetsSent += end - start;
    const coding = this.#response === 'chunked' ? 'chunked' : 'plain';
    const taken = sendContent(this.#ports.writer, this, coding, { octets, start, end, ownership });
    if (!taken) this.#watchWrite();
    // What was composed may still be pending from an earlier flush: small pieces must not pile up behind it.
    return taken && this.transport.pendingOctets === 0;
  }

  endContent(trailers: Fields | null): void {
    if (this.#phase === 'closed') return;
    if (this.#response === 'chunked') {
      this.#ports.writer.claim(this);
      writeLastChunk(this.#ports.writer, trailers);
    }
    this.#responseEnded = true;
    if (this.#ports.writer.flush(this)) this.#sent();
    else this.#watchWrite();
  }

  flush(): void {
    if (this.#phase === 'closed' || this.#responseEnded) return;
    if (!this.#ports.writer.flush(this)) this.#watchWrite();
  }

  onWritten(): void {
    this.#endWriteWatch();
    if (this.#phase !== 'exchange') return;
    try {
      if (this.#responseEnded) this.#sent();
      else this.#handler?.onClientRoom();
    } catch (error) {
      this.#broken(error);
    }
  }

  abort(): void {
    if (this.#phase === 'closed') return;
    this.#exchangeOver();
    this.#readInBulk(false);
    // Where the end of the connection would pass for the end of the content, only a reset tells the truth.
    if (this.#response === 'until-close') return this.#close('reset');
    this.#ports.writer.flush(this);
    this.#linger();
  }

  #sent(): void {
    const handler = this.#handler;
    this.#exchangeOver();
    this.#endWriteWatch();
    this.#readInBulk(false);
    try {
      handler?.onSent();
    } catch {
      return this.#close('reset'); // Here and not in a guard further out: that may be another exchange's.
    }
    if (this.#phase === 'closed') return;
    if (!this.#persistent) return this.#linger();
    this.#parser.reset();
    this.#phase = 'waiting';
    this.#limitTo('keep-alive', this.#listener.limits.keepAliveMs);
    if (this.#paused) {
      this.#paused = false;
      this.transport.resume();
    }
    if (this.#reading) return; // The loop that is running has the next request, if there is one.
    if (this.#held !== null) this.#readHeldGuarded();
    else this.#endIfClientDid();
  }

  #exchangeOver(): void {
    if (this.#handler !== null) this.#ports.counts.exchangesActive--;
    this.#handler = null;
  }

  /** FIN, then a while of reading, so that the client reads our answer before it hears of a closed connection. */
  #linger(): void {
    this.#phase = 'lingering';
    this.#parser.reset();
    this.#held = null;
    this.#endWriteWatch();
    this.transport.resume();
    this.transport.end();
    if (this.#clientEnded) return this.#close('close');
    this.#limitTo('linger', lingerMs);
  }

  // What can go wrong.

  #limitTo(limit: Limit, durationMs: number): void {
    this.#limit = limit;
    this.#limitAt = limit === 'none' ? never : after(this.#ports.clock.now(), durationMs);
    this.#arm();
  }

  /** What the client sends says nothing of whether it takes what we send, so neither limit may undo the other. */
  #watchWrite(): void {
    this.#pendingBefore = this.transport.pendingOctets;
    if (this.#writeAt !== never) return; // Since the first octet that waits: what comes behind it makes nothing faster.
    this.#writeAt = after(this.#ports.clock.now(), this.#listener.limits.writeMs);
    this.#arm();
  }

  #endWriteWatch(): void {
    if (this.#writeAt === never) return;
    this.#writeAt = never;
    this.#arm();
  }

  #arm(): void {
    this.at = Math.min(this.#limitAt, this.#writeAt) as Instant;
  }

  override onExpired(now: Instant): void {
    try {
      this.#expired(now);
    } catch (error) {
      this.#broken(error);
    }
  }

  #expired(now: Instant): void {
    if (this.#writeAt <= now) return this.#writeExpired();
    const { limits } = this.#listener;
    switch (this.#limit) {
      case 'head':
        if (!this.#parser.began) return this.#close('close');
        return this.#tooSlow(
          fail('request_head_timeout', 'request', { limitMs: limits.headMs, octetsReceived: this.#parser.octetsHeld }),
        );
      case 'content':
        return this.#failRequest(
          fail('request_content_timeout', 'request', { idleMs: limits.contentMs, octetsReceived: this.#received }),
        );
      case 'keep-alive':
      case 'linger':
        return this.#close('close');
      case 'none':
        return;
    }
  }

  #writeExpired(): void {
    this.#writeAt = never;
    // It takes octets, if slowly: that is no reason to leave it.
    if (this.transport.pendingOctets < this.#pendingBefore) return this.#watchWrite();
    this.#clientGone('reset');
  }

  /** A head that does not come to its end is answered with 408 and recorded. */
  #tooSlow(failure: Failure): void {
    this.#phase = 'exchange';
    this.#persistent = false;
    this.#requestEnded = true;
    this.request = refusedRequest(this.#parser.partialMethod, this.#parser.partialTarget);
    this.#beginExchange(failure);
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
    if (this.#phase === 'waiting' || this.#phase === 'head' || this.#phase === 'lingering') {
      if (this.#held === null) this.#close('close');
      return;
    }
    if (this.#phase !== 'exchange') return;
    if (!this.#requestEnded && this.#held === null) return this.#failRequest(this.#cut());
    const sinceMs = this.#ports.clock.now() - this.#requestEndedAt;
    const moreToCome = this.#held !== null || !this.#persistent || sinceMs <= deliberateHalfCloseMs;
    if (!moreToCome) this.#clientGone('closed');
  }

  #cut(): Failure {
    const octetsExpected = this.#framing.kind === 'length' ? this.#framing.octets : null;
    return fail('request_content_cut', 'request', { octetsReceived: this.#received, octetsExpected });
  }

  onClosed(errno: string | null): void {
    if (this.#phase === 'closed') return;
    if (this.#phase !== 'exchange') return this.#close('close');
    try {
      this.#clientGone(errno === null ? 'closed' : 'reset');
    } catch (error) {
      this.#broken(error);
    }
  }

  #clientGone(how: 'closed' | 'reset'): void {
    const handler = this.#handler;
    const stage = this.#responseBegun ? 'flush' : 'request';
    this.#ports.writer.discard(this);
    this.#exchangeOver();
    this.#close('reset');
    handler?.onRequestFailed(fail('client_gone', stage, { octetsSent: this.#octetsSent, how }));
  }

  /** Ends a connection that waits between requests; one in an exchange ends after it. */
  drain(): void {
    this.#draining = true;
    this.#persistent = false;
    if (this.#phase === 'waiting') this.#close('close');
  }

  /** Ends the exchange with `failure`, wherever it is; a connection without one is closed. One that lingers has ended. */
  cut(failure: Failure): void {
    if (this.#phase === 'waiting' || this.#phase === 'head') return this.#close('close');
    if (this.#phase !== 'exchange') return;
    this.#persistent = false;
    this.#requestEnded = true;
    this.#limitTo('none', 0);
    this.#readInBulk(false);
    this.#handler?.onRequestFailed(failure);
  }

  #close(how: 'close' | 'reset'): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#parser.reset();
    this.#held = null;
    this.#writeAt = never;
    this.#limitTo('none', 0);
    this.#ports.deadlines.remove(this);
    this.#ports.writer.discard(this);
    this.transport.close(how);
    this.#ports.counts.clientConnections--;
    this.#ports.onConnectionClosed(this);
  }
}

function headLimits(listener: ListenerFacts): ConstructorParameters<typeof RequestHeadParser>[0] {
  const { headOctetsMax, fieldsMax, targetOctetsMax } = listener.limits;
  return { headOctetsMax, fieldsMax, targetOctetsMax, methodOctetsMax: 32 };
}

function refusal(rule: RequestRule, at: string): Failure {
  return fail('request_refused', 'request', { rule, status: requestRules[rule].status, at });
}

const nothing = new Uint8Array(0);

/** A copy of both: what is lent is a Buffer of all connections, and its own `slice` would be a view of it. */
function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
