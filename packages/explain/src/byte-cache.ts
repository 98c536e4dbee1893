/** Longer texts seldom repeat, and would be copies of a log. */
const cachedBytesMax = 512;

/** A power of two. */
const entriesMax = 4096;

interface CachedBytes<T> {
  readonly hash: number;
  readonly bytes: Uint8Array;
  readonly value: T;
}

/** Remembers what was made of bytes that repeat. Of two texts with the same place in it, the later one stays: its memory is bounded. */
export class ByteCache<T> {
  readonly #entries: (CachedBytes<T> | null)[] = Array.from({ length: entriesMax }, () => null);
  readonly #create: (text: string) => T;

  constructor(create: (text: string) => T) {
    this.#create = create;
  }

  /** The value of the ASCII text from `start` to `end`, whose hash it is. */
  of(bytes: Uint8Array, start: number, end: number, hash: number): T {
    const index = hash & (entriesMax - 1);
    const entry = this.#entries[index] ?? null;
    if (entry !== null && entry.hash === hash && isSameBytes(entry.bytes, bytes, start, end)) return entry.value;
    const own = bytes.slice(start, end);
    const value = this.#create(decoder.decode(own));
    if (own.length <= cachedBytesMax) this.#entries[index] = { hash, bytes: own, value };
    return value;
  }
}

const decoder = new TextDecoder('latin1');

export function isSameBytes(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const { length } = known;
  if (length !== end - start) return false;
  for (let i = 0; i < length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}
