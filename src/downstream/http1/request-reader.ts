import type { RequestRule } from '#failures/rules.ts';
import { bodyUntilClose } from '../../core/message.ts';
import type { Transport } from '../../core/transport.ts';
import { BodyReader, type BodyTaker } from '../../wire/body-reader.ts';
import type { HeadStorage } from '../../wire/head-storage.ts';
import type { HeadLimits } from '../../wire/limits.ts';
import { RequestHeadParser } from '../../wire/request-head.ts';
import type { ParsedRequestHead } from '../../wire/parsed-request-head.ts';

/** At this size the connection is read no further. */
const heldBytesMax: number = 64 * 1024;
/** What a client can send sooner than it makes another connection. */
const skippedBytesMax: number = 64 * 1024;

const lf = 0x0a;
const cr = 0x0d;

/** Bytes that came before their turn: requests behind the current one, and body that the exchange does not read yet. */
export class HeldBytes {
  #bytes: Uint8Array | null = null;
  #headEnds = 0;

  get isEmpty(): boolean {
    return this.#bytes === null;
  }

  get isFull(): boolean {
    return this.#bytes !== null && this.#bytes.length >= heldBytesMax;
  }

  /** About how many requests these are: the empty lines, those in bodies included. */
  get headEnds(): number {
    return this.#headEnds;
  }

  get bytes(): Uint8Array | null {
    return this.#bytes;
  }

  /** Keeps a copy. Not by `slice`: the bytes are lent from a Buffer of all connections, and its `slice` is a view. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const before = this.#bytes?.length ?? 0;
    const both = new Uint8Array(before + end - start);
    if (this.#bytes !== null) both.set(this.#bytes);
    both.set(bytes.subarray(start, end), before);
    this.#bytes = both;
    this.#headEnds += emptyLinesIn(both, before);
  }

  /** Takes all of them out. Only while there are some. */
  take(): Uint8Array {
    const bytes = this.#bytes ?? new Uint8Array(0);
    this.#bytes = null;
    return bytes;
  }

  /** Puts back what was not used of the bytes taken: from byte `at` on, behind so many requests. */
  putBack(bytes: Uint8Array, at: number, requests: number): void {
    this.#bytes = at === 0 ? bytes : bytes.subarray(at);
    this.#headEnds = Math.max(0, this.#headEnds - requests);
  }

  /** All bytes taken have been used. */
  forget(): void {
    this.#bytes = null;
    this.#headEnds = 0;
  }
}

/** Counts empty lines that end at `from` or behind it. */
function emptyLinesIn(bytes: Uint8Array, from: number): number {
  let lines = 0;
  for (let at = bytes.indexOf(lf, from); at >= 0; at = bytes.indexOf(lf, at + 1)) {
    const before = bytes[at - 1] === cr ? at - 2 : at - 1;
    if (bytes[before] === lf) lines++;
  }
  return lines;
}

/** What the reader reports to its connection. */
export interface RequestListener extends BodyTaker {
  /** The first byte of a head has come. */
  onHeadBegins(): void;
  /** The head has not come whole in one read, as it nearly always does. */
  onHeadAwaited(): void;
  onHead(head: ParsedRequestHead): void;
  onHeadRefused(rule: RequestRule, at: string): void;
  /** A part of the body has come; `body.state` says whether it is complete. */
  onBodyRead(): void;
  /** One read has been processed. */
  onRead(): void;
  /** Requests are left for a later turn: the connection calls `readHeld` then. */
  onTurnSpent(): void;
}

/**
 * How many requests of one connection are read in a row while all other connections wait. A request that the gateway answers by
 * itself takes some 30 µs, so that this is a millisecond. One that goes to an endpoint waits in between anyway.
 */
const turnRequestsMax = 32;

/**
 * Reads the requests of a client's connection, one after the other (RFC 9112 §9.3):
 *
 *     request ──byte──▶ head ──▶ later ◀──readBody, pause──▶ body ──▶ later ──next──▶ request
 *
 * Bytes that come before their turn are held: requests behind the current one, unparsed, and body that the exchange does not
 * read yet. When these are many, the connection is read no further.
 */
export class RequestReader {
  readonly head: RequestHeadParser;
  readonly body: BodyReader;
  readonly #transport: Transport;
  readonly #listener: RequestListener;
  readonly #held = new HeldBytes();
  readonly #pipelinedMax: number;
  /** Heads that may still be read before other connections have their turn. */
  #turnLeft = turnRequestsMax;
  /** What the next bytes are; with `nothing` they are read and discarded. */
  #next: 'request' | 'head' | 'body' | 'later' | 'nothing' = 'request';
  /** The reading loop is running; a call from inside to read on need do nothing. */
  #reading = false;
  #wanted = false;
  #paused = false;
  /** The request is complete, or has failed: no more of its bytes count. */
  ended = true;
  /** Bytes have come that no request will be read from. */
  hasDiscarded = false;
  /** Bytes of an answered request that are still discarded before the next one. */
  #toSkip = 0;
  #skipped = 0;
  /** What came in the same read behind a head with a body; null: nothing. Kept while the reading loop runs, until the body is wanted. */
  #behind: Uint8Array | null = null;
  #behindStart = 0;
  #behindEnd = 0;
  /** All of the body came behind the head, in the same read. */
  bodyAtHand = false;

  constructor(
    transport: Transport,
    limits: HeadLimits,
    scheme: 'http' | 'https',
    takesHttps: boolean,
    pipelinedMax: number,
    storage: HeadStorage,
    listener: RequestListener,
  ) {
    this.#pipelinedMax = pipelinedMax;
    this.head = new RequestHeadParser(limits, storage, scheme, takesHttps);
    this.body = new BodyReader(transport, listener);
    this.#transport = transport;
    this.#listener = listener;
  }

  /** Whether a request may come next, and no byte of it has. */
  get isBetween(): boolean {
    return this.#next === 'request' && this.#held.isEmpty;
  }

  /** The reading loop is running. */
  get isReading(): boolean {
    return this.#reading;
  }

  /** The rest of an answered request has not come yet. */
  get isSkipping(): boolean {
    return this.#toSkip > 0;
  }

  /** The running loop reads bytes of this request next. */
  get restAtHand(): boolean {
    return this.#reading && this.#behind !== null && this.#behindEnd > this.#behindStart;
  }

  get holds(): boolean {
    return !this.#held.isEmpty;
  }

  /** Whether the exchange reads the body and its end has not come: the gateway waits for the client. */
  get awaitsBody(): boolean {
    return this.#next === 'body';
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    if (this.holds) return this.#hold(bytes, start, end);
    this.#turnLeft = turnRequestsMax;
    const at = this.#read(bytes, start, end);
    if (at < end) this.#hold(bytes, at, end);
    this.#listener.onRead();
    if (this.#isTurnSpent) this.#listener.onTurnSpent();
  }

  /** There is more to read, when other connections have had their turn. */
  get #isTurnSpent(): boolean {
    return this.#turnLeft === 0 && this.#next === 'request' && this.holds;
  }

  /** Reads as far as it may; returns where it stopped. */
  #read(bytes: Uint8Array, start: number, end: number): number {
    this.#reading = true;
    let at = start;
    while (at < end && (this.#toSkip > 0 || this.#next !== 'later')) {
      if (this.#toSkip > 0) at += this.#skip(end - at);
      else if (this.#next === 'body') at += this.#readBody(bytes, at, end);
      else if (this.#next === 'nothing') at = this.#discard(end);
      else if (this.#turnLeft === 0) break;
      else at += this.#readHead(bytes, at, end);
    }
    this.#reading = false;
    return at;
  }

  #skip(bytes: number): number {
    const skipped = Math.min(bytes, this.#toSkip);
    this.#toSkip -= skipped;
    this.#skipped += skipped;
    return skipped;
  }

  #discard(end: number): number {
    this.hasDiscarded = true;
    return end;
  }

  #hold(bytes: Uint8Array, start: number, end: number): void {
    if (this.#next === 'nothing') return;
    this.#held.add(bytes, start, end);
    if (this.#held.isFull || this.#held.headEnds >= this.#pipelinedMax || !this.ended) this.#transport.pause();
  }

  /** Reads held bytes as far as it may. False: some are left, or the loop is running further out. */
  readHeld(): boolean {
    if (this.#reading) return false; // The running loop goes on by itself.
    this.#turnLeft = turnRequestsMax;
    while (this.holds) {
      const turnLeft = this.#turnLeft;
      const held = this.#held.take();
      const at = this.#read(held, 0, held.length);
      if (at < held.length && this.#next !== 'nothing') this.#held.putBack(held, at, turnLeft - this.#turnLeft);
      else this.#held.forget();
      this.#listener.onRead();
      if (this.#isTurnSpent) {
        this.#listener.onTurnSpent();
        return false;
      }
      if (at === 0) return false;
    }
    if (!this.#paused) this.#transport.resume();
    return true;
  }

  #readHead(bytes: Uint8Array, start: number, end: number): number {
    const isFirst = this.#next === 'request';
    if (isFirst) {
      this.#next = 'head';
      this.#listener.onHeadBegins();
    }
    const consumed = this.head.push(bytes, start, end);
    const { state } = this.head;
    if (state === 'complete') this.#begin(this.head.head as ParsedRequestHead, bytes, start + consumed, end);
    else if (state === 'refused') {
      this.end();
      this.#listener.onHeadRefused(this.head.refusal?.rule ?? 'request-line', this.head.refusal?.at ?? '');
    } else {
      if (!this.head.began) this.#next = 'request'; // Only empty lines so far.
      if (isFirst) this.#listener.onHeadAwaited();
    }
    return consumed;
  }

  #begin(head: ParsedRequestHead, bytes: Uint8Array, start: number, end: number): void {
    const { framing } = head;
    if (framing.kind !== 'none') {
      this.#behind = bytes;
      this.#behindStart = start;
      this.#behindEnd = end;
    }
    this.#turnLeft--;
    this.body.begin(framing);
    this.#skipped = 0;
    this.bodyAtHand = framing.kind === 'length' && framing.bytes <= end - start;
    this.ended = this.body.state === 'whole';
    this.#next = 'later';
    this.#wanted = false;
    this.#paused = false;
    this.#listener.onHead(head);
  }

  #readBody(bytes: Uint8Array, start: number, end: number): number {
    const consumed = this.body.push(bytes, start, end);
    this.#listener.onBodyRead();
    return consumed;
  }

  /** Passes the body on from now on. False: it does already, or there is none. */
  readBody(): boolean {
    if (this.#wanted || this.ended) return false;
    this.#wanted = true;
    this.#behind = null;
    this.#next = 'body';
    return true;
  }

  /** Bytes of the request's body that have come, also those that were not passed on. */
  get bodyReceived(): number {
    if (this.head.state !== 'complete') return 0;
    const { body } = this;
    if (body.state !== 'partial') return body.bytesReceived;
    if (this.#reading && this.#behind !== null) return body.lengthIn(this.#behind, this.#behindStart, this.#behindEnd);
    const held = this.#held.bytes;
    return body.bytesReceived + this.#skipped + (held === null ? 0 : body.lengthIn(held, 0, held.length));
  }

  pause(): void {
    this.#paused = true;
    if (this.#next === 'body') this.#next = 'later';
    this.#transport.pause();
  }

  /** False: it was not paused. */
  resume(): boolean {
    if (!this.#paused) return false;
    this.#paused = false;
    if (this.#wanted && !this.ended) this.#next = 'body';
    if (this.#reading) this.#transport.resume(); // Otherwise `readHeld` does it, which follows.
    return true;
  }

  /** The request is complete. What follows is no request: it is passed on as it is, until the client ends it. */
  beginTunnel(): void {
    this.head.reset();
    this.body.begin(bodyUntilClose);
    this.ended = false;
    this.#wanted = true;
    if (!this.#paused) this.#next = 'body';
  }

  /** No more bytes of this request count. */
  end(): void {
    this.ended = true;
    if (this.#next !== 'nothing') this.#next = 'later';
    this.body.stop();
  }

  /** The request is answered: the next one may come. */
  next(): void {
    this.#behind = null;
    this.head.reset();
    this.#next = 'request';
    if (!this.#paused) return;
    this.#paused = false;
    this.#transport.resume();
  }

  /**
   * The request is answered before its body was read: where that is small, it is discarded, now and as it comes, so that the connection can
   * carry the next request. False: it is large, its length is not known, or its client may not send it.
   */
  skipBody(): boolean {
    const { framing } = this.body;
    const mayNotCome = this.head.head?.expectContinue === true && this.bodyReceived === 0;
    if (this.#wanted || this.ended || framing.kind !== 'length' || framing.bytes > skippedBytesMax || mayNotCome)
      return false;
    this.#toSkip = framing.bytes;
    this.ended = true;
    return true;
  }

  /**
   * The complete request is the last one of the connection, and no tunnel: what comes behind it is discarded while the response is sent. If
   * it were held, the connection would be read no further when it is much, and nothing would show that the client has left.
   */
  discardRest(): void {
    this.#next = 'nothing';
    if (!this.#paused && !this.holds) return;
    this.hasDiscarded ||= this.holds;
    this.#paused = false;
    this.#held.forget();
    this.#transport.resume();
  }

  /** No request will follow: what still comes is read and discarded. */
  forget(): void {
    this.#behind = null;
    this.head.reset();
    this.#held.forget();
    this.#toSkip = 0;
    this.body.stop();
    this.#next = 'nothing';
  }

  /** A defect of ours has ended the reading loop. */
  breakOff(): void {
    this.#reading = false;
  }
}
