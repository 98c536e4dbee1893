import type { Fields, Ownership, ResponseHead } from '../core/message.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';

/**
 * Content that is held of one response: nine pages of ten are smaller, and together with the limit of client
 * connections it bounds what all of them can cost.
 */
export const heldBytesMax = 64 * 1024;

/** The first bytes that are kept get this much room; it doubles as more come. */
const roomBytesMin = 4 * 1024;

/** Pieces of one read that are remembered where they lie; of more than these an array would cost more than a copy. */
const borrowedSlicesMax = 16;

/** An endpoint that has sent a piece of unknown whole, and then nothing for a fifth of the delay, streams on purpose. */
const pauseShare = 1 / 5;

export interface ResponseHoldOwner {
  /** The response has been held for as long as it may be. */
  onHoldTimeout(): void;
  /** Content that was held, on its way again. */
  onReleased(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void;
}

/**
 * A response that has begun, and of which its client has seen nothing: while that is so, a failure in it is
 * still a real answer, or another attempt.
 *
 *     head ─▶ takes… ─▶ holdsOn ─▶ takes… ─▶ holdsOn ─▶ …        any ─▶ release, or close
 *
 * What comes whole within one read is neither copied nor timed: its bytes are lent until the read is over.
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

  /** Content bytes that are held. */
  get bytes(): number {
    return this.#borrowedBytes + this.#keptBytes;
  }

  /** Takes content that is lent until the read is over; false, and nothing taken, when it would be too much. */
  tryAdd(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.bytes + end - start > heldBytesMax) return false;
    this.#borrowed.push(bytes.subarray(start, end));
    this.#borrowedBytes += end - start;
    if (this.#borrowed.length > borrowedSlicesMax) this.#keep();
    return true;
  }

  /**
   * A read is over, and the response is not whole: what was lent is copied, and time counts. False, once and
   * before anything is copied, for a response that says that it is a stream.
   */
  keepHolding(): boolean {
    if (this.#timer === null && isStream(this.head.fields)) return false;
    if (this.#borrowedBytes > 0) {
      this.#keep();
      this.#sliceAt = this.#clock.now();
    }
    this.#watch();
    return true;
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

  /** When the window is over, if nothing more comes. */
  #dueAt(): Instant {
    const due = after(this.#headAt, this.#delayMs);
    const lengthKnown = this.head.framing.kind === 'length';
    if (lengthKnown || this.bytes === 0) return due;
    return Math.min(due, after(this.#sliceAt, this.#delayMs * pauseShare)) as Instant;
  }

  /** One timer, which looks again when it fires: a piece that comes costs none. */
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

  /** Gives up what is held, byte for byte, and holds no more. */
  release(): void {
    const kept = this.#kept;
    const keptBytes = this.#keptBytes;
    const borrowed = this.#borrowed;
    this.close();
    if (keptBytes > 0) this.#owner.onReleased(kept, 0, keptBytes, 'owned');
    for (const slice of borrowed) this.#owner.onReleased(slice, 0, slice.length, 'borrowed');
  }

  /** Forgets what is held: its client will never see it. */
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

/**
 * Whether a response says that it is a stream, whose every piece is wanted as soon as it is there: by its media
 * type, or in the word that nginx has taught applications (`X-Accel-Buffering: no`).
 */
export function isStream(fields: Fields): boolean {
  const type = fields.get('content-type');
  if (type !== null && streamType.test(type)) return true;
  return fields.get('x-accel-buffering')?.trim().toLowerCase() === 'no';
}

const streamType =
  /^\s*(?:text\/event-stream|application\/(?:grpc(?:[-+][^;\s]*)?|x-ndjson|ndjson|jsonl|json-seq|stream\+json|connect\+[^;\s]*)|multipart\/x-mixed-replace)\s*(?:;|$)/i;
