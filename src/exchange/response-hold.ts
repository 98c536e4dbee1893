import type { Ownership, ResponseHead } from '../core/message.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import { isStream } from '../wire/is-stream.ts';

/**
 * Body bytes that are held of one response. Nine pages of ten are smaller; together with the limit of client
 * connections it bounds the memory for all of them.
 */
export const heldBytesMax = 64 * 1024;

/** A response that is larger than what is held is passed on when so much of it has come: the next read would not fit in any case. */
const fullBytes = heldBytesMax - 4 * 1024;

/** The first buffer for held bytes; it doubles as more come. */
const roomBytesMin = 4 * 1024;

/** Slices of one read that are held without a copy; for more of them an array would cost more than a copy. */
const borrowedSlicesMax = 16;

/** An endpoint that has sent part of a body of unknown length, and then nothing for a fifth of the delay, streams on purpose. */
const pauseShare = 1 / 5;

export interface ResponseHoldOwner {
  /** The response has been held for as long as it may be. */
  onHoldTimeout(): void;
  /** Sends body bytes on that the hold has released. */
  forwardToClient(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void;
}

/**
 * A response that has begun, and of which nothing has been sent to the client. As long as it is held, a failure of the endpoint
 * can still be answered, or be followed by another attempt.
 *
 *     head ─▶ tryAdd… ─▶ keepHolding ─▶ tryAdd… ─▶ keepHolding ─▶ …        any ─▶ release, or close
 *
 * A response that comes complete within one read costs no copy and no timer: its bytes are borrowed until the read is over.
 */
export class ResponseHold {
  readonly head: ResponseHead;
  readonly #clock: Clock;
  readonly #owner: ResponseHoldOwner;
  readonly #delayMs: number;
  readonly #headAt: Instant;
  #borrowed: Uint8Array[] = [];
  #borrowedBytes = 0;
  #kept: Uint8Array = nothing;
  #keptBytes = 0;
  #sliceAt: Instant;
  #timer: Timer | null = null;
  #timerAt: Instant;

  constructor(head: ResponseHead, delayMs: number, clock: Clock, owner: ResponseHoldOwner) {
    this.head = head;
    this.#delayMs = delayMs;
    this.#clock = clock;
    this.#owner = owner;
    this.#headAt = clock.now();
    this.#sliceAt = this.#headAt;
    this.#timerAt = this.#headAt;
  }

  /** Body bytes that are held. */
  get bytes(): number {
    return this.#borrowedBytes + this.#keptBytes;
  }

  /** Adds bytes that are borrowed until the read is over. False, and nothing is added, when it would be too much. */
  tryAdd(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.bytes + end - start > heldBytesMax) return false;
    this.#borrowed.push(bytes.subarray(start, end));
    this.#borrowedBytes += end - start;
    if (this.#borrowed.length > borrowedSlicesMax) this.#keep();
    return true;
  }

  /**
   * A read is over, and the response is not complete: borrowed bytes are copied, and the timer runs. False, once and before
   * anything is copied, for a response that says that it is a stream, or that is too large to be held whole and fills the hold.
   */
  mayKeepHolding(): boolean {
    if (this.#isFull || (this.#timer === null && isStream(this.head.headers))) return false;
    if (this.#borrowedBytes > 0) {
      this.#keep();
      this.#sliceAt = this.#clock.now();
    }
    this.#watch();
    return true;
  }

  get #isFull(): boolean {
    const { framing } = this.head;
    return this.bytes >= fullBytes && framing.kind === 'length' && framing.bytes > heldBytesMax;
  }

  #keep(): void {
    this.#makeRoom(this.bytes);
    for (const slice of this.#borrowed) {
      this.#kept.set(slice, this.#keptBytes);
      this.#keptBytes += slice.length;
    }
    this.#borrowed = [];
    this.#borrowedBytes = 0;
  }

  #makeRoom(bytes: number): void {
    if (bytes <= this.#kept.length) return;
    let room = Math.max(roomBytesMin, this.#kept.length);
    while (room < bytes) room *= 2;
    const larger = new Uint8Array(room);
    larger.set(this.#kept.subarray(0, this.#keptBytes));
    this.#kept = larger;
  }

  /** When the hold ends, if nothing more comes. */
  #dueAt(): Instant {
    const due = after(this.#headAt, this.#delayMs);
    const lengthKnown = this.head.framing.kind === 'length';
    if (lengthKnown || this.bytes === 0) return due;
    return Math.min(due, after(this.#sliceAt, this.#delayMs * pauseShare)) as Instant;
  }

  /** One timer, which checks the time again when it fires, so that bytes that come do not move it. */
  #watch(): void {
    const due = this.#dueAt();
    if (this.#timer !== null) {
      if (this.#timerAt <= due) return;
      this.#timer.cancel();
    }
    this.#timerAt = due;
    this.#timer = this.#clock.schedule(due, timerFired, this);
  }

  /** For the timer alone. */
  onLook(): void {
    this.#timer = null;
    if (this.#clock.now() < this.#dueAt()) this.#watch();
    else this.#owner.onHoldTimeout();
  }

  /** Keeps what is held until `release` or `close`, however long that takes: the response is complete. */
  detach(): void {
    this.#keep();
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Passes on what is held, and holds no more. */
  release(): void {
    const kept = this.#kept;
    const keptBytes = this.#keptBytes;
    const borrowed = this.#borrowed;
    this.close();
    if (keptBytes > 0) this.#owner.forwardToClient(kept, 0, keptBytes, 'owned');
    for (const slice of borrowed) this.#owner.forwardToClient(slice, 0, slice.length, 'borrowed');
  }

  /** Drops what is held: it is not sent to the client. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#borrowed = [];
    this.#borrowedBytes = 0;
    this.#kept = nothing;
    this.#keptBytes = 0;
  }
}

const nothing = new Uint8Array(0);

function timerFired(hold: ResponseHold): void {
  hold.onLook();
}
