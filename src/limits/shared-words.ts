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
