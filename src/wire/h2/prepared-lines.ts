import { headerId } from '../../core/header-names.ts';
import { COLON, CR, isBlank, isText, LF, SP, tokenBytes } from '../characters.ts';
import { passValue } from '../header-section.ts';
import { nominated } from '../hop-by-hop.ts';
import { isDisguised, knownNameId } from '../known-names.ts';
import { pseudoNames, pseudoUnknown, sectionRule } from './section-rules.ts';

/** Numbers per prepared line: start, name's length, value's length, tag of its span, pseudo-header, broken rule. */
export const rowSize = 6;

/** Bytes of a line beyond its name and value: ": " and CR LF. */
export const lineExtraBytes = 4;

/** Copies are made in steps of four bytes, and Huffman decoding overwrites two: so many bytes behind a line may be touched. */
export const spareBytes = 4;

const ruleName = sectionRule('header-name');
const ruleNameCase = sectionRule('header-name-case');
const ruleValue = sectionRule('header-value');
const ruleValueBlank = sectionRule('header-value-blank');
const ruleConnection = sectionRule('connection-header');
const rulePseudoUnknown = sectionRule('pseudo-header-unknown');

/** RFC 9113 §8.2.2, except TE. */
const connectionIds = new Set(
  ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].map(headerId),
);
const teId = headerId('te');

/** For each byte of a name: 1 for lowercase letters, digits and "-", 2 for other marks, 3 for uppercase letters, 0 for no token. */
const nameBytes = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (tokenBytes[byte] === 0) return 0;
  const character = String.fromCharCode(byte);
  if (/[a-z0-9-]/.test(character)) return 1;
  return /[A-Z]/.test(character) ? 3 : 2;
});

/**
 * Fields as HTTP/1 lines, `name: value` CR LF, with what has been found out about each: entries of an HPACK table, or the
 * literal that is being decoded. A line is prepared once; each section that has it copies its bytes.
 */
export class PreparedLines {
  readonly bytes: Buffer;
  /** The same memory, four bytes at a time. */
  readonly words: Int32Array;
  readonly view: DataView;
  readonly rows: Int32Array;
  /** The values as text, once a section has asked for them. */
  readonly #values: (string | null)[];

  constructor(bytesMax: number, rowsMax: number) {
    const memory = new ArrayBuffer((bytesMax + spareBytes + 3) & ~3);
    this.bytes = Buffer.from(memory);
    this.words = new Int32Array(memory);
    this.view = new DataView(memory);
    this.rows = new Int32Array(rowsMax * rowSize);
    this.#values = Array.from({ length: rowsMax }, () => null);
  }

  /** Describes a line whose name is at `start` and whose value is two bytes behind the name; writes what is around them. */
  prepare(row: number, start: number, nameLength: number, valueLength: number): void {
    const { bytes, rows } = this;
    const nameEnd = start + nameLength;
    const valueStart = nameEnd + 2;
    const valueEnd = valueStart + valueLength;
    bytes[nameEnd] = COLON;
    bytes[nameEnd + 1] = SP;
    bytes[valueEnd] = CR;
    bytes[valueEnd + 1] = LF;

    const offset = row * rowSize;
    rows[offset] = start;
    rows[offset + 1] = nameLength;
    rows[offset + 2] = valueLength;
    rows[offset + 3] = 0;
    rows[offset + 4] = 0;
    rows[offset + 5] = this.#describeName(offset, start, nameEnd);
    this.#values[row] = null;
    if (rows[offset + 5] === 0) rows[offset + 5] = this.#valueRule(rows[offset + 3] as number, valueStart, valueEnd);
  }

  /** Notes what the name is; returns the rule it breaks, or 0. */
  #describeName(offset: number, start: number, end: number): number {
    const { bytes, rows } = this;
    if (start < end && bytes[start] === COLON) {
      const pseudo = pseudoOf(bytes, start, end);
      rows[offset + 4] = pseudo;
      return pseudo === pseudoUnknown ? rulePseudoUnknown : 0;
    }
    let marks = 0;
    for (let at = start; at < end; at++) {
      const kind = nameBytes[bytes[at] as number] as number;
      if (kind === 1) continue;
      if (kind !== 2) return kind === 0 ? ruleName : ruleNameCase;
      marks++;
    }
    if (start === end) return ruleName;
    // A disguised name stays here, as in HTTP/1 (`request-headers.ts`).
    if (marks > 0 && isDisguised(bytes, start, end)) rows[offset + 3] = nominated;
    else rows[offset + 3] = knownNameId(bytes, start, end);
    return 0;
  }

  #valueRule(tag: number, start: number, end: number): number {
    const { bytes } = this;
    if (passValue(bytes, this.words, start, end) < end) return ruleValue;
    if (start < end && (isBlank(bytes[start]) || isBlank(bytes[end - 1]))) return ruleValueBlank;
    if (connectionIds.has(tag)) return ruleConnection;
    return tag === teId && !isText(bytes, start, end, 'trailers') ? ruleConnection : 0;
  }

  /** Copies a prepared line of `from` to `start`. */
  copyFrom(from: PreparedLines, fromRow: number, row: number, start: number): void {
    const source = fromRow * rowSize;
    const target = row * rowSize;
    const fromStart = from.rows[source] as number;
    const length = (from.rows[source + 1] as number) + (from.rows[source + 2] as number) + lineExtraBytes;
    from.bytes.copy(this.bytes, start, fromStart, fromStart + length);
    for (let part = 1; part < rowSize; part++) this.rows[target + part] = from.rows[source + part] as number;
    this.rows[target] = start;
    this.#values[row] = from.#values[fromRow] as string | null;
  }

  value(row: number): string {
    const known = this.#values[row];
    if (typeof known === 'string') return known;
    const { rows } = this;
    const start = (rows[row * rowSize] as number) + (rows[row * rowSize + 1] as number) + 2;
    const value = this.bytes.toString('latin1', start, start + (rows[row * rowSize + 2] as number));
    this.#values[row] = value;
    return value;
  }

  /** The text is not kept for a line that is gone. */
  forget(row: number): void {
    this.#values[row] = null;
  }
}

function pseudoOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  for (let pseudo = 1; pseudo < pseudoNames.length; pseudo++) {
    const name = pseudoNames[pseudo] as string;
    if (name.length !== length) continue;
    let at = 1;
    while (at < length && bytes[start + at] === name.charCodeAt(at)) at++;
    if (at === length) return pseudo;
  }
  return pseudoUnknown;
}
