import type { Capabilities, Fields } from '../core/message.ts';
import type { Clock, Timer } from '../core/time.ts';

/** What streams in memory can do: all that HTTP/2 can. */
export const capabilities: Capabilities = {
  multiplexed: true,
  canReset: true,
  trailers: true,
  tunnels: true,
};

/** How many octets either end may be sent before it grants more. */
export const windowOctetsDefault = 16 * 1024;

/** Composed octets go by themselves when there are this many. */
const flushOctets = 32 * 1024;

/**
 * One direction of a stream, with credit:
 *
 *     push ─▶ composed ─flush▶ waiting ─credit▶ granted ─▶ take
 *
 * Whoever takes gives the credit back. `onArrival` is called by the clock, never from inside a call.
 */
export class MemoryLane {
  readonly #clock: Clock;
  readonly #onArrival: () => void;
  readonly #windowOctets: number;
  #composed: Uint8Array[] = [];
  #composedOctets = 0;
  #waiting: Uint8Array[] = [];
  #waitingOctets = 0;
  #granted: Uint8Array[] = [];
  #grantedOctets = 0;
  #wakes: Timer | null = null;
  #held = false;
  #closed = false;
  #finished = false;
  ended = false;
  trailers: Fields | null = null;

  constructor(clock: Clock, windowOctets: number, onArrival: () => void) {
    this.#clock = clock;
    this.#windowOctets = windowOctets;
    this.#onArrival = onArrival;
  }

  /** Octets for which there is no credit. */
  get waitingOctets(): number {
    return this.#waitingOctets;
  }

  /** Octets that may be taken. */
  get grantedOctets(): number {
    return this.#grantedOctets;
  }

  get queuedOctets(): number {
    return this.#composedOctets + this.#waitingOctets + this.#grantedOctets;
  }

  push(octets: Uint8Array, start: number, end: number): void {
    if (this.#closed || start === end) return;
    this.#composed.push(new Uint8Array(octets.subarray(start, end)));
    this.#composedOctets += end - start;
    if (this.#composedOctets >= flushOctets) this.flush();
  }

  flush(): void {
    if (this.#closed) return;
    this.#waiting.push(...this.#composed);
    this.#waitingOctets += this.#composedOctets;
    this.#composed = [];
    this.#composedOctets = 0;
    if (this.#finished) this.ended = true;
    this.#grant();
  }

  /** The end, behind all octets, once they are flushed. */
  finish(trailers: Fields | null): void {
    this.#finished = true;
    this.trailers = trailers;
  }

  /** Takes the end back: what was whole as a request goes on as a tunnel. */
  reopen(): void {
    this.#finished = false;
    this.ended = false;
    this.trailers = null;
  }

  /** The end, and a flush. */
  end(trailers: Fields | null): void {
    this.finish(trailers);
    this.flush();
    this.wake();
  }

  /** All that may be taken, as one run; null when there is nothing. */
  take(): Uint8Array | null {
    if (this.#held || this.#grantedOctets === 0) return null;
    const run = new Uint8Array(this.#grantedOctets);
    let at = 0;
    for (const piece of this.#granted) {
      run.set(piece, at);
      at += piece.length;
    }
    this.#granted = [];
    this.#grantedOctets = 0;
    this.#grant();
    return run;
  }

  /** The reader takes nothing, and gives no credit, until it is let go. */
  hold(held: boolean): void {
    this.#held = held;
    if (!held) this.wake();
  }

  wake(): void {
    if (this.#closed || this.#held || this.#wakes !== null) return;
    this.#wakes = this.#clock.schedule(this.#clock.now(), arrive, this);
  }

  /** For `arrive` alone. */
  onWake(): void {
    this.#wakes = null;
    if (!this.#closed && !this.#held) this.#onArrival();
  }

  close(): void {
    this.#closed = true;
    this.#wakes?.cancel();
    this.#composed = [];
    this.#waiting = [];
    this.#granted = [];
    this.#composedOctets = 0;
    this.#waitingOctets = 0;
    this.#grantedOctets = 0;
  }

  #grant(): void {
    while (this.#waiting.length > 0 && this.#grantedOctets < this.#windowOctets) {
      const first = this.#waiting[0] as Uint8Array;
      const size = Math.min(first.length, this.#windowOctets - this.#grantedOctets);
      this.#granted.push(first.subarray(0, size));
      this.#grantedOctets += size;
      this.#waitingOctets -= size;
      if (size === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(size);
      this.wake();
    }
  }
}

/** Lends octets for one call, at an offset, and overwrites them afterwards: whoever keeps them will notice. */
export function poisoned(octets: Uint8Array, lend: (octets: Uint8Array, start: number, end: number) => void): void {
  const lent = new Uint8Array(octets.length + 8).fill(0xdb);
  lent.set(octets, 5);
  lend(lent, 5, 5 + octets.length);
  lent.fill(0xdb);
}

function arrive(lane: MemoryLane): void {
  lane.onWake();
}
