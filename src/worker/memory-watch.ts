import { fail, type Failure } from '#failures/failure.ts';
import { after, type Clock, type Instant } from '../core/time.ts';

/** The memory of a thread, in bytes: its heap, and buffers outside of the heap. */
interface MemoryUse {
  readonly heapBytes: number;
  readonly externalBytes: number;
}

interface MemoryWatchParts {
  readonly clock: Clock;
  readonly use: () => MemoryUse;
  /** Collects garbage: some milliseconds, with a large heap some hundred. */
  readonly collect: () => void;
  readonly bytesMax: number;
  /** Called once when an overload begins and once when it ends. */
  readonly onChange: (failure: Failure | null) => void;
}

/** A burst fills memory within seconds, and reading the usage costs some 10 µs. */
const checkEveryMs = 1000;

/**
 * From this share of the limit on, garbage is collected to measure the memory in use, and no new request is accepted while more is in
 * use.
 */
const shedShare = 0.85;

/** Below this the overload ends, so that the next request does not begin it again. */
const calmShare = 0.75;

/**
 * How often garbage is collected to measure the memory in use: rarely, because the worker pauses meanwhile. Without a
 * collection the usage is unknown: a heap may fill up with garbage alone.
 */
const collectEveryMs = 3000;

/**
 * Watches a worker's memory. Near its limit requests are refused with `shed` and connections are refused, before
 * the limit ends the worker with all its requests in flight.
 */
export class MemoryWatch {
  readonly #parts: MemoryWatchParts;
  #isShedding = false;
  #collectedAt: Instant | null = null;

  constructor(parts: MemoryWatchParts) {
    this.#parts = parts;
  }

  /** Checks every second from now on. */
  begin(): void {
    const { clock } = this.#parts;
    clock.schedule(after(clock.now(), checkEveryMs), checkMemory, this);
  }

  /** Called by its timer only. */
  check(): void {
    const limit = this.#parts.bytesMax * (this.#isShedding ? calmShare : shedShare);
    let isTooMuch = this.#used() >= limit;
    // Only after a collection is all memory in use; before, some of it is garbage.
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

/** Refused clients find room again when requests in flight have finished, usually within this time. */
const retryAfterS = 5;

function checkMemory(watch: MemoryWatch): void {
  watch.check();
}
