/** As many are kept; then their connection is read no further. */
export const heldBytesMax: number = 64 * 1024;

const lf = 0x0a;
const cr = 0x0d;

/** Bytes that came before their turn: requests behind the one that is being answered, content that nobody reads yet. */
export class HeldBytes {
  #bytes: Uint8Array | null = null;
  #headEnds = 0;

  get isEmpty(): boolean {
    return this.#bytes === null;
  }

  get isFull(): boolean {
    return this.#bytes !== null && this.#bytes.length >= heldBytesMax;
  }

  /** About how many requests these are: their empty lines, those in content included. */
  get headEnds(): number {
    return this.#headEnds;
  }

  /** Keeps a copy: what is lent is a Buffer of all connections, and its own `slice` would be a view of it. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const before = this.#bytes?.length ?? 0;
    const both = new Uint8Array(before + end - start);
    if (this.#bytes !== null) both.set(this.#bytes);
    both.set(bytes.subarray(start, end), before);
    this.#bytes = both;
    this.#headEnds += emptyLinesIn(both, before);
  }

  /** All of them, which are then held no more. Only while there are some. */
  take(): Uint8Array {
    const bytes = this.#bytes ?? new Uint8Array(0);
    this.#bytes = null;
    return bytes;
  }

  /** What was taken, from byte `at` on, was not wanted yet after all; before it stood so many requests. */
  putBack(bytes: Uint8Array, at: number, requests: number): void {
    this.#bytes = at === 0 ? bytes : bytes.subarray(at);
    this.#headEnds = Math.max(0, this.#headEnds - requests);
  }

  /** Nothing is left of what was taken. */
  forget(): void {
    this.#bytes = null;
    this.#headEnds = 0;
  }
}

/** Lines without a byte that end at `from` or behind it. */
function emptyLinesIn(bytes: Uint8Array, from: number): number {
  let lines = 0;
  for (let at = bytes.indexOf(lf, from); at >= 0; at = bytes.indexOf(lf, at + 1)) {
    const before = bytes[at - 1] === cr ? at - 2 : at - 1;
    if (bytes[before] === lf) lines++;
  }
  return lines;
}
