import { callBytesMin, charCodeAt, copyBytes, writeDigits, writeText } from '../core/copy-bytes.ts';
import type { RecordRingWriter } from './record-ring.ts';
import { decimalsMsMax, scaleOf } from './json-text.ts';
import { writeRedactedQuery } from '../redact/query.ts';
import { secretSigns } from '../redact/target.ts';

/** More than any line has. */
const pairsMax = 24;

/**
 * Composes a line as bytes, directly in the ring: prepared fragments are copied, and nothing is
 * allocated. Numbers are noted first and written in one loop, each behind its fragment: the machine code of a line was
 * 45 KB when each number had its own copy of it, more than a processor's first cache holds.
 */
export class LineBytes {
  readonly #ring: RecordRingWriter;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  #at = 0;
  readonly #fragments: Uint8Array[] = Array.from({ length: pairsMax }, () => nothing);
  readonly #values = new Float64Array(pairsMax);
  #pairs = 0;

  constructor(ring: RecordRingWriter) {
    this.#ring = ring;
  }

  /** Reserves room for a line of at most `bytesMax` bytes; false if the ring has none, and the line must be written as text. */
  begin(bytesMax: number): boolean {
    const bytes = this.#ring.reserve(bytesMax);
    if (bytes === null) return false;
    this.#bytes = bytes;
    this.#start = this.#ring.reservedAt;
    this.#at = this.#start;
    this.#pairs = 0;
    return true;
  }

  /** Ends and commits the line. Returns its bytes. */
  end(): number {
    this.#ring.commit(this.#at);
    return this.#at - this.#start;
  }

  /** The line that was ended last, until the next one begins. */
  get ended(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#at);
  }

  fragment(fragment: Uint8Array): void {
    copyBytes(fragment, 0, fragment.length, this.#bytes, this.#at);
    this.#at += fragment.length;
  }

  /** Writes text that needs no escaping in JSON; false if it needs some: then the caller writes the line in another way. */
  plain(text: string): boolean {
    return text.length < callBytesMin ? this.#short(text, text.length, plainBytes) : this.#long(text, plainBytes);
  }

  /**
   * As `plain`, the first `length` characters of a host or a path: false also where one of them may belong to a secret, so that
   * `redactPath` and `redactAuthority` have to look at it.
   */
  openStart(text: string, length: number): boolean {
    if (length >= callBytesMin) return this.#long(text.slice(0, length), openBytes);
    return this.#short(text, length, openBytes);
  }

  #long(text: string, allowed: Uint8Array): boolean {
    const bytes = this.#bytes;
    // In UTF-8 a text that is not ASCII has more bytes than characters.
    const end = this.#at + bytes.write(text, this.#at);
    if (end - this.#at !== text.length) return false;
    for (let at = this.#at; at < end; at++) if (allowed[bytes[at] as number] === 0) return false;
    this.#at = end;
    return true;
  }

  #short(text: string, length: number, allowed: Uint8Array): boolean {
    const bytes = this.#bytes;
    for (let index = 0; index < length; index++) {
      const code = charCodeAt(text, index);
      if (code > 0x7f || allowed[code] === 0) return false;
      bytes[this.#at + index] = code;
    }
    this.#at += length;
    return true;
  }

  /** The query that begins at `start` of `target`, in quotes and without its values; false, and nothing written, when it is not plain. */
  redactedQuery(target: string, start: number): boolean {
    const end = writeRedactedQuery(target, start, this.#bytes, this.#at + 1);
    if (end < 0) return false;
    this.#bytes[this.#at] = quote;
    this.#bytes[end] = quote;
    this.#at = end + 1;
    return true;
  }

  /** Writes ASCII text of Candor itself, unchecked. */
  ascii(text: string): void {
    this.#at = writeText(this.#bytes, this.#at, text);
  }

  /** Writes a whole number from 0 to `digitsValueMax`. */
  digits(value: number): void {
    this.#at = writeDigits(this.#bytes, this.#at, value);
  }

  /** Notes a fragment and the number behind it, from 0, for `writeNumbers`. */
  number(fragment: Uint8Array, value: number): void {
    const index = this.#pairs++;
    this.#fragments[index] = fragment;
    this.#values[index] = value;
  }

  /** Writes the fragments and numbers noted since `begin`, in the form of `roundedMs` of `json-text.ts`. */
  writeNumbers(): void {
    for (let index = 0; index < this.#pairs; index++) {
      this.fragment(this.#fragments[index] as Uint8Array);
      this.#number(this.#values[index] as number);
    }
    this.#pairs = 0;
  }

  /** Three significant digits, without zeros after the decimal point at the end. */
  #number(value: number): void {
    if (value >= decimalsMsMax) return this.ascii(String(Math.min(Math.round(value), Number.MAX_SAFE_INTEGER)));
    const scale = scaleOf(value);
    const scaled = Math.round(value * scale);
    const whole = Math.floor(scaled / scale);
    this.#at = writeDigits(this.#bytes, this.#at, whole);
    if (scale > 1 && scaled > whole * scale) this.#decimals(scaled - whole * scale, scale / 10);
  }

  /** ".5", ".04", ".003": `rest` of ten times `unit`. */
  #decimals(rest: number, unit: number): void {
    const bytes = this.#bytes;
    bytes[this.#at++] = 0x2e;
    for (let left = rest, of = unit; left > 0; of /= 10) {
      const digit = Math.floor(left / of);
      bytes[this.#at++] = zero + digit;
      left -= digit * of;
    }
  }
}

const nothing = new Uint8Array(0);
const zero = 0x30;
const quote = 0x22;

/** Not 0: printable ASCII but quote and backslash. */
const plainBytes = new Uint8Array(256).fill(1, 0x20, 0x7f);
plainBytes[0x22] = 0;
plainBytes[0x5c] = 0;

/** The subset of these that never belongs to a secret in a path or a host: without those of user information, settings and fragments. */
const openBytes = Uint8Array.from(plainBytes);
for (const sign of secretSigns) openBytes[sign.charCodeAt(0)] = 0;
