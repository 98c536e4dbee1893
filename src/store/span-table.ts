import type { Database, Statement } from './database.ts';
import { type IdRange, keyOfId, keyOfTrace } from './packed-id.ts';
import { rowsWithKey, SpanKeys, spanRowsMax } from './span-keys.ts';

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
