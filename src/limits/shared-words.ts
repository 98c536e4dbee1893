import type { Instant } from '../core/time.ts';

/**
 * Code under a lock runs well under a microsecond. A lock that is held for longer than these tries belongs to a thread that the
 * kernel has descheduled, or that has ended. The caller then sleeps between further tries, and gives up in the end. With ten
 * threads to a core, a descheduled thread runs again after some 50 ms; the main thread learns of an ended one sooner.
 */
const triesMax = 200;
const napMs = 1;
const napsMax = 250;

/**
 * Acquires `lock` for `owner`, a number from 1. False if it was not free within `waitMsMax` (by default some 250 ms). A nap
 * takes somewhat longer than `napMs`, on a busy machine several times as long.
 */
export function acquireLock(words: SharedWords, lock: number, owner: number, waitMsMax = napsMax * napMs): boolean {
  for (let tries = 0; tries < triesMax; tries++) {
    if (words.swapIf(lock, 0, owner)) return true;
  }
  for (let naps = 0; naps * napMs < waitMsMax; naps++) {
    words.nap(lock, words.load(lock) || -1, napMs);
    if (words.swapIf(lock, 0, owner)) return true;
  }
  return false;
}

export function releaseLock(words: SharedWords, lock: number): void {
  words.store(lock, 0);
}

/**
 * Words of 32 bits that several threads read and write. All of limits/ reads and writes shared memory through this class, so
 * that a test can stop a thread between any two accesses.
 */
export class SharedWords {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  load(index: number): number {
    return Atomics.load(this.#words, index);
  }

  /** A load without ordering, which costs a tenth: for searches whose finding is looked at again. */
  peek(index: number): number {
    return this.#words[index] as number;
  }

  store(index: number, value: number): void {
    Atomics.store(this.#words, index, value);
  }

  /** A store without ordering: other threads may see it later. */
  put(index: number, value: number): void {
    this.#words[index] = value;
  }

  /** Compare and exchange: true if the word was `was` and is `is` now. */
  swapIf(index: number, was: number, is: number): boolean {
    return Atomics.compareExchange(this.#words, index, was, is) === was;
  }

  /** Stores `value` and returns what was there before. */
  swap(index: number, value: number): number {
    return Atomics.exchange(this.#words, index, value);
  }

  setBits(index: number, bits: number): void {
    Atomics.or(this.#words, index, bits);
  }

  /** Adds one and wakes the threads that wait for a change. */
  bump(index: number): void {
    Atomics.add(this.#words, index, 1);
    Atomics.notify(this.#words, index);
  }

  /** Blocks this thread while the word is `value`, for at most `limitMs`. */
  nap(index: number, value: number, limitMs: number): void {
    Atomics.wait(this.#words, index, value, limitMs);
  }

  /** Resolves when the word is not `value`: at once if it is not now, otherwise after the next `bump`. */
  async change(index: number, value: number): Promise<void> {
    const waited = Atomics.waitAsync(this.#words, index, value);
    if (waited.async) await waited.value;
  }
}

/** An instant as a shared word: milliseconds in 32 bits, which wrap after 49 days. Never 0, which means "none". */
export function instantWord(instant: Instant): number {
  return Math.floor(instant) | 0 || 1;
}

/** How much earlier `one` was than `other`, in milliseconds. */
export function msBetween(one: number, other: number): number {
  return (other - one) | 0;
}
