/**
 * Words of 32 bits that several threads read and write. Every access of this room goes through here, so that a test can
 * stop a thread between any two of them.
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

  /** A store whose moment does not matter: others may see it a little later. */
  put(index: number, value: number): void {
    this.#words[index] = value;
  }

  /** Whether it was `was`, and therefore is `is` now. */
  swapIf(index: number, was: number, is: number): boolean {
    return Atomics.compareExchange(this.#words, index, was, is) === was;
  }

  /** What it was; it is `value` now. */
  swap(index: number, value: number): number {
    return Atomics.exchange(this.#words, index, value);
  }

  setBits(index: number, bits: number): void {
    Atomics.or(this.#words, index, bits);
  }

  /** Adds one, and wakes whoever awaits a change. */
  bump(index: number): void {
    Atomics.add(this.#words, index, 1);
    Atomics.notify(this.#words, index);
  }

  /** Blocks this thread for as long as the word is `value`, and no longer than `limitMs`. */
  nap(index: number, value: number, limitMs: number): void {
    Atomics.wait(this.#words, index, value, limitMs);
  }

  /** Resolves when the word is not `value`: at once where it is not now, and never where nobody bumps it. */
  async change(index: number, value: number): Promise<void> {
    const waited = Atomics.waitAsync(this.#words, index, value);
    if (waited.async) await waited.value;
  }
}
