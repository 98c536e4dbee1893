import { type FieldFilter, fieldId, knownFieldNames, seenMax } from '../core/field-names.ts';
import type { Fields, FieldSink } from '../core/message.ts';
import { foldCase } from './characters.ts';
import { spanSlots } from './head-storage.ts';
import { nominated, ownFields } from './hop-by-hop.ts';
import { dashed, isClaim } from './known-names.ts';

/** The number of a line that is kept for nobody, not even `get`: a trailer that may not be one. */
const struckOut = 0x200;
const idMask = 0xff;

const nothing = Buffer.alloc(0);
const noSpans = new Int32Array(0);

/**
 * The fields of an HTTP/1 message: one buffer, and numbers that say where each line's parts are. A string is made only
 * for who asks for one; forwarding copies runs of whole lines, which the parser has checked octet by octet.
 *
 * Two views. `get` and `has` see every line. `each` and `writeTo` are for passing on, so they leave out what is for
 * this connection only (`hop-by-hop.ts`) and what the Connection field nominates (RFC 9110 §7.6.1).
 *
 * A nomination counts only for names that have no number in `core/field-names.ts`. For those that have one it is known
 * whether they go on, and nobody outside can change it: `Connection: host`, `content-length`, `cookie`, `authorization`
 * or `x-forwarded-for` takes nothing away from what the endpoint is to see.
 */
export class Http1Fields implements Fields {
  #octets: Buffer;
  #spans: Int32Array;
  #count: number;
  #seenLow: number;
  #seenHigh: number;
  /** What `writeTo` wrote last, and for which filter; null where the octets are another's after this message. */
  #written: Written | null = null;

  constructor(octets: Buffer, spans: Int32Array, count: number, seenLow: number, seenHigh: number) {
    this.#octets = octets;
    this.#spans = spans;
    this.#count = count;
    this.#seenLow = seenLow;
    this.#seenHigh = seenHigh;
  }

  /** Field lines held, those for this connection too. */
  get count(): number {
    return this.#count;
  }

  /** Whether a line with this known name came: one comparison, for all that the gateway itself asks for. */
  hasId(id: number): boolean {
    if (id < 32) return ((this.#seenLow >>> id) & 1) === 1;
    return id < seenMax ? ((this.#seenHigh >>> (id - 32)) & 1) === 1 : this.#hasLine(id);
  }

  #hasLine(id: number): boolean {
    const end = this.#count * spanSlots;
    for (let slot = 0; slot < end; slot += spanSlots) if (this.#isNamed(slot, id, '')) return true;
    return false;
  }

  has(name: string): boolean {
    const id = fieldId(name);
    if (id !== 0) return this.hasId(id);
    for (let slot = 0; slot < this.#count * spanSlots; slot += spanSlots) if (this.#isNamed(slot, 0, name)) return true;
    return false;
  }

  get(name: string): string | null {
    const id = fieldId(name);
    if (id !== 0 && !this.hasId(id)) return null;
    let value: string | null = null;
    const end = this.#count * spanSlots;
    for (let slot = 0; slot < end; slot += spanSlots) {
      if (!this.#isNamed(slot, id, name)) continue;
      value = value === null ? this.#value(slot) : `${value}, ${this.#value(slot)}`;
    }
    return value;
  }

  each(visit: (name: string, value: string) => void): void {
    const end = this.#count * spanSlots;
    for (let slot = 0; slot < end; slot += spanSlots) {
      if (this.#goesOn(slot)) visit(this.#name(slot), this.#value(slot));
    }
  }

  writeTo(sink: FieldSink, drop: FieldFilter): void {
    const written = this.#written;
    if (written === null) return this.#writeRuns(sink, drop);
    if (written.drop !== drop) this.#writeAgain(written, drop);
    sink.fieldLines(written.octets, 0, written.length);
  }

  /** The first time for this filter; mostly it is the same one ever after. */
  #writeAgain(written: Written, drop: FieldFilter): void {
    written.drop = drop;
    written.length = 0;
    this.#writeRuns(written, drop);
  }

  #writeRuns(sink: Pick<FieldSink, 'fieldLines'>, drop: FieldFilter): void {
    const spans = this.#spans;
    const end = this.#count * spanSlots;
    const { known } = drop;
    // Lines that follow each other and are kept leave as one run. Within a section no octet lies between two lines.
    let runStart = -1;
    let runEnd = -1;
    for (let slot = 0; slot < end; slot += spanSlots) {
      const id = spans[slot + 5] as number;
      const kept =
        id < nominated && ownFields.known[id] === 0 && known[id] === 0 && (id !== 0 || !this.#isOther(drop, slot));
      if (kept) {
        if (runStart < 0) runStart = spans[slot] as number;
        runEnd = spans[slot + 4] as number;
      } else if (runStart >= 0) {
        sink.fieldLines(this.#octets, runStart, runEnd);
        runStart = -1;
      }
    }
    if (runStart >= 0) sink.fieldLines(this.#octets, runStart, runEnd);
  }

  /** Marks the lines with these lowercase names, known ones excepted, as not to go on. */
  nominate(names: ReadonlySet<string>): void {
    this.#mark(nominated, (slot) => this.#spans[slot + 5] === 0 && names.has(this.#name(slot)));
  }

  /** Takes lines out altogether: nobody sees them any more. */
  strikeOut(filter: FieldFilter): void {
    for (let id = 1; id < filter.known.length; id++) {
      if (filter.known[id] === 0) continue;
      if (id < 32) this.#seenLow &= ~(1 << id);
      else if (id < seenMax) this.#seenHigh &= ~(1 << (id - 32));
    }
    this.#mark(struckOut, (slot) => {
      const id = (this.#spans[slot + 5] as number) & idMask;
      return id !== 0 ? filter.known[id] !== 0 : this.#isOther(filter, slot);
    });
  }

  /** The same fields in octets of their own, [start, end) of these, for as many messages as say the same: they stay as they are. */
  lasting(octets: Buffer, start: number): Http1Fields {
    const spans = this.#spans.slice(0, this.#count * spanSlots);
    for (let slot = 0; slot < spans.length; slot += spanSlots) {
      for (let place = 0; place < 5; place++) spans[slot + place] = (spans[slot + place] as number) - start;
    }
    const fields = new Http1Fields(octets, spans, this.#count, this.#seenLow, this.#seenHigh);
    fields.#written = new Written(octets.length);
    return fields;
  }

  /** The head is over: the buffer goes to another message, of which nobody may see anything through this object. */
  detach(): void {
    if (this.#written !== null) return; // They are of many messages.
    this.#octets = nothing;
    this.#spans = noSpans;
    this.#count = 0;
  }

  #mark(flag: number, chosen: (slot: number) => boolean): void {
    const end = this.#count * spanSlots;
    for (let slot = 0; slot < end; slot += spanSlots) {
      if (chosen(slot)) this.#spans[slot + 5] = (this.#spans[slot + 5] as number) | flag;
    }
  }

  #goesOn(slot: number): boolean {
    const id = this.#spans[slot + 5] as number;
    return id < nominated && ownFields.known[id] === 0;
  }

  #isNamed(slot: number, id: number, name: string): boolean {
    const tag = this.#spans[slot + 5] as number;
    if ((tag & idMask) !== id || tag >= struckOut) return false;
    if (id !== 0) return true;
    const start = this.#spans[slot] as number;
    if ((this.#spans[slot + 1] as number) - start !== name.length) return false;
    for (let index = 0; index < name.length; index++) {
      if (foldCase(this.#octets[start + index] as number) !== name.charCodeAt(index)) return false;
    }
    return true;
  }

  /** Whether a line whose name has no number belongs to the filter. */
  #isOther({ claims, others, otherLengths }: FieldFilter, slot: number): boolean {
    const start = this.#spans[slot] as number;
    const length = (this.#spans[slot + 1] as number) - start;
    if (claims && isClaim(this.#octets, start, length)) return true;
    return ((otherLengths >>> length) & 1) === 1 && this.#isAmong(others, slot);
  }

  /** Also in the spelling that what speaks CGI takes for the same: whoever drops or sets X-User means X_User too. */
  #isAmong(names: ReadonlySet<string> | null, slot: number): boolean {
    if (names === null) return false;
    const name = this.#name(slot);
    return names.has(name) || names.has(dashed(name));
  }

  #name(slot: number): string {
    const id = (this.#spans[slot + 5] as number) & idMask;
    if (id !== 0) return knownFieldNames[id] as string;
    return this.#octets.toString('latin1', this.#spans[slot], this.#spans[slot + 1]).toLowerCase();
  }

  #value(slot: number): string {
    return this.#octets.toString('latin1', this.#spans[slot + 2], this.#spans[slot + 3]);
  }
}

/** The lines of a section that go on past a filter, one behind the other. */
class Written implements Pick<FieldSink, 'fieldLines'> {
  drop: FieldFilter | null = null;
  length = 0;
  readonly octets: Buffer;

  constructor(octetsMax: number) {
    this.octets = Buffer.allocUnsafeSlow(octetsMax);
  }

  fieldLines(octets: Buffer, start: number, end: number): void {
    this.length += octets.copy(this.octets, this.length, start, end);
  }
}
