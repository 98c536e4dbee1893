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
    // Not by `slice`: what is read of a file comes in one Buffer again and again, and its `slice` is a view.
    const own = new Uint8Array(bytes.subarray(start, end));
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

/** Many lines at once: decoding each by itself takes longer than reading it. */
const windowBytes = 65_536;

const latin1 = new TextDecoder('latin1');

/** Texts of ASCII from bytes. Each array of bytes must have the same content as long as it is asked about. */
export class AsciiText {
  #bytes: Uint8Array | null = null;
  #from = 0;
  #window = '';

  /** A part of a longer text, which it keeps in memory. */
  of(bytes: Uint8Array, start: number, end: number): string {
    if (bytes !== this.#bytes || start < this.#from || end > this.#from + this.#window.length) {
      this.#bytes = bytes;
      this.#from = start;
      this.#window = latin1.decode(bytes.subarray(start, Math.max(end, start + windowBytes)));
    }
    return this.#window.slice(start - this.#from, end - this.#from);
  }
}

/** The classes of bytes that the fast path distinguishes. */
export const byteClass = {
  /** Printable ASCII without a special meaning. */
  ordinary: 0,
  space: 1,
  quote: 2,
  /** Ends a line, or is a byte that gateways always escape: left to the slow path. */
  special: 3,
} as const;

const isToken = (byte: number): boolean => isNumeral(byte) || isLetter(byte) || byte === 0x5f;

/** Bytes of numbers, addresses and times: digits, `.` and `:`. */
function isNumeral(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x3a) || byte === 0x2e;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isHex(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

function table(value: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => value(byte));
}

export const classes = table((byte) => {
  if (byte === 0x20) return byteClass.space;
  if (byte === 0x22) return byteClass.quote;
  return byte < 0x20 || byte > 0x7e || byte === 0x5c ? byteClass.special : byteClass.ordinary;
});

/** Bytes that may stand within quotes. */
export const textBytes = table((byte) => ((classes[byte] as number) <= byteClass.space ? 1 : 0));

export const digits = table((byte) => (byte >= 0x30 && byte <= 0x39 ? 1 : 0));
export const numerals = table((byte) => (isNumeral(byte) ? 1 : 0));
export const tokens = table((byte) => (isToken(byte) ? 1 : 0));
export const hexDigits = table((byte) => (isHex(byte) ? 1 : 0));
/** Bytes of an address as nginx writes `$remote_addr`: hexadecimal digits, `.` and `:`. */
export const addressBytes = table((byte) => (isHex(byte) || isNumeral(byte) ? 1 : 0));
/** Bytes of a user name that no format could mistake for a named field. */
export const userBytes = table((byte) => ((isToken(byte) && byte !== 0x3a) || byte === 0x2d || byte === 0x40 ? 1 : 0));
