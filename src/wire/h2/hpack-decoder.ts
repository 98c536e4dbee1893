import { copyBytes } from '../../core/copy-bytes.ts';
import { excerpt } from '../characters.ts';
import type { DecodedSection } from './decoded-section.ts';
import { DynamicTable, staticEntries, staticLines } from './hpack-table.ts';
import { decodeHuffman, huffmanDecodedLength, huffmanInvalid, huffmanTooLong } from './huffman.ts';
import { lineExtraBytes, PreparedLines, rowSize, spareBytes } from './prepared-lines.ts';

/**
 * Why a header block cannot be decoded: for the connection, an error of type COMPRESSION_ERROR (RFC 9113 §4.3).
 *
 * index: no such entry (RFC 7541 §2.3.3, §6.1). integer: larger, or written with more bytes, than is accepted (§5.1).
 * huffman: EOS in a string, or wrong padding (§5.2). table-size: an update that is larger than allowed, missing, behind a header
 * or one too many (§4.2, §6.3). truncated: the block ends within a header.
 */
export type HpackError = 'index' | 'integer' | 'huffman' | 'table-size' | 'truncated';

const staticMax = staticEntries.length;

/** RFC 7541 §4.2: one for the smallest size since the last block, and one for the final size. */
const sizeUpdatesMax = 2;

/** After the prefix, so many bytes with seven bits each: numbers below 2^28, of which no connection of ours has need. */
const integerBytesMax = 4;

/** A literal is composed here and copied where it is needed. Shared: no literal outlasts the call that decodes it. */
let literal = new PreparedLines(8 * 1024, 1);

/**
 * Decodes header blocks (RFC 7541), one connection's in the order in which they came. A block is given as a whole: the caller
 * joins HEADERS with its CONTINUATION frames, and bounds how long they may be together.
 *
 * Each block is decoded to its end also if its section breaks a rule or a limit, because the table must follow that of the encoder.
 * After an error the decoder is of no use any more: the connection must be closed.
 *
 * Measured (`bench/hpack.ts`, two shared cores): a browser's request of 15 headers takes 0.5 µs if all are in the table, 0.8 µs with a
 * new path, and 4.2 µs with 15 literals in Huffman code.
 */
export class HpackDecoder {
  readonly #table: DynamicTable;
  /** The largest table that our settings allow. */
  readonly #tableBytesMax: number;
  /** The next byte to read. */
  #at = 0;
  /** Why the last integer or string could not be read. */
  #error: HpackError = 'truncated';
  /** The length of a string that was passed over because it is too long. */
  #skippedBytes = 0;

  /**
   * `tableBytesMax`: SETTINGS_HEADER_TABLE_SIZE as the encoder knows it. It does not change: then no block must begin with an update (RFC 7541
   * §4.2).
   */
  constructor(tableBytesMax: number) {
    this.#tableBytesMax = tableBytesMax;
    this.#table = new DynamicTable(tableBytesMax);
  }

  /** The size of the dynamic table by RFC 7541 §4.1: for tests and gauges. */
  get tableBytes(): number {
    return this.#table.sizeBytes;
  }

  get tableCount(): number {
    return this.#table.count;
  }

  /** Decodes the block in bytes [start, end) into a section that has begun. Returns null, or why it cannot be decoded. */
  decode(bytes: Uint8Array, start: number, end: number, into: DecodedSection): HpackError | null {
    const table = this.#table;
    this.#at = start;
    const updatesError = this.#readSizeUpdates(bytes, end);
    if (updatesError !== null) return updatesError;
    const lineMax = Math.max(into.listBytesMax, table.bytesMax);
    if (literal.bytes.length < lineMax + lineExtraBytes + spareBytes)
      literal = new PreparedLines(lineMax + lineExtraBytes, 1);

    while (this.#at < end) {
      const first = bytes[this.#at++] as number;
      if (first < 0x80) {
        const error = this.#readLiteral(bytes, end, first, lineMax, into);
        if (error !== null) return error;
        continue;
      }
      const index = first === 0xff ? this.#readInteger(bytes, end, 0x7f) : first & 0x7f;
      if (index < 0) return this.#error;
      const age = index - staticMax - 1;
      if (age >= table.count || index === 0) return 'index';
      if (into.isRefused) this.#passIndexed(bytes, end, into);
      else if (age < 0) into.add(staticLines, index);
      else into.add(table.lines, table.rowOf(age));
    }
    into.finish();
    return null;
  }

  /**
   * Passes over the headers of tables that come next in a section that has been refused: an HPACK bomb names an entry tens of thousands of
   * times, which takes 1.4 ms otherwise.
   */
  #passIndexed(bytes: Uint8Array, end: number, into: DecodedSection): void {
    const indexMax = Math.min(this.#table.count + staticMax, 0x7e);
    let at = this.#at;
    while (at < end && (bytes[at] as number) > 0x80 && (bytes[at] as number) <= 0x80 + indexMax) at++;
    into.pass(at - this.#at);
    this.#at = at;
  }

  /** RFC 7541 §6.3: updates stand at the beginning of a block. */
  #readSizeUpdates(bytes: Uint8Array, end: number): HpackError | null {
    let updates = 0;
    while (this.#at < end && ((bytes[this.#at] as number) & 0xe0) === 0x20) {
      const prefix = (bytes[this.#at++] as number) & 0x1f;
      const size = prefix === 0x1f ? this.#readInteger(bytes, end, 0x1f) : prefix;
      if (size < 0) return this.#error;
      updates++;
      if (updates > sizeUpdatesMax || size > this.#tableBytesMax) return 'table-size';
      this.#table.resize(size);
    }
    return null;
  }

  /** RFC 7541 §6.2. */
  #readLiteral(
    bytes: Uint8Array,
    end: number,
    first: number,
    lineMax: number,
    into: DecodedSection,
  ): HpackError | null {
    if ((first & 0xe0) === 0x20) return 'table-size'; // Behind a header.
    const isIndexed = first >= 0x40;
    const prefixMax = isIndexed ? 0x3f : 0x0f;
    const prefix = first & prefixMax;
    const index = prefix === prefixMax ? this.#readInteger(bytes, end, prefixMax) : prefix;
    if (index < 0) return this.#error;
    const nameLength = index === 0 ? this.#readString(bytes, end, 0, lineMax) : this.#copyName(index, lineMax);
    if (nameLength === failed) return this.#error;
    if (nameLength === skipped) return this.#skipHeader(bytes, end, isIndexed, into);

    const valueLength = this.#readString(bytes, end, nameLength + 2, lineMax - nameLength);
    if (valueLength === failed) return this.#error;
    if (valueLength === skipped) {
      if (isIndexed) this.#table.clear();
      into.skip(excerpt(literal.bytes, 0, nameLength), nameLength + this.#skippedBytes);
      return null;
    }
    literal.prepare(0, 0, nameLength, valueLength);
    into.add(literal, 0);
    if (isIndexed) this.#table.insert(literal, 0);
    return null;
  }

  /** Passes over the value of a header whose name is too long already. */
  #skipHeader(bytes: Uint8Array, end: number, isIndexed: boolean, into: DecodedSection): HpackError | null {
    const nameBytes = this.#skippedBytes;
    const length = this.#readString(bytes, end, 0, 0);
    if (length === failed) return this.#error;
    if (isIndexed) this.#table.clear();
    into.skip('', nameBytes + (length === skipped ? this.#skippedBytes : length));
    return null;
  }

  /** Copies the name of a table's entry to where the literal is composed; returns its length. */
  #copyName(index: number, lengthMax: number): number {
    const table = this.#table;
    const age = index - staticMax - 1;
    if (age >= table.count) {
      this.#error = 'index';
      return failed;
    }
    const lines = age < 0 ? staticLines : table.lines;
    const offset = (age < 0 ? index : table.rowOf(age)) * rowSize;
    const start = lines.rows[offset] as number;
    const length = lines.rows[offset + 1] as number;
    if (length > lengthMax) {
      this.#skippedBytes = length;
      return skipped;
    }
    copyBytes(lines.bytes, start, start + length, literal.bytes, 0);
    return length;
  }

  /**
   * RFC 7541 §5.2: reads a string of at most `lengthMax` bytes to `to`, where the literal is composed. Returns its length; or
   * `failed`; or `skipped` if it is longer, and then checks it without keeping it.
   */
  #readString(bytes: Uint8Array, end: number, to: number, lengthMax: number): number {
    if (this.#at >= end) return this.#fail('truncated');
    const first = bytes[this.#at++] as number;
    const prefix = first & 0x7f;
    const length = prefix === 0x7f ? this.#readInteger(bytes, end, 0x7f) : prefix;
    if (length < 0) return failed;
    const start = this.#at;
    const stringEnd = start + length;
    if (stringEnd > end) return this.#fail('truncated');
    this.#at = stringEnd;
    if (first >= 0x80) return this.#readHuffman(bytes, start, stringEnd, to, lengthMax);
    if (length > lengthMax) {
      this.#skippedBytes = length;
      return skipped;
    }
    copyBytes(bytes, start, stringEnd, literal.bytes, to);
    return length;
  }

  #readHuffman(bytes: Uint8Array, start: number, end: number, to: number, lengthMax: number): number {
    const decodedEnd = decodeHuffman(bytes, start, end, literal.bytes, to, to + lengthMax);
    if (decodedEnd >= 0) return decodedEnd - to;
    const length = decodedEnd === huffmanTooLong ? huffmanDecodedLength(bytes, start, end) : huffmanInvalid;
    if (length === huffmanInvalid) return this.#fail('huffman');
    this.#skippedBytes = length;
    return skipped;
  }

  /** RFC 7541 §5.1: what follows a prefix of ones, of which `prefixMax` is the value. Returns the integer, or `failed`. */
  #readInteger(bytes: Uint8Array, end: number, prefixMax: number): number {
    let value = prefixMax;
    for (let index = 0; index < integerBytesMax; index++) {
      if (this.#at >= end) return this.#fail('truncated');
      const byte = bytes[this.#at++] as number;
      value += (byte & 0x7f) << (index * 7);
      if (byte < 0x80) return value;
    }
    return this.#fail('integer');
  }

  #fail(error: HpackError): number {
    this.#error = error;
    return failed;
  }
}

/** What reading an integer or a string returns in place of a number or a length. */
const failed = -1;
const skipped = -2;
