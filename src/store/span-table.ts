import type { Database, Statement } from './database.ts';
import { type IdRange, keyOfId, keyOfTrace } from './packed-id.ts';

/** A span holds so many rows at most, so that a search looks at few rows of it. */
export const spanRowsMax = 2048;

/** Above any number of a row within its span. */
const rowBase = 2 ** 16;

const keyBytes = 4;
const rowBytes = 2;

/** Collects the keys (32 bits) of the rows of a span. Packed, they are sorted: 6 bytes a row. */
export class SpanKeys {
  /** Key and row in one number, so that sorting needs no function. */
  readonly #entries = new Float64Array(spanRowsMax);
  #count = 0;
  #rows = 0;

  /** Of the next row; null: it has none. */
  add(key: number | null): void {
    if (key !== null) {
      this.#entries[this.#count] = key * rowBase + this.#rows;
      this.#count += 1;
    }
    this.#rows += 1;
  }

  /** All keys in ascending order, then the row of each within the span; the next span begins. */
  take(): Uint8Array {
    const count = this.#count;
    const entries = this.#entries.subarray(0, count).sort();
    const packed = new DataView(new ArrayBuffer(count * (keyBytes + rowBytes)));
    for (let at = 0; at < count; at += 1) {
      const entry = entries[at] as number;
      const key = Math.floor(entry / rowBase);
      packed.setUint32(at * keyBytes, key, true);
      packed.setUint16(count * keyBytes + at * rowBytes, entry - key * rowBase, true);
    }
    this.#count = 0;
    this.#rows = 0;
    return new Uint8Array(packed.buffer);
  }
}

/** The rows with this key, as numbers within their span, the lowest first. */
export function rowsWithKey(packed: Uint8Array, key: number): readonly number[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const count = packed.byteLength / (keyBytes + rowBytes);
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (view.getUint32(middle * keyBytes, true) < key) low = middle + 1;
    else high = middle;
  }
  const rows: number[] = [];
  for (; low < count && view.getUint32(low * keyBytes, true) === key; low += 1)
    rows.push(view.getUint16(count * keyBytes + low * rowBytes, true));
  return rows;
}

/** The first and the last row of a range. */
type Rows = readonly [first: number, last: number];

/** By when they were made, or by their keys. */
export type IdLookup = 'time' | 'key';

/** A row to add. */
interface SpanRow {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly id: Uint8Array | string;
  readonly trace: Uint8Array | string | null;
}

/** An exchange may begin so long before or after its id is made. */
const idLatenessMs = 1000;

/**
 * The spans of a file: rows that follow each other, with the times and the ids of their exchanges. An id is found by the spans of the time
 * that it names, or by its key in each span, and a trace by its key ([ADR 25](../../docs/adr/0025-the-store.md)).
 */
export class SpanTable {
  readonly #putSpan: Statement;
  readonly #putKeys: Statement;
  readonly #selectWithin: Statement;
  readonly #newestFirst: Statement;
  readonly #oldestFirst: Statement;
  readonly #ids = new SpanKeys();
  readonly #traces = new SpanKeys();
  #span: { number: number; first: number; last: number; firstAt: number; lastAt: number };

  constructor(database: Database) {
    this.#putSpan = database.prepare('INSERT OR REPLACE INTO spans VALUES (?, ?, ?, ?, ?)');
    this.#putKeys = database.prepare('INSERT INTO span_keys VALUES (?, ?, ?)');
    this.#selectWithin = database.prepare(
      'SELECT min(first_seq), max(last_seq) FROM spans WHERE last_at >= ? AND first_at <= ?',
    );
    const spans =
      'SELECT first_seq, last_seq, ids, traces FROM spans LEFT JOIN span_keys USING (number) WHERE last_at >= ? AND first_at <= ?';
    this.#newestFirst = database.prepare(`${spans} ORDER BY number DESC`);
    this.#oldestFirst = database.prepare(`${spans} ORDER BY number`);
    this.#span = emptySpan(Number(database.prepare('SELECT max(number) FROM spans').get()?.[0] ?? 0) + 1);
  }

  /** The next row. Within the transaction of the caller, as `put`. */
  add({ seq, at, id, trace }: SpanRow): void {
    const span = this.#span;
    if (span.first === 0) span.first = seq;
    span.last = seq;
    span.firstAt = Math.min(span.firstAt, at);
    span.lastAt = Math.max(span.lastAt, at);
    this.#ids.add(keyOfId(id));
    this.#traces.add(trace === null ? null : keyOfTrace(trace));
    if (seq - span.first + 1 >= spanRowsMax) this.#end();
  }

  #end(): void {
    this.put();
    this.#putKeys.run(this.#span.number, this.#ids.take(), this.#traces.take());
    this.#span = emptySpan(this.#span.number + 1);
  }

  /** Stores the times of the rows that were added. The keys are stored when the span is full; until then a search looks at each row. */
  put(): void {
    const { number, first, last, firstAt, lastAt } = this.#span;
    if (last > 0) this.#putSpan.run(number, first, last, firstAt, lastAt);
  }

  /** The numbers of the first and last row whose exchange may have begun within this time; null if there are none. */
  rowsWithin(since: number | null, until: number | null): Rows | null {
    const [first, last] = this.#selectWithin.get(since ?? 0, until ?? Number.MAX_SAFE_INTEGER) ?? [];
    return typeof first === 'number' && typeof last === 'number' ? [first, last] : null;
  }

  /** Rows that may have one of the ids. A range of which `by` says nothing has none. */
  *rowsWith({ of, from, to, key, times }: IdRange, by: IdLookup, newestFirst: boolean): Generator<Rows> {
    if (by === 'time' && times === null) return;
    const [since, until] = by === 'time' && times !== null ? times : [0, Number.MAX_SAFE_INTEGER];
    // Of a time, the keys of whole ids alone are known.
    const usesKeys = by === 'key' || from === to;
    const spans = newestFirst ? this.#newestFirst : this.#oldestFirst;
    for (const [first, last, ids, traces] of spans.each(since - idLatenessMs, until + idLatenessMs)) {
      const keys = of === 'ids' ? ids : traces;
      if (usesKeys && keys instanceof Uint8Array) yield* rowsOf(keys, key, Number(first), newestFirst);
      else yield [Number(first), Number(last)];
    }
  }
}

function* rowsOf(keys: Uint8Array, key: number, first: number, newestFirst: boolean): Generator<Rows> {
  const rows = rowsWithKey(keys, key);
  for (const row of newestFirst ? rows.toReversed() : rows) yield [first + row, first + row];
}

function emptySpan(number: number) {
  return { number, first: 0, last: 0, firstAt: Number.MAX_SAFE_INTEGER, lastAt: 0 };
}
