/**
 * The last lines that fit into a fixed number of bytes. New lines overwrite the oldest ones, in place: the
 * ring never grows, and a line costs one copy.
 *
 * A search matches a line at its beginning or later, and reads it to its LF. Overwriting begins at a line's
 * beginning, so a half overwritten line is never found whole and fails to parse.
 */
export class ByteRing {
  readonly #bytesMax: number;
  readonly #bytes: Buffer;
  #writeAt = 0;
  /** The end of the lines of the previous round; bytes after it are not lines. */
  #endOfRound = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    // Untouched pages cost nothing: the kernel allocates them at the first write.
    this.#bytes = Buffer.allocUnsafeSlow(bytesMax);
  }

  /** Appends whole lines [start, end) of `source`. If they are longer than the ring, none of them is kept. */
  append(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length <= 0 || length > this.#bytesMax) return;
    if (this.#writeAt + length > this.#bytesMax) {
      this.#endOfRound = this.#writeAt;
      this.#writeAt = 0;
    }
    this.#bytes.set(start === 0 && end === source.length ? source : source.subarray(start, end), this.#writeAt);
    this.#writeAt += length;
    if (this.#writeAt > this.#endOfRound) this.#endOfRound = this.#writeAt;
  }

  /** The result of the search in the newest line that has its needle and that `read` accepts. */
  findLast<T>(search: LineSearch<T>): T | null {
    const newest = searchBackwards(this.#bytes.subarray(0, this.#writeAt), search);
    return newest ?? searchBackwards(this.#bytes.subarray(this.#writeAt, this.#endOfRound), search);
  }
}

/** Searches for bytes first, and reads only the lines that have them. */
export interface LineSearch<T> {
  readonly needle: Buffer;
  /** Null if this line does not match. */
  read(line: string): T | null;
}

function searchBackwards<T>(bytes: Buffer, search: LineSearch<T>): T | null {
  for (
    let at = bytes.lastIndexOf(search.needle);
    at !== -1;
    at = at === 0 ? -1 : bytes.lastIndexOf(search.needle, at - 1)
  ) {
    const found = search.read(lineAround(bytes, at));
    if (found !== null) return found;
  }
  return null;
}

const lineFeed = 0x0a;

/** The line of `bytes` that holds the byte at `at`, without its LF. */
export function lineAround(bytes: Buffer, at: number): string {
  const start = at === 0 ? 0 : bytes.lastIndexOf(lineFeed, at - 1) + 1;
  const end = bytes.indexOf(lineFeed, at);
  return bytes.toString('utf8', start, end === -1 ? bytes.length : end);
}
