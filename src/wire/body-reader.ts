import { type MessageHeaders, type Framing, noBody, type Ownership } from '../core/message.ts';
import type { Transport } from '../core/transport.ts';
import { ChunkedDecoder, type ChunkRule, type ChunkedBodySink } from './chunked.ts';

/** As much body still to come, or twice as much come already, makes reading into a large buffer of its own pay. */
const bulkBytesMin = 128 * 1024;

/**
 * Reads say whether it comes in bulk: an event now and then does not, nor does a large upload by a slow client. With a large
 * buffer for each of 700 such uploads V8 collected all garbage once a second, and other clients' p99 was three times as long.
 */
const busyReadBytes = 16 * 1024;
const idleReadBytes = 1024;

/** Receives the body. Owned bytes stay as they are until the reader is resumed; borrowed ones during the call. */
export interface BodyTaker {
  onBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void;
}

/**
 * Separates a message's body from the bytes behind it, and says when it is complete (RFC 9112 §6.3).
 *
 *     begin ──▶ partial ──push──▶ whole │ refused          without a body: begin ──▶ whole
 *
 * Sans I/O; only how its source reads is its business, since nobody else knows how much is still to come. One reader
 * serves all messages of one direction of a connection.
 */
export class BodyReader implements ChunkedBodySink {
  state: 'partial' | 'whole' | 'refused' = 'whole';
  framing: Framing = noBody;
  /** Bytes of a body so far, without their coding. */
  bytesReceived = 0;
  readonly #source: Pick<Transport, 'readInBulk'>;
  readonly #taker: BodyTaker;
  /** Null before the first message that is chunked. */
  #chunked: ChunkedDecoder | null = null;
  #remaining = 0;
  #bulk = false;

  constructor(source: Pick<Transport, 'readInBulk'>, taker: BodyTaker) {
    this.#source = source;
    this.#taker = taker;
  }

  /** The next message's body, framed like this. */
  begin(framing: Framing): void {
    this.framing = framing;
    this.bytesReceived = 0;
    this.#remaining = framing.kind === 'length' ? framing.bytes : 0;
    if (framing.kind === 'chunked') this.#beginChunked();
    const isEmpty = framing.kind === 'none' || (framing.kind === 'length' && framing.bytes === 0);
    this.state = isEmpty ? 'whole' : 'partial';
  }

  #beginChunked(): void {
    if (this.#chunked === null) this.#chunked = new ChunkedDecoder();
    else this.#chunked.reset();
  }

  /** Takes bytes [start, end) and returns how many were of this message: all of them while its body is partial. */
  push(bytes: Uint8Array, start: number, end: number): number {
    this.#judgeBulk(end - start);
    switch (this.framing.kind) {
      case 'length': {
        const length = Math.min(end - start, this.#remaining);
        this.#remaining -= length;
        this.onBody(bytes, start, start + length);
        if (this.#remaining === 0) this.#end('whole');
        return length;
      }
      case 'chunked': {
        const chunked = this.#chunked as ChunkedDecoder;
        const consumed = chunked.push(bytes, start, end, this);
        if (chunked.state !== 'partial') this.#end(chunked.state === 'done' ? 'whole' : 'refused');
        return consumed;
      }
      case 'until-close':
        this.onBody(bytes, start, end);
        return end - start;
      case 'none':
        return 0;
    }
  }

  /** How many of these bytes, which come next, are body. Of a chunked message only before its first byte was taken. */
  lengthIn(bytes: Uint8Array, start: number, end: number): number {
    if (this.framing.kind === 'length') return Math.min(end - start, this.#remaining);
    if (this.framing.kind !== 'chunked' || this.bytesReceived > 0) return 0;
    let length = 0;
    new ChunkedDecoder().push(bytes, start, end, { onBody: (_, from, to) => void (length += to - from) });
    return length;
  }

  /** For the chunked decoder, and our own framing: a run of a body. */
  onBody(bytes: Uint8Array, start: number, end: number): void {
    this.bytesReceived += end - start;
    // The bytes of one bulk read stay in place until this reader is resumed; parts of a coding are copied anyway.
    const isOwned = this.#bulk && this.framing.kind !== 'chunked' && bytes.length > bulkBytesMin;
    this.#taker.onBody(bytes, start, end, isOwned ? 'owned' : 'borrowed');
  }

  /** Once complete: the permitted headers of the trailer section; null when there was none. */
  get trailers(): MessageHeaders | null {
    return this.framing.kind === 'chunked' && this.#chunked !== null ? this.#chunked.trailers : null;
  }

  /** Once refused. */
  get rule(): ChunkRule {
    return this.#chunked?.rule ?? 'chunk-size';
  }

  /** Bytes of trailer section held, for evidence. */
  get trailerBytes(): number {
    return this.#chunked?.trailerBytes ?? 0;
  }

  /** The connection, which was all that could end it, has ended. */
  end(): void {
    this.#end('whole');
  }

  /** Owned bytes given so far are kept, though this reader is not paused: the next ones come in another buffer. */
  leaveBuffer(): void {
    this.#readInBulk(false);
  }

  /** No more of this message is wanted. */
  stop(): void {
    this.#readInBulk(false);
  }

  #judgeBulk(readBytes: number): void {
    if (this.#bulk) {
      if (readBytes < idleReadBytes) this.#readInBulk(false);
    } else if (readBytes >= busyReadBytes && this.#isMuch(readBytes)) this.#readInBulk(true);
  }

  #isMuch(readBytes: number): boolean {
    if (this.framing.kind === 'length') return this.#remaining - readBytes >= bulkBytesMin;
    return this.bytesReceived > 2 * bulkBytesMin;
  }

  #end(state: 'whole' | 'refused'): void {
    this.state = state;
    this.#readInBulk(false);
  }

  #readInBulk(bulk: boolean): void {
    if (this.#bulk === bulk) return;
    this.#bulk = bulk;
    this.#source.readInBulk(bulk);
  }
}
