import type { Capabilities, MessageHeaders } from '../core/message.ts';
import type { Clock, Timer } from '../core/time.ts';

/** The capabilities of streams in memory are those of HTTP/2. */
export const capabilities: Capabilities = { protocol: 'h2', multiplexed: true, trailers: true };

/** How many bytes one end may send before the other grants more credit. */
export const windowBytesDefault = 16 * 1024;

/** At this size, composed bytes are sent without a flush. */
const flushBytes = 32 * 1024;

/**
 * One direction of a stream, with credit:
 *
 *     push ─▶ composed ─flush▶ waiting ─credit▶ granted ─▶ take
 *
 * Taking bytes returns their credit. The clock calls `onArrival`, never `push` or `flush` themselves.
 */
export class MemoryLane {
  readonly #clock: Clock;
  readonly #onArrival: () => void;
  readonly #windowBytes: number;
  #composed: Uint8Array[] = [];
  #composedBytes = 0;
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #granted: Uint8Array[] = [];
  #grantedBytes = 0;
  #wakes: Timer | null = null;
  #held = false;
  #closed = false;
  #finished = false;
  ended = false;
  trailers: MessageHeaders | null = null;

  constructor(clock: Clock, windowBytes: number, onArrival: () => void) {
    this.#clock = clock;
    this.#windowBytes = windowBytes;
    this.#onArrival = onArrival;
  }

  /** Bytes without credit. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Bytes that may be taken. */
  get grantedBytes(): number {
    return this.#grantedBytes;
  }

  get queuedBytes(): number {
    return this.#composedBytes + this.#unsentBytes + this.#grantedBytes;
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    if (this.#closed || start === end) return;
    this.#composed.push(new Uint8Array(bytes.subarray(start, end)));
    this.#composedBytes += end - start;
    if (this.#composedBytes >= flushBytes) this.flush();
  }

  flush(): void {
    if (this.#closed) return;
    this.#unsent.push(...this.#composed);
    this.#unsentBytes += this.#composedBytes;
    this.#composed = [];
    this.#composedBytes = 0;
    if (this.#finished) this.ended = true;
    this.#grant();
  }

  /** Ends the lane after all bytes, once they are flushed. */
  finish(trailers: MessageHeaders | null): void {
    this.#finished = true;
    this.trailers = trailers;
  }

  /** Withdraws the end: after a complete request the stream becomes a tunnel. */
  reopen(): void {
    this.#finished = false;
    this.ended = false;
    this.trailers = null;
  }

  /** Ends the lane, and flushes. */
  end(trailers: MessageHeaders | null): void {
    this.finish(trailers);
    this.flush();
    this.wake();
  }

  /** All bytes that may be taken, in one array; null if there are none. */
  take(): Uint8Array | null {
    if (this.#held || this.#grantedBytes === 0) return null;
    const run = new Uint8Array(this.#grantedBytes);
    let at = 0;
    for (const slice of this.#granted) {
      run.set(slice, at);
      at += slice.length;
    }
    this.#granted = [];
    this.#grantedBytes = 0;
    this.#grant();
    return run;
  }

  /** While held, the reader takes no bytes and gives no credit. */
  hold(held: boolean): void {
    this.#held = held;
    if (!held) this.wake();
  }

  wake(): void {
    if (this.#closed || this.#held || this.#wakes !== null) return;
    this.#wakes = this.#clock.schedule(this.#clock.now(), arrive, this);
  }

  /** Called by `arrive`. */
  onWake(): void {
    this.#wakes = null;
    if (!this.#closed && !this.#held) this.#onArrival();
  }

  close(): void {
    this.#closed = true;
    this.#wakes?.cancel();
    this.#composed = [];
    this.#unsent = [];
    this.#granted = [];
    this.#composedBytes = 0;
    this.#unsentBytes = 0;
    this.#grantedBytes = 0;
  }

  #grant(): void {
    while (this.#unsent.length > 0 && this.#grantedBytes < this.#windowBytes) {
      const first = this.#unsent[0] as Uint8Array;
      const size = Math.min(first.length, this.#windowBytes - this.#grantedBytes);
      this.#granted.push(first.subarray(0, size));
      this.#grantedBytes += size;
      this.#unsentBytes -= size;
      if (size === first.length) this.#unsent.shift();
      else this.#unsent[0] = first.subarray(size);
      this.wake();
    }
  }
}

/** Lends bytes for one call, at an offset, and overwrites them afterwards, so that code that keeps them fails. */
export function poisoned(bytes: Uint8Array, lend: (bytes: Uint8Array, start: number, end: number) => void): void {
  // A Buffer, as transports lend it: its `slice` is a view, and copies nothing.
  const lent = Buffer.alloc(bytes.length + 8, 0xdb);
  lent.set(bytes, 5);
  lend(lent, 5, 5 + bytes.length);
  lent.fill(0xdb);
}

function arrive(lane: MemoryLane): void {
  lane.onWake();
}
