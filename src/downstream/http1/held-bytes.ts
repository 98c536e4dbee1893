/** At this size the connection is read no further. */
const heldBytesMax: number = 64 * 1024;

const lf = 0x0a;
const cr = 0x0d;

/** Bytes that came before their turn: requests behind the current one, and body that the exchange does not read yet. */
export class HeldBytes {
  #bytes: Uint8Array | null = null;
  #headEnds = 0;

  get isEmpty(): boolean {
    return this.#bytes === null;
  }

  get isFull(): boolean {
    return this.#bytes !== null && this.#bytes.length >= heldBytesMax;
  }

  /** About how many requests these are: the empty lines, those in bodies included. */
  get headEnds(): number {
    return this.#headEnds;
  }

  get bytes(): Uint8Array | null {
    return this.#bytes;
  }

  /** Keeps a copy. Not by `slice`: the bytes are lent from a Buffer of all connections, and its `slice` is a view. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const before = this.#bytes?.length ?? 0;
    const both = new Uint8Array(before + end - start);
    if (this.#bytes !== null) both.set(this.#bytes);
    both.set(bytes.subarray(start, end), before);
    this.#bytes = both;
    this.#headEnds += emptyLinesIn(both, before);
  }

  /** Takes all of them out. Only while there are some. */
  take(): Uint8Array {
    const bytes = this.#bytes ?? new Uint8Array(0);
    this.#bytes = null;
    return bytes;
  }

  /** Puts back what was not used of the bytes taken: from byte `at` on, behind so many requests. */
  putBack(bytes: Uint8Array, at: number, requests: number): void {
    this.#bytes = at === 0 ? bytes : bytes.subarray(at);
    this.#headEnds = Math.max(0, this.#headEnds - requests);
  }

  /** All bytes taken have been used. */
  forget(): void {
    this.#bytes = null;
    this.#headEnds = 0;
  }
}

/** Counts empty lines that end at `from` or behind it. */
function emptyLinesIn(bytes: Uint8Array, from: number): number {
  let lines = 0;
  for (let at = bytes.indexOf(lf, from); at >= 0; at = bytes.indexOf(lf, at + 1)) {
    const before = bytes[at - 1] === cr ? at - 2 : at - 1;
    if (bytes[before] === lf) lines++;
  }
  return lines;
}
