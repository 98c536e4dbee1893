/** As many are kept; then their connection is read no further. */
const heldOctetsMax = 64 * 1024;

/** Octets that came before their turn: requests behind the one that is being answered, content that nobody reads yet. */
export class HeldOctets {
  #octets: Uint8Array | null = null;

  get isEmpty(): boolean {
    return this.#octets === null;
  }

  get isFull(): boolean {
    return this.#octets !== null && this.#octets.length >= heldOctetsMax;
  }

  /** Keeps a copy: what is lent is a Buffer of all connections, and its own `slice` would be a view of it. */
  add(octets: Uint8Array, start: number, end: number): void {
    const before = this.#octets?.length ?? 0;
    const both = new Uint8Array(before + end - start);
    if (this.#octets !== null) both.set(this.#octets);
    both.set(octets.subarray(start, end), before);
    this.#octets = both;
  }

  /** All of them, which are then held no more. Only while there are some. */
  take(): Uint8Array {
    const octets = this.#octets ?? new Uint8Array(0);
    this.#octets = null;
    return octets;
  }

  /** What was taken, from octet `at` on, was not wanted yet after all. */
  putBack(octets: Uint8Array, at: number): void {
    this.#octets = at === 0 ? octets : octets.subarray(at);
  }

  forget(): void {
    this.#octets = null;
  }
}
