/**
 * The last lines that fit into a fixed number of octets. New lines overwrite the oldest ones, in place: the
 * ring never grows, and a line costs one copy.
 *
 * A search finds a line only by its beginning or later, and reads it to its LF; overwriting begins at a line's
 * beginning, so a line that is half gone is never found whole and fails to parse.
 */
export class OctetRing {
  readonly #octetsMax: number;
  readonly #octets: Buffer;
  #writeAt = 0;
  /** Where the lines of the round before end; what follows was never written. */
  #endOfRound = 0;

  constructor(octetsMax: number) {
    this.#octetsMax = octetsMax;
    // Untouched pages cost nothing: the kernel gives them when they are written.
    this.#octets = Buffer.allocUnsafeSlow(octetsMax);
  }

  /** Appends whole lines [start, end) of `source`. More than the ring holds is not kept at all. */
  append(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length <= 0 || length > this.#octetsMax) return;
    if (this.#writeAt + length > this.#octetsMax) {
      this.#endOfRound = this.#writeAt;
      this.#writeAt = 0;
    }
    this.#octets.set(start === 0 && end === source.length ? source : source.subarray(start, end), this.#writeAt);
    this.#writeAt += length;
    if (this.#writeAt > this.#endOfRound) this.#endOfRound = this.#writeAt;
  }

  /** What the search reads in the newest line that contains its needle and satisfies it. */
  findLast<T>(search: LineSearch<T>): T | null {
    const newest = searchBackwards(this.#octets.subarray(0, this.#writeAt), search);
    return newest ?? searchBackwards(this.#octets.subarray(this.#writeAt, this.#endOfRound), search);
  }
}

/** Looks for octets first and reads only the lines that have them. */
export interface LineSearch<T> {
  readonly needle: Buffer;
  /** Null: not this one. */
  read(line: string): T | null;
}

function searchBackwards<T>(octets: Buffer, search: LineSearch<T>): T | null {
  for (
    let at = octets.lastIndexOf(search.needle);
    at !== -1;
    at = at === 0 ? -1 : octets.lastIndexOf(search.needle, at - 1)
  ) {
    const found = search.read(lineAround(octets, at));
    if (found !== null) return found;
  }
  return null;
}

const lineFeed = 0x0a;

/** The line of `octets` that holds the octet at `at`, without its LF. */
export function lineAround(octets: Buffer, at: number): string {
  const start = at === 0 ? 0 : octets.lastIndexOf(lineFeed, at - 1) + 1;
  const end = octets.indexOf(lineFeed, at);
  return octets.toString('utf8', start, end === -1 ? octets.length : end);
}
