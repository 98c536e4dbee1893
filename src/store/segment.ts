import type { OutputLine } from '../core/output-line.ts';
import type { ProcessNote } from '#failures/process-note.ts';
import type { EventLine, StoredExchange } from '../core/store-messages.ts';
import { type Database, openDatabase, type Statement, type Value, withErrno } from './database.ts';
import { EventTable } from './event-table.ts';
import { OutputTable } from './output-table.ts';
import { type IdRange, idsFrom, packedHex, packedUuid, unpackedHex, unpackedUuid, wholeId } from './packed-id.ts';
import { createSchema, isUsable } from './schema.ts';
import { recordOf, type StoredLine } from './stored-line.ts';
import type { TimedRow } from './response-times.ts';
import { SharedTexts } from './shared-texts.ts';
import { type IdLookup, SpanTable } from './span-table.ts';
import { LineTerms, TemplateTerms } from './terms.ts';
import { noteAfterMs, noteBeforeMs } from '../core/process-state.ts';
import type { InstanceVisit } from '../core/request-context.ts';

/** Around one attempt: more are not looked at. */
const notesMax = 100;

/** Samples and exits of the processes of applications in a file. They are few beside the exchanges. */
class ProcessTable {
  readonly #insert: Statement;
  readonly #select: Statement;

  constructor(database: Database) {
    // During an upgrade two processes write to one file: SQLite numbers the rows.
    this.#insert = database.prepare('INSERT INTO processes (at, instance, json) VALUES (?, ?, ?)');
    this.#select = database.prepare(
      'SELECT json FROM processes WHERE instance = ? AND at >= ? AND at <= ? ORDER BY at DESC LIMIT ?',
    );
  }

  /** Within the transaction of the caller. */
  append(notes: readonly ProcessNote[]): void {
    for (const note of notes) this.#insert.run(note.at, note.instance, JSON.stringify(note));
  }

  /** What is kept of the instance's process around an attempt, the newest first. */
  around({ instance, ended }: InstanceVisit): readonly ProcessNote[] {
    const rows = this.#select.each(instance, ended - noteBeforeMs, ended + noteAfterMs, notesMax);
    return [...rows].map(([json]) => JSON.parse(String(json)) as ProcessNote);
  }
}

/** A line for the store. */
export interface NewExchange {
  readonly line: StoredLine;
  readonly standsFor: number;
}

/** What is stored in one transaction. */
export interface StoredBatch {
  readonly exchanges: readonly NewExchange[];
  readonly events: readonly EventLine[];
  readonly output: readonly OutputLine[];
  readonly processes: readonly ProcessNote[];
}

/** A row as far as a search looks at it before it builds the record. */
export interface StoredRow {
  readonly seq: number;
  readonly at: number;
  readonly template: number;
  readonly status: number | null;
  readonly durationMs: number;
  readonly values: readonly Value[];
}

/** Rows that a search may have to look at. */
interface RowRange {
  /** Only exchanges with this id or trace; null: with any. */
  readonly wanted: IdRange | null;
  /** An expression of the full-text index; null: all rows. */
  readonly expression: string | null;
  /** Both excluded. */
  readonly after: number;
  readonly before: number;
  readonly newestFirst: boolean;
}

const columns = 'seq, id, trace, at, template, client, port, path, query, status, duration, bytes, stands_for, rest';

/**
 * One file of the store: some of the exchanges and events, in the order in which they were stored. Throws what SQLite throws; the caller
 * then closes it.
 */
export class Segment {
  readonly #database: Database;
  readonly #templates: SharedTexts;
  readonly #texts: SharedTexts;
  readonly #terms = new LineTerms();
  readonly #templateTerms = new TemplateTerms();
  /** Of `#templateTerms`: the last template that it has. */
  #lastTemplate = 0;
  readonly #insert: Statement;
  readonly #insertTerms: Statement;
  readonly #spans: SpanTable;
  readonly events: EventTable;
  readonly output: OutputTable;
  readonly processes: ProcessTable;
  readonly #searches = new Map<string, Statement>();
  #seq: number;

  /** Opens or creates the file; null if another version of Candor, or another program, has written it. `outputBytesMax`: of the output of applications. */
  static open(path: string, outputBytesMax: number): Segment | null {
    const database = openDatabase(path);
    try {
      if (isUsable(database)) {
        // A larger page makes the index smaller. NORMAL: a loss of power may take the last second, and never the file.
        database.execute('PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
        database.execute('PRAGMA cache_size = -8000; PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 0');
        createSchema(database);
        return new Segment(database, outputBytesMax);
      }
    } catch (error) {
      const known = withErrno(error);
      database.close();
      throw known;
    }
    database.close();
    return null;
  }

  private constructor(database: Database, outputBytesMax: number) {
    this.#database = database;
    this.#templates = new SharedTexts(database, 'templates', 'json', 1);
    this.#texts = new SharedTexts(database, 'texts', 'text', 2);
    this.events = new EventTable(database);
    this.output = new OutputTable(database, outputBytesMax);
    this.processes = new ProcessTable(database);
    this.#insert = database.prepare(`INSERT INTO exchanges (${columns}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`);
    this.#insertTerms = database.prepare('INSERT INTO terms (rowid, words) VALUES (?, ?)');
    this.#spans = new SpanTable(database);
    this.#seq = this.#highest('SELECT max(seq) FROM exchanges');
  }

  /** The number of the last row; 0 without one. */
  get lastSeq(): number {
    return this.#seq;
  }

  /** When the first exchange or event of the file began: milliseconds since 1970; null if it has none. */
  get firstAt(): number | null {
    const sql =
      'SELECT min(at) FROM (SELECT min(first_at) AS at FROM spans UNION ALL SELECT min(at) FROM events UNION ALL SELECT min(at) FROM output)';
    const at = this.#prepared(sql).get()?.[0] ?? null;
    return at === null ? null : Number(at);
  }

  /** Whether the file had begun by then, as the exchanges and the output in it show. */
  hasBegunBy(at: number): boolean {
    const [endedAt] = this.#prepared('SELECT at + duration / 1000 FROM exchanges ORDER BY seq LIMIT 1').get() ?? [];
    return Math.min(this.output.firstAt, Number(endedAt ?? Infinity)) <= at;
  }

  #highest(sql: string): number {
    return Number(this.#database.prepare(sql).get()?.[0] ?? 0);
  }

  /** Stores a batch in one transaction: all or nothing. Returns how many exchanges are damaged, and left out. */
  append({ exchanges, events, output, processes }: StoredBatch): number {
    this.#database.execute('BEGIN IMMEDIATE');
    let damaged = 0;
    for (const exchange of exchanges) if (!this.#append(exchange)) damaged += 1;
    this.events.append(events);
    this.output.append(output);
    this.processes.append(processes);
    this.#spans.put();
    this.#database.execute('COMMIT');
    return damaged;
  }

  /** False if the line gives no record. */
  #append({ line, standsFor }: NewExchange): boolean {
    const { id, traceId, at, template, client, clientPort, path, query, status, durationUs, bytesOut, rest } = line;
    const shared = this.#templates.put(template);
    const terms = this.#terms.of(line, Number(shared));
    if (terms === null) return false;
    const seq = ++this.#seq;
    const texts = this.#texts;
    const trace = traceId === null ? null : packedHex(traceId);
    const asked = query === null ? null : texts.put(query);
    const packed = packedUuid(id);
    // biome-ignore format: one line per group of columns
    this.#insert.run(
      seq, packed, trace, at, shared, texts.put(client), clientPort, texts.put(path), asked,
      status, durationUs, bytesOut, standsFor, rest,
    );
    this.#insertTerms.run(seq, terms);
    this.#spans.add({ seq, at, id: packed, trace });
    return true;
  }

  /** The numbers of the first and last row whose exchange may have begun within this time; null if there are none. */
  rowsWithin(since: number | null, until: number | null): readonly [number, number] | null {
    return this.#spans.rowsWithin(since, until);
  }

  *rows({ wanted, expression, after, before, newestFirst }: RowRange): Generator<StoredRow> {
    const order = newestFirst ? 'DESC' : 'ASC';
    if (wanted !== null) {
      yield* this.#rowsWith(wanted, 'key', { after, before, newestFirst });
      return;
    }
    if (expression === null) {
      const sql = `SELECT ${columns} FROM exchanges WHERE seq > ? AND seq < ? ORDER BY seq ${order}`;
      for (const values of this.#prepared(sql).each(after, before)) yield rowOf(values);
      return;
    }
    const sql = `SELECT rowid FROM terms WHERE terms MATCH ? AND rowid > ? AND rowid < ? ORDER BY rowid ${order}`;
    const bySeq = this.#prepared(`SELECT ${columns} FROM exchanges WHERE seq = ?`);
    for (const [seq = null] of this.#prepared(sql).each(expression, after, before)) {
      const values = bySeq.get(seq);
      if (values !== undefined) yield rowOf(values);
    }
  }

  /** The newest rows of the exchange with this id, or of those whose ids begin so; at most two. */
  rowsOfId(id: string, by: IdLookup): readonly StoredRow[] {
    const exact = this.#newest(wholeId(id), by);
    if (exact.length > 0) return exact;
    const range = idsFrom(id);
    return range === null ? [] : this.#newest(range, by);
  }

  #newest(range: IdRange, by: IdLookup): StoredRow[] {
    const found: StoredRow[] = [];
    const all = { after: 0, before: Number.MAX_SAFE_INTEGER, newestFirst: true };
    for (const row of this.#rowsWith(range, by, all)) {
      found.push(row);
      if (found.length === 2) break;
    }
    return found;
  }

  *#rowsWith(
    range: IdRange,
    by: IdLookup,
    rows: Pick<RowRange, 'after' | 'before' | 'newestFirst'>,
  ): Generator<StoredRow> {
    const { after, before, newestFirst } = rows;
    const column = range.of === 'ids' ? 'id' : 'trace';
    const order = newestFirst ? 'DESC' : 'ASC';
    const sql = `SELECT ${columns} FROM exchanges WHERE seq BETWEEN ? AND ? AND ${column} BETWEEN ? AND ? ORDER BY seq ${order}`;
    const select = this.#prepared(sql);
    for (const [first, last] of this.#spans.rowsWith(range, by, newestFirst)) {
      const within = [Math.max(first, after + 1), Math.min(last, before - 1)] as const;
      if (within[0] > within[1]) continue;
      for (const values of select.each(...within, range.from, range.to)) yield rowOf(values);
    }
  }

  /** The rows after one, up to another: what is needed to sum up times, without building records. */
  *timedRows(seq: number, last: number): Generator<TimedRow> {
    const sql = 'SELECT at, duration, stands_for, template, rest FROM exchanges WHERE seq > ? AND seq <= ?';
    for (const [at, duration, standsFor, template, rest] of this.#prepared(sql).each(seq, last))
      yield {
        ...{ at: Number(at), durationMs: Number(duration) / 1000, standsFor: Number(standsFor) },
        ...{ template: Number(template), rest: rest as string | null },
      };
  }

  /** Of all templates of the file. */
  get templateTerms(): TemplateTerms {
    const sql = 'SELECT number, json FROM templates WHERE number > ? ORDER BY number';
    for (const [number, json] of this.#prepared(sql).each(this.#lastTemplate)) {
      this.#templateTerms.add(Number(number), String(json));
      this.#lastTemplate = Number(number);
    }
    return this.#templateTerms;
  }

  /** JSON of what all rows with this template share. */
  template(number: number): string {
    return this.#templates.get(number);
  }

  exchangeOf({ values }: StoredRow): StoredExchange | null {
    const line = this.#lineOf(values);
    const record = recordOf(line);
    return record === null ? null : { record, standsFor: Number(values[12]) };
  }

  #lineOf(values: readonly Value[]): StoredLine {
    const [, id, trace, at, template, client, port, path, query, status, duration, bytes, , rest] = values;
    return {
      template: this.template(Number(template)),
      id: unpackedUuid(id as Uint8Array | string),
      traceId: trace === null ? null : unpackedHex(trace as Uint8Array | string),
      at: Number(at),
      client: this.#text(client),
      clientPort: Number(port),
      path: this.#text(path),
      query: query === null ? null : this.#text(query),
      status: status as number | null,
      durationUs: Number(duration),
      bytesOut: Number(bytes),
      rest: rest as string | null,
      hasOnlyNumbers: false,
    };
  }

  #text(value: Value | undefined): string {
    return typeof value === 'number' ? this.#texts.get(value) : String(value);
  }

  #prepared(sql: string): Statement {
    let statement = this.#searches.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#searches.set(sql, statement);
    }
    return statement;
  }

  /** Throws if the file cannot be written; it is closed in any case. */
  close(): void {
    this.#database.close();
  }
}

function rowOf(values: readonly Value[]): StoredRow {
  const [seq, , , at, template, , , , , status, duration] = values;
  const durationMs = Number(duration) / 1000;
  return {
    seq: Number(seq),
    at: Number(at),
    template: Number(template),
    status: status as number | null,
    durationMs,
    values,
  };
}
