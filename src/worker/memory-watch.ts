import { fail, type Failure } from '../core/failure.ts';
import { after, type Clock, type Instant } from '../core/time.ts';

/** What a thread's memory is made of, in bytes: its objects, and what they hold outside of the heap (buffers). */
export interface MemoryUse {
  readonly heapBytes: number;
  readonly externalBytes: number;
}

export interface MemoryWatchParts {
  readonly clock: Clock;
  readonly use: () => MemoryUse;
  /** Throws away what nobody holds any more: some milliseconds, with a large heap some hundred. */
  readonly collect: () => void;
  readonly bytesMax: number;
  /** Called once when it begins and once when it is over. */
  readonly onChange: (failure: Failure | null) => void;
}

/** A rush fills memory within seconds, and a look costs some 10 µs. */
const checkEveryMs = 1000;

/** From this share on it is looked at closely, and nothing new is taken as long as what is in use is more. */
const shedShare = 0.85;

/** Below this it is over: not at once again at the next request. */
const calmShare = 0.75;

/**
 * How often rubbish is thrown away to see what is in use: only rarely, since the worker rests meanwhile. Without it nobody
 * could tell: a heap may fill up with what nobody holds, and then all is well.
 */
const collectEveryMs = 3000;

/**
 * Watches a worker's memory. Near its limit requests are refused with `shed` and connections are turned away, before the
 * limit ends the worker with everything that is under way on it.
 */
export class MemoryWatch {
  readonly #parts: MemoryWatchParts;
  #isShedding = false;
  #collectedAt: Instant | null = null;

  constructor(parts: MemoryWatchParts) {
    this.#parts = parts;
  }

  /** Looks every second from now on. */
  begin(): void {
    const { clock } = this.#parts;
    clock.schedule(after(clock.now(), checkEveryMs), checkMemory, this);
  }

  /** For its timer alone. */
  check(): void {
    const limit = this.#parts.bytesMax * (this.#isShedding ? calmShare : shedShare);
    let isTooMuch = this.#used() >= limit;
    // What a collection has left is in use; of anything else nobody knows how much is rubbish.
    let isKnown = !isTooMuch;
    if (isTooMuch && this.#collects()) {
      isTooMuch = this.#used() >= limit;
      isKnown = true;
    }
    if (isKnown && isTooMuch !== this.#isShedding) this.#change(isTooMuch);
    this.begin();
  }

  #used(): number {
    const { heapBytes, externalBytes } = this.#parts.use();
    return heapBytes + externalBytes;
  }

  #collects(): boolean {
    const { clock, collect } = this.#parts;
    const now = clock.now();
    if (this.#collectedAt !== null && now < this.#collectedAt + collectEveryMs) return false;
    this.#collectedAt = now;
    collect();
    return true;
  }

  #change(isShedding: boolean): void {
    this.#isShedding = isShedding;
    const limit = this.#parts.bytesMax;
    const failure = fail('shed', 'request', { what: 'the memory of a worker', limit, retryAfterS });
    this.#parts.onChange(isShedding ? failure : null);
  }
}

/** Whoever is turned away finds room again when what is under way has ended, mostly within this. */
const retryAfterS = 5;

function checkMemory(watch: MemoryWatch): void {
  watch.check();
}
