import { type ContentKind, contentKindOf, noContentKind } from '../core/content-kind.ts';
import { type HeaderFilter, headerId, knownHeaderNames, seenMax } from '../core/header-names.ts';
import type { MessageHeaders, HeaderSink } from '../core/message.ts';
import { foldCase } from './characters.ts';
import { spanSize } from './head-storage.ts';
import { nominated, ownHeaders } from './hop-by-hop.ts';
import { dashed, isClaim } from './known-names.ts';

/** The number of a removed line, which not even `get` sees: a forbidden trailer. */
const removed = 0x200;
const idMask = 0xff;

const contentTypeId = headerId('content-type');

const nothing = Buffer.alloc(0);
const noSpans = new Int32Array(0);

/**
 * The headers of an HTTP/1 message: one buffer, and numbers that say where each line's parts are. A string is made only
 * for who asks for one; forwarding copies runs of whole lines, which the parser has checked byte by byte.
 *
 * Two views. `get` and `has` see every line. `each` and `writeTo` are for passing on, so they leave out what is for this
 * connection only (`hop-by-hop.ts`) and what the Connection header nominates (RFC 9110 §7.6.1).
 *
 * A nomination counts only for names that have no number in `core/header-names.ts`. For those that have one it is known
 * whether they go on, and no client can change it: `Connection: host`, `content-length`, `cookie`, `authorization` or
 * `x-forwarded-for` takes nothing away from what the endpoint is to see.
 */
export class ParsedHeaders implements MessageHeaders {
  #bytes: Buffer;
  #spans: Int32Array;
  #count: number;
  #seenLow: number;
  #seenHigh: number;
  /** The lines that `writeTo` wrote last, with their filter; null where the bytes belong to another message afterwards. */
  #written: FilteredLines | null = null;

  constructor(bytes: Buffer, spans: Int32Array, count: number, seenLow: number, seenHigh: number) {
    this.#bytes = bytes;
    this.#spans = spans;
    this.#count = count;
    this.#seenLow = seenLow;
    this.#seenHigh = seenHigh;
  }

  /** Header lines held, those for this connection too. */
  get count(): number {
    return this.#count;
  }

  get byteLength(): number {
    const last = (this.#count - 1) * spanSize;
    return last < 0 ? 0 : (this.#spans[last + 4] as number) - (this.#spans[0] as number);
  }

  /** Whether a line with this known name came: one comparison, for all that the gateway itself asks for. */
  hasId(id: number): boolean {
    if (id < 32) return ((this.#seenLow >>> id) & 1) === 1;
    return id < seenMax ? ((this.#seenHigh >>> (id - 32)) & 1) === 1 : this.#hasLine(id);
  }

  #hasLine(id: number): boolean {
    const end = this.#count * spanSize;
    for (let offset = 0; offset < end; offset += spanSize) if (this.#isNamed(offset, id, '')) return true;
    return false;
  }

  has(name: string): boolean {
    const id = headerId(name);
    if (id !== 0) return this.hasId(id);
    for (let offset = 0; offset < this.#count * spanSize; offset += spanSize)
      if (this.#isNamed(offset, 0, name)) return true;
    return false;
  }

  get(name: string): string | null {
    const id = headerId(name);
    if (id !== 0 && !this.hasId(id)) return null;
    let value: string | null = null;
    const end = this.#count * spanSize;
    for (let offset = 0; offset < end; offset += spanSize) {
      if (!this.#isNamed(offset, id, name)) continue;
      value = value === null ? this.#value(offset) : `${value}, ${this.#value(offset)}`;
    }
    return value;
  }

  contentKind(): ContentKind {
    if (!this.hasId(contentTypeId)) return noContentKind;
    const end = this.#count * spanSize;
    for (let offset = 0; offset < end; offset += spanSize)
      if (this.#isNamed(offset, contentTypeId, ''))
        return contentKindOf(this.#bytes, this.#spans[offset + 2] as number, this.#spans[offset + 3] as number);
    return noContentKind;
  }

  each(visit: (name: string, value: string) => void): void {
    const end = this.#count * spanSize;
    for (let offset = 0; offset < end; offset += spanSize) {
      if (this.#goesOn(offset)) visit(this.#name(offset), this.#value(offset));
    }
  }

  writeTo(sink: HeaderSink, drop: HeaderFilter): void {
    const written = this.#written;
    if (written === null) return this.#writeRuns(sink, drop);
    if (written.drop !== drop) this.#rewrite(written, drop);
    sink.headerLines(written.bytes, 0, written.length);
  }

  /** The first time for this filter; mostly it is the same one ever after. */
  #rewrite(written: FilteredLines, drop: HeaderFilter): void {
    written.drop = drop;
    written.length = 0;
    this.#writeRuns(written, drop);
  }

  #writeRuns(sink: Pick<HeaderSink, 'headerLines'>, drop: HeaderFilter): void {
    const spans = this.#spans;
    const end = this.#count * spanSize;
    const { known } = drop;
    // Lines that follow each other and are kept leave as one run. Within a section no byte lies between two lines.
    let runStart = -1;
    let runEnd = -1;
    for (let offset = 0; offset < end; offset += spanSize) {
      const id = spans[offset + 5] as number;
      const kept =
        id < nominated && ownHeaders.known[id] === 0 && known[id] === 0 && (id !== 0 || !this.#isOther(drop, offset));
      if (kept) {
        if (runStart < 0) runStart = spans[offset] as number;
        runEnd = spans[offset + 4] as number;
      } else if (runStart >= 0) {
        sink.headerLines(this.#bytes, runStart, runEnd);
        runStart = -1;
      }
    }
    if (runStart >= 0) sink.headerLines(this.#bytes, runStart, runEnd);
  }

  /** Whether any line is passed on. */
  get anyGoesOn(): boolean {
    const end = this.#count * spanSize;
    for (let offset = 0; offset < end; offset += spanSize) if (this.#goesOn(offset)) return true;
    return false;
  }

  /** Marks the lines with these lowercase names, known ones excepted, as not to go on. */
  nominate(names: ReadonlySet<string>): void {
    this.#flagLines(nominated, (offset) => this.#spans[offset + 5] === 0 && names.has(this.#name(offset)));
  }

  /** Removes lines: no method returns them any more. */
  removeLines(filter: HeaderFilter): void {
    for (let id = 1; id < filter.known.length; id++) {
      if (filter.known[id] === 0) continue;
      if (id < 32) this.#seenLow &= ~(1 << id);
      else if (id < seenMax) this.#seenHigh &= ~(1 << (id - 32));
    }
    this.#flagLines(removed, (offset) => {
      const id = (this.#spans[offset + 5] as number) & idMask;
      return id !== 0 ? filter.known[id] !== 0 : this.#isOther(filter, offset);
    });
  }

  /** The same headers in bytes of their own, [start, end) of these, for as many messages as say the same: they stay as they are. */
  copyWith(bytes: Buffer, start: number): ParsedHeaders {
    const spans = this.#spans.slice(0, this.#count * spanSize);
    for (let offset = 0; offset < spans.length; offset += spanSize) {
      for (let part = 0; part < 5; part++) spans[offset + part] = (spans[offset + part] as number) - start;
    }
    const headers = new ParsedHeaders(bytes, spans, this.#count, this.#seenLow, this.#seenHigh);
    headers.#written = new FilteredLines(bytes.length);
    return headers;
  }

  /** The head is over: its buffer goes to another message, which must not be visible through this object. */
  detach(): void {
    if (this.#written !== null) return; // They are of many messages.
    this.#bytes = nothing;
    this.#spans = noSpans;
    this.#count = 0;
  }

  #flagLines(flag: number, chosen: (offset: number) => boolean): void {
    const end = this.#count * spanSize;
    for (let offset = 0; offset < end; offset += spanSize) {
      if (chosen(offset)) this.#spans[offset + 5] = (this.#spans[offset + 5] as number) | flag;
    }
  }

  #goesOn(offset: number): boolean {
    const id = this.#spans[offset + 5] as number;
    return id < nominated && ownHeaders.known[id] === 0;
  }

  #isNamed(offset: number, id: number, name: string): boolean {
    const tag = this.#spans[offset + 5] as number;
    if ((tag & idMask) !== id || tag >= removed) return false;
    if (id !== 0) return true;
    const start = this.#spans[offset] as number;
    if ((this.#spans[offset + 1] as number) - start !== name.length) return false;
    for (let index = 0; index < name.length; index++) {
      if (foldCase(this.#bytes[start + index] as number) !== name.charCodeAt(index)) return false;
    }
    return true;
  }

  /** Whether a line whose name has no number belongs to the filter. */
  #isOther({ claims, others, otherLengths }: HeaderFilter, offset: number): boolean {
    const start = this.#spans[offset] as number;
    const length = (this.#spans[offset + 1] as number) - start;
    if (claims && isClaim(this.#bytes, start, length)) return true;
    return ((otherLengths >>> length) & 1) === 1 && this.#isAmong(others, offset);
  }

  /** Also in the spelling that CGI programs take for the same: a rule for X-User applies to X_User too. */
  #isAmong(names: ReadonlySet<string> | null, offset: number): boolean {
    if (names === null) return false;
    const name = this.#name(offset);
    return names.has(name) || names.has(dashed(name));
  }

  #name(offset: number): string {
    const id = (this.#spans[offset + 5] as number) & idMask;
    if (id !== 0) return knownHeaderNames[id] as string;
    return this.#bytes.toString('latin1', this.#spans[offset], this.#spans[offset + 1]).toLowerCase();
  }

  #value(offset: number): string {
    return this.#bytes.toString('latin1', this.#spans[offset + 2], this.#spans[offset + 3]);
  }
}

/** The lines of a section that go on past a filter, one behind the other. */
class FilteredLines implements Pick<HeaderSink, 'headerLines'> {
  drop: HeaderFilter | null = null;
  length = 0;
  readonly bytes: Buffer;

  constructor(bytesMax: number) {
    this.bytes = Buffer.allocUnsafeSlow(bytesMax);
  }

  headerLines(bytes: Buffer, start: number, end: number): void {
    this.length += bytes.copy(this.bytes, this.length, start, end);
  }
}
