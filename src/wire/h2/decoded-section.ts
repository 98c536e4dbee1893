import { assert } from '../../core/assert.ts';
import { headerId, knownHeaderNames, seenMax } from '../../core/header-names.ts';
import { CR, excerpt, LF, SP } from '../characters.ts';
import { type HeadBlock, type HeadStorage, moreSpans, spanSize } from '../head-storage.ts';
import { ParsedHeaders } from '../parsed-headers.ts';
import { headerOverheadBytes } from './hpack-table.ts';
import { lineExtraBytes, type PreparedLines, rowSize, spareBytes } from './prepared-lines.ts';
import {
  type HeaderSectionRule,
  headerSectionRules,
  pseudoAuthority,
  pseudoMethod,
  pseudoPath,
  pseudoProtocol,
  pseudoScheme,
  pseudoStatus,
} from './section-rules.ts';

export type HeaderSectionKind = 'request' | 'response' | 'trailers';

export interface HeaderSectionLimits {
  /** Header lines, without pseudo-headers. All cookie lines of a section count as one. */
  readonly headersMax: number;
  /** The size by RFC 9113 §6.5.2 (SETTINGS_MAX_HEADER_LIST_SIZE); the lines of a section never take more. */
  readonly listBytesMax: number;
}

const cookieId = headerId('cookie');
const SEMICOLON = 0x3b;

/** A bit for each pseudo-header that may stand in a section of the kind. */
const pseudosOf: Readonly<Record<HeaderSectionKind, number>> = {
  request:
    (1 << pseudoMethod) | (1 << pseudoScheme) | (1 << pseudoAuthority) | (1 << pseudoPath) | (1 << pseudoProtocol),
  response: 1 << pseudoStatus,
  trailers: 0,
};

/** Up to this length, copying in steps of four bytes takes less time than a call into Node (`bench/hpack.ts`). */
const stepCopyMax = 160;

const noView = new DataView(new ArrayBuffer(0));

/**
 * Takes the headers of one section after the other from the decoder: headers as checked HTTP/1 lines in a block, of which
 * `ParsedHeaders` can be made, and pseudo-headers as text. When a section breaks a rule or a limit, `rule` names the first, and
 * no further header is kept; what there is then must not be used, except `rule`, `brokenName` and `listBytes`.
 *
 * Whether the pseudo-headers that a message needs are present, and whether their values make sense, is for the caller to
 * judge: only values with control characters are refused here.
 */
export class DecodedSection {
  /** Held from `begin` to `takeBlock` or `release`. */
  block: HeadBlock | null = null;
  /** Bytes of the block that are used. */
  length = 0;
  /** Header lines in the block. */
  count = 0;
  /** Known names seen whose number is below `seenMax`, a bit each. */
  seenLow = 0;
  seenHigh = 0;
  method: string | null = null;
  scheme: string | null = null;
  authority: string | null = null;
  path: string | null = null;
  protocol: string | null = null;
  status: string | null = null;
  rule: HeaderSectionRule | null = null;
  /** The name of the header that broke the rule, shortened; never a value, which may be a secret. */
  brokenName = '';
  /** The size by RFC 9113 §6.5.2 of all headers; behind one that broke a rule, the least that it can be. */
  listBytes = 0;
  listBytesMax = 0;

  readonly #storage: HeadStorage;
  #view: DataView = noView;
  #headersMax = 0;
  #allowedPseudos = 0;
  /** A bit for each pseudo-header seen. */
  #pseudos = 0;
  /** Span of the cookie line to which further cookies are appended; −1: none yet. */
  #cookieOffset = -1;
  #hasScatteredCookies = false;

  constructor(storage: HeadStorage) {
    this.#storage = storage;
  }

  /** Prepares for the next section, which takes a block of at least `bytesMin`. */
  begin(kind: HeaderSectionKind, limits: HeaderSectionLimits, bytesMin: number = 0): void {
    if (this.block === null) this.#useBlock(this.#storage.acquire(bytesMin));
    this.length = 0;
    this.count = 0;
    this.seenLow = 0;
    this.seenHigh = 0;
    this.method = null;
    this.scheme = null;
    this.authority = null;
    this.path = null;
    this.protocol = null;
    this.status = null;
    this.rule = null;
    this.brokenName = '';
    this.listBytes = 0;
    this.listBytesMax = limits.listBytesMax;
    this.#headersMax = limits.headersMax;
    this.#allowedPseudos = pseudosOf[kind];
    this.#pseudos = 0;
    this.#cookieOffset = -1;
    this.#hasScatteredCookies = false;
  }

  /** The headers of a section that broke no rule. They use the block, and end with it. */
  headers(): ParsedHeaders {
    assert(this.block !== null && this.rule === null, 'the section has fields');
    return new ParsedHeaders(this.block.bytes, this.block.spans, this.count, this.seenLow, this.seenHigh);
  }

  /** Hands over the block. The caller gives it back to the storage; the next section takes another one. */
  takeBlock(): HeadBlock {
    const { block } = this;
    assert(block !== null, 'the section has a block');
    this.block = null;
    return block;
  }

  /** Gives the block back. */
  release(): void {
    if (this.block !== null) this.#storage.release(this.block);
    this.block = null;
  }

  /** It has broken a rule: headers of tables need not be added any more. */
  get isRefused(): boolean {
    return this.rule !== null;
  }

  /** Adds a header. Called by the decoder. */
  add(lines: PreparedLines, row: number): void {
    const { rows } = lines;
    const offset = row * rowSize;
    const start = rows[offset] as number;
    const nameLength = rows[offset + 1] as number;
    const valueLength = rows[offset + 2] as number;
    this.listBytes += nameLength + valueLength + headerOverheadBytes;
    if (this.rule !== null) return;
    const rule = rows[offset + 5] as number;
    if (rule !== 0) return this.#refuse(headerSectionRules[rule] as HeaderSectionRule, lines, offset);
    if (this.listBytes > this.listBytesMax) return this.#refuse('header-section-too-large', lines, offset);
    const pseudo = rows[offset + 4] as number;
    if (pseudo !== 0) return this.#addPseudo(pseudo, lines, row);
    const tag = rows[offset + 3] as number;
    if (tag === cookieId && this.#cookieOffset >= 0 && this.#joinCookie(lines, offset)) return;
    if (this.count === this.#headersMax) return this.#refuse('too-many-headers', lines, offset);

    const lineStart = this.length;
    const lineLength = nameLength + valueLength + lineExtraBytes;
    const block = this.#roomFor(lineLength);
    this.#copy(lines, start, lineLength, block, lineStart);
    this.length = lineStart + lineLength;

    if (tag < 32) this.seenLow |= 1 << tag;
    else if (tag < seenMax) this.seenHigh |= 1 << (tag - 32);
    const span = this.count++ * spanSize;
    if (span === block.spans.length) block.spans = moreSpans(block.spans);
    const { spans } = block;
    spans[span] = lineStart;
    spans[span + 1] = lineStart + nameLength;
    spans[span + 2] = lineStart + nameLength + 2;
    spans[span + 3] = lineStart + nameLength + 2 + valueLength;
    spans[span + 4] = lineStart + lineLength;
    spans[span + 5] = tag;
    if (tag === cookieId && this.#cookieOffset < 0) this.#cookieOffset = span;
  }

  /** Counts a header that is longer than any limit. Called by the decoder, which has not decoded it. */
  skip(name: string, bytes: number): void {
    this.listBytes += bytes + headerOverheadBytes;
    if (this.rule !== null) return;
    this.rule = 'header-section-too-large';
    this.brokenName = name;
  }

  /** Counts headers of tables behind the one that broke a rule, by the least that each takes. Called by the decoder, which has not looked at them. */
  pass(headers: number): void {
    this.listBytes += headers * headerOverheadBytes;
  }

  /** The section is complete. Called by the decoder. */
  finish(): void {
    if (this.rule === null && this.#hasScatteredCookies) this.#gatherCookies();
  }

  #addPseudo(pseudo: number, lines: PreparedLines, row: number): void {
    const bit = 1 << pseudo;
    const offset = row * rowSize;
    if ((this.#allowedPseudos & bit) === 0) return this.#refuse('pseudo-header-kind', lines, offset);
    if ((this.#pseudos & bit) !== 0) return this.#refuse('pseudo-header-repeated', lines, offset);
    if (this.count > 0) return this.#refuse('pseudo-header-late', lines, offset);
    this.#pseudos |= bit;
    const value = lines.value(row);
    if (pseudo === pseudoMethod) this.method = value;
    else if (pseudo === pseudoScheme) this.scheme = value;
    else if (pseudo === pseudoAuthority) this.authority = value;
    else if (pseudo === pseudoPath) this.path = value;
    else if (pseudo === pseudoProtocol) this.protocol = value;
    else this.status = value;
  }

  /**
   * RFC 9113 §8.2.3: appends a cookie with "; " to the line of the one before, if that is the last line. Returns false if another
   * header came between them, which no known client does: those are joined in the end.
   */
  #joinCookie(lines: PreparedLines, offset: number): boolean {
    const { spans } = this.block as HeadBlock;
    const span = this.#cookieOffset;
    if (spans[span + 4] !== this.length) {
      this.#hasScatteredCookies = true;
      return false;
    }
    const valueLength = lines.rows[offset + 2] as number;
    const valueStart = (lines.rows[offset] as number) + (lines.rows[offset + 1] as number) + 2;
    const block = this.#roomFor(valueLength + 2);
    const at = this.length - 2;
    block.bytes[at] = SEMICOLON;
    block.bytes[at + 1] = SP;
    this.#copy(lines, valueStart, valueLength + 2, block, at + 2);
    this.length += valueLength + 2;
    block.spans[span + 3] = this.length - 2;
    block.spans[span + 4] = this.length;
    return true;
  }

  /** Writes all lines again, with one for the cookies at the end. */
  #gatherCookies(): void {
    const { bytes, spans } = this.block as HeadBlock;
    const cookies: string[] = [];
    let kept = 0;
    let length = 0;
    for (let span = 0; span < this.count * spanSize; span += spanSize) {
      const start = spans[span] as number;
      if (spans[span + 5] === cookieId) {
        cookies.push(bytes.toString('latin1', spans[span + 2], spans[span + 3]));
        continue;
      }
      bytes.copyWithin(length, start, spans[span + 4]);
      moveSpan(spans, span, kept * spanSize, length - start);
      length = spans[kept++ * spanSize + 4] as number;
    }
    const name = knownHeaderNames[cookieId] as string;
    const value = cookies.join('; ');
    bytes.write(`${name}: ${value}`, length, 'latin1');
    const valueEnd = length + name.length + 2 + value.length;
    bytes[valueEnd] = CR;
    bytes[valueEnd + 1] = LF;
    spans.set(
      [length, length + name.length, length + name.length + 2, valueEnd, valueEnd + 2, cookieId],
      kept * spanSize,
    );
    this.count = kept + 1;
    this.length = valueEnd + 2;
  }

  /** The block, with room for so many bytes more. */
  #roomFor(bytes: number): HeadBlock {
    const block = this.block as HeadBlock;
    const needed = this.length + bytes + spareBytes;
    if (needed <= block.bytes.length) return block;
    return this.#useBlock(this.#storage.enlarge(block, this.length, needed));
  }

  #useBlock(block: HeadBlock): HeadBlock {
    this.block = block;
    this.#view = new DataView(block.words.buffer);
    return block;
  }

  /** Copies bytes of a line; up to three bytes behind them are overwritten. */
  #copy(lines: PreparedLines, start: number, length: number, block: HeadBlock, at: number): void {
    if (length > stepCopyMax) {
      lines.bytes.copy(block.bytes, at, start, start + length);
      return;
    }
    const from = lines.view;
    const to = this.#view;
    for (let done = 0; done < length; done += 4) to.setInt32(at + done, from.getInt32(start + done, true), true);
  }

  #refuse(rule: HeaderSectionRule, lines: PreparedLines, offset: number): void {
    const start = lines.rows[offset] as number;
    this.rule = rule;
    this.brokenName = excerpt(lines.bytes, start, start + (lines.rows[offset + 1] as number));
  }
}

function moveSpan(spans: Int32Array, from: number, to: number, distance: number): void {
  for (let part = 0; part < 5; part++) spans[to + part] = (spans[from + part] as number) + distance;
  spans[to + 5] = spans[from + 5] as number;
}
