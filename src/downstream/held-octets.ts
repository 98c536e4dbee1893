/** As many are kept; then their connection is read no further. */
export const heldOctetsMax: number = 64 * 1024;

const lf = 0x0a;
const cr = 0x0d;

/** Octets that came before their turn: requests behind the one that is being answered, content that nobody reads yet. */
export class HeldOctets {
  #octets: Uint8Array | null = null;
  #headEnds = 0;

  get isEmpty(): boolean {
    return this.#octets === null;
  }

  get isFull(): boolean {
    return this.#octets !== null && this.#octets.length >= heldOctetsMax;
  }

  /** About how many requests these are: their empty lines, those in content included. */
  get headEnds(): number {
    return this.#headEnds;
  }

  /** Keeps a copy: what is lent is a Buffer of all connections, and its own `slice` would be a view of it. */
  add(octets: Uint8Array, start: number, end: number): void {
    const before = this.#octets?.length ?? 0;
    const both = new Uint8Array(before + end - start);
    if (this.#octets !== null) both.set(this.#octets);
    both.set(octets.subarray(start, end), before);
    this.#octets = both;
    this.#headEnds += emptyLinesIn(both, before);
  }

  /** All of them, which are then held no more. Only while there are some. */
  take(): Uint8Array {
    const octets = this.#octets ?? new Uint8Array(0);
    this.#octets = null;
    return octets;
  }

  /** What was taken, from octet `at` on, was not wanted yet after all; before it stood so many requests. */
  putBack(octets: Uint8Array, at: number, requests: number): void {
    this.#octets = at === 0 ? octets : octets.subarray(at);
    this.#headEnds = Math.max(0, this.#headEnds - requests);
  }

  /** Nothing is left of what was taken. */
  forget(): void {
    this.#octets = null;
    this.#headEnds = 0;
  }
}

/** Lines without an octet that end at `from` or behind it. */
function emptyLinesIn(octets: Uint8Array, from: number): number {
  let lines = 0;
  for (let at = octets.indexOf(lf, from); at >= 0; at = octets.indexOf(lf, at + 1)) {
    const before = octets[at - 1] === cr ? at - 2 : at - 1;
    if (octets[before] === lf) lines++;
  }
  return lines;
}
