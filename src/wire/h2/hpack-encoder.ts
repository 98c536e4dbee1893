import { copyBytes, digitsBytesMax, writeDigits, writeText } from '../../core/copy-bytes.ts';
import { headerId } from '../../core/header-names.ts';
import type { HeaderSink } from '../../core/message.ts';
import { CR, COLON, foldCase, isBlank } from '../characters.ts';
import {
  FirstHeadDetector,
  hashOf,
  matchesEntry,
  memoBytesMax,
  memoBytesMin,
  type ParsedHeadEntry,
  ParsedHeadMemo,
} from '../parsed-head-memo.ts';
import { knownNameId } from '../known-names.ts';
import { staticEntries } from './hpack-table.ts';
import { encodeHuffman, huffmanLength } from './huffman.ts';
import { staticIndexOf, staticNameIndex } from './static-names.ts';

/**
 * Writes header blocks (RFC 7541) with the static table and literals only. The writer never puts an entry into the peer's
 * dynamic table, so that what it writes depends on the headers alone: the encoded form of a message, or of the lines that many
 * messages share, serves on every connection. HAProxy and nginx do the same. A block is some hundred bytes longer than
 * with the table, and no connection needs memory for a table.
 */

/** First bytes and prefixes (RFC 7541 §6). */
const indexedHeader = 0x80;
const withoutIndexing = 0x00;
const neverIndexed = 0x10;
const sizeUpdateTo0 = 0x20;
const huffmanString = 0x80;
const literalPrefix = 4;
const stringPrefix = 7;

/** An integer takes at most so many bytes: a prefix, and seven bits in each of the rest. */
const integerBytesMax = 6;
/** What a header may need beyond its name and value: the index or the lengths, and a first byte. */
const headerExtraBytes = 1 + 2 * integerBytesMax;

const authorityIndex = staticIndexOf(':authority');
const methodIndex = staticIndexOf(':method');
const pathIndex = staticIndexOf(':path');
const schemeIndex = staticIndexOf(':scheme');
const statusIndex = staticIndexOf(':status');

const cookieId = headerId('cookie');
const setCookieId = headerId('set-cookie');
const credentialIds = new Set([headerId('authorization'), headerId('proxy-authorization')]);

/**
 * RFC 7541 §7.1.3: short secrets could be guessed, if an intermediary behind us compressed them with its dynamic table. Longer
 * cookies have too many possible values; nghttp2 has the same limit.
 */
const shortCookieBytes = 20;

const initialBytes = 4 * 1024;

/** Index of the entry with this text, by name: for pseudo-headers, whose values the static table has. */
function entriesOf(name: string): ReadonlyMap<string, number> {
  const entries = staticEntries.map(([entryName, value], index) => ({ entryName, value, index: index + 1 }));
  return new Map(entries.filter(({ entryName }) => entryName === name).map(({ value, index }) => [value, index]));
}

const methodEntries = entriesOf(':method');
const schemeEntries = entriesOf(':scheme');
const pathEntries = entriesOf(':path');
const statusEntries = new Uint8Array(1000);
for (const [status, index] of entriesOf(':status')) statusEntries[Number(status)] = index;

/** Encoded runs of lines that came at least twice, for all writers of a thread: at most some 1 MiB. */
const runMemo = new ParsedHeadMemo<Buffer>();
const runDetector = new FirstHeadDetector();

/**
 * Composes one header block after the other in a buffer of its own. One writer serves all connections of a thread.
 *
 * Measured (`bench/hpack.ts`, two shared cores): a response of ten lines takes 0.12 µs if the last one had the same lines,
 * 0.32 µs if an earlier one had, and 1.35 µs if they are new.
 */
export class HeaderBlockWriter implements HeaderSink {
  /** The block is in bytes [0, length), until the next `begin`. */
  bytes: Buffer = Buffer.allocUnsafeSlow(initialBytes);
  length = 0;
  #lastRun: ParsedHeadEntry<Buffer> | null = null;

  /**
   * Begins a block. `announceNoTable`: the block begins with a dynamic table size update to 0, which the first block must after the
   * peer has set SETTINGS_HEADER_TABLE_SIZE below 4096 (RFC 7541 §4.2), and which lets any peer free its table.
   */
  begin(announceNoTable = false): void {
    this.length = 0;
    if (announceNoTable) this.bytes[this.length++] = sizeUpdateTo0;
  }

  /** The pseudo-header of a response. `code` is from 100 to 999. */
  status(code: number): void {
    this.#makeRoom(headerExtraBytes + digitsBytesMax);
    const index = statusEntries[code] as number;
    if (index !== 0) {
      this.bytes[this.length++] = indexedHeader | index;
      return;
    }
    this.bytes[this.length++] = withoutIndexing | statusIndex;
    this.bytes[this.length++] = 3;
    this.length = writeDigits(this.bytes, this.length, code);
  }

  /**
   * The pseudo-headers of a request. `scheme` and `path` are null for CONNECT without `protocol` (RFC 9113 §8.5), `authority`
   * is null where the request has none, and `protocol` is null unless the request is an extended CONNECT (RFC 8441).
   */
  pseudo(
    method: string,
    scheme: string | null,
    authority: string | null,
    path: string | null,
    protocol: string | null = null,
  ): void {
    this.#pseudoHeader(methodIndex, methodEntries.get(method), method);
    if (scheme !== null) this.#pseudoHeader(schemeIndex, schemeEntries.get(scheme), scheme);
    if (authority !== null) this.#pseudoHeader(authorityIndex, undefined, authority);
    if (path !== null) this.#pseudoHeader(pathIndex, pathEntries.get(path), path);
    if (protocol !== null) this.header(':protocol', protocol);
  }

  #pseudoHeader(nameIndex: number, index: number | undefined, value: string): void {
    this.#makeRoom(headerExtraBytes + value.length);
    if (index !== undefined) {
      this.bytes[this.length++] = indexedHeader | index;
      return;
    }
    this.bytes[this.length++] = withoutIndexing | nameIndex;
    this.#text(value);
  }

  /** The name in either case, which is written in lowercase. Characters of both are below 256. */
  header(name: string, value: string): void {
    this.#makeRoom(headerExtraBytes + name.length + value.length);
    // The name is written where it stands if the static table does not have it.
    const start = this.length + 2 + (name.length < 127 ? 0 : integerBytesMax);
    writeText(this.bytes, start, name);
    this.#headerName(this.bytes, start, start + name.length, value.length, false);
    this.#text(value);
  }

  /** A string literal without Huffman code. There is room for it. */
  #text(text: string): void {
    this.#integer(0, stringPrefix, text.length);
    this.length = writeText(this.bytes, this.length, text);
  }

  /**
   * Whole HTTP/1 lines, already checked. A run of lines that has come before is copied from its encoded form.
   *
   * Only for runs that come again it pays to compute the Huffman code: so they have it, and others go without.
   */
  headerLines(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length < memoBytesMin || length > memoBytesMax) return this.#encodeLines(bytes, start, end, false);
    const run = this.#knownRun(bytes, start, end);
    if (run === null) return this.#encodeLines(bytes, start, end, false);
    const encoded = run.head;
    this.#makeRoom(encoded.length);
    copyBytes(encoded, 0, encoded.length, this.bytes, this.length);
    this.length += encoded.length;
  }

  /** The run, if it has come before. The last one is compared first: that spares the hash, about 0.1 µs. */
  #knownRun(bytes: Uint8Array, start: number, end: number): ParsedHeadEntry<Buffer> | null {
    const last = this.#lastRun;
    if (last !== null && last.bytes.length === end - start && matchesEntry(last, bytes, start)) return last;
    const hash = hashOf(bytes, start, end);
    const known = runMemo.find(hash, bytes, start, end);
    if (known === null && !runDetector.isRepeat(hash)) return null;
    this.#lastRun = known ?? this.#memoize(hash, bytes, start, end);
    return this.#lastRun;
  }

  #memoize(hash: number, bytes: Uint8Array, start: number, end: number): ParsedHeadEntry<Buffer> {
    const before = this.length;
    this.#encodeLines(bytes, start, end, true);
    const encoded = Buffer.allocUnsafeSlow(this.length - before);
    this.bytes.copy(encoded, 0, before, this.length);
    this.length = before;
    const run = Buffer.allocUnsafeSlow(end - start);
    copyBytes(bytes, start, end, run, 0);
    return runMemo.keep(hash, run, encoded);
  }

  #encodeLines(bytes: Uint8Array, start: number, end: number, withHuffman: boolean): void {
    let at = start;
    while (at < end) {
      const nameStart = at;
      while (bytes[at] !== COLON) at++;
      const nameEnd = at++;
      while (isBlank(bytes[at])) at++;
      const valueStart = at;
      // A checked value has no CR.
      while (bytes[at] !== CR) at++;
      let valueEnd = at;
      while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1])) valueEnd--;
      at += 2;
      // Twice: the Huffman code of a name is first written behind the name.
      this.#makeRoom(headerExtraBytes + 2 * (at - nameStart));
      this.#headerName(bytes, nameStart, nameEnd, valueEnd - valueStart, withHuffman);
      this.#value(bytes, valueStart, valueEnd, withHuffman);
    }
  }

  /** The first byte of a literal header, and its name. There is room for it. */
  #headerName(source: Uint8Array, start: number, end: number, valueLength: number, withHuffman: boolean): void {
    const target = this.bytes;
    const id = knownNameId(source, start, end);
    const isSecret =
      credentialIds.has(id) || ((id === cookieId || id === setCookieId) && valueLength < shortCookieBytes);
    const first = isSecret ? neverIndexed : withoutIndexing;
    const before = this.length;
    target[this.length++] = first;
    this.#integer(0, stringPrefix, end - start);
    const nameAt = this.length;
    for (let at = start; at < end; at++) target[this.length++] = foldCase(source[at] as number);
    const index = staticNameIndex(target, nameAt, this.length);
    if (index === 0) {
      if (withHuffman) this.#shortenName(before + 1, nameAt);
      return;
    }
    this.length = before;
    this.#integer(first, literalPrefix, index);
  }

  /** Replaces the name at `nameAt`, whose string begins at `start`, by its Huffman code if that is shorter. */
  #shortenName(start: number, nameAt: number): void {
    const target = this.bytes;
    const nameEnd = this.length;
    const coded = huffmanLength(target, nameAt, nameEnd);
    if (coded >= nameEnd - nameAt) return;
    encodeHuffman(target, nameAt, nameEnd, target, nameEnd);
    this.length = start;
    this.#integer(huffmanString, stringPrefix, coded);
    target.copyWithin(this.length, nameEnd, nameEnd + coded);
    this.length += coded;
  }

  #value(source: Uint8Array, start: number, end: number, withHuffman: boolean): void {
    const coded = withHuffman ? huffmanLength(source, start, end) : end - start;
    if (coded < end - start) {
      this.#integer(huffmanString, stringPrefix, coded);
      this.length = encodeHuffman(source, start, end, this.bytes, this.length);
      return;
    }
    this.#integer(0, stringPrefix, end - start);
    copyBytes(source, start, end, this.bytes, this.length);
    this.length += end - start;
  }

  /** RFC 7541 §5.1. `first` are the bits before the prefix. */
  #integer(first: number, prefixBits: number, value: number): void {
    const target = this.bytes;
    const prefixMax = (1 << prefixBits) - 1;
    if (value < prefixMax) {
      target[this.length++] = first | value;
      return;
    }
    target[this.length++] = first | prefixMax;
    let rest = value - prefixMax;
    for (; rest >= 0x80; rest >>>= 7) target[this.length++] = 0x80 | (rest & 0x7f);
    target[this.length++] = rest;
  }

  #makeRoom(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
