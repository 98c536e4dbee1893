import type { OutputLine, OutputSource } from '../core/output-line.ts';
import type { Query } from '../core/exchange-query.ts';
import type { Clock } from '../core/time.ts';
import type { Database, Statement, Value } from './database.ts';
import { idsInText, packedIdInText } from './ids-in-text.ts';
import { outputIndexUse, outputMatches } from './match-output.ts';
import type { RangePage, SegmentRange } from './paging.ts';
import { SharedTexts } from './shared-texts.ts';

/** Beside its text: the row, its entry in the index of times, and that of an id. */
const rowBytes = 64;

/** SQLite compares the text of so many rows before the clock is looked at: some milliseconds. */
const rowsPerLook = 4096;

/** How much of the oldest is deleted when the lines have reached their size. */
const deletedPart = 0.25;

const columns = 'output.seq, at, json, text, left_out';
const from = 'output JOIN output_sources ON number = source';

/** How many lines of a time are looked at: the last ones that an instance printed while it had a request. */
export const linesOfTimeMax = 2000;

/** So many lines of other applications are read in search of the next line of one; if it is not among them, lines count as left out. */
const othersMax = 4096;

const ofApplication = "SELECT number FROM output_sources WHERE json ->> 'application' = ?";

/** A time in which an instance had a request. */
interface OutputOfInstance {
  readonly instance: string;
  /** Milliseconds since 1970, both included. */
  readonly since: number;
  readonly until: number;
}

/** Few lines have a reason: it is kept with their source, and needs no column. */
type StoredSource = OutputSource & Pick<OutputLine, 'leftOutWhy'>;

type OutputOfApplication = Omit<OutputOfInstance, 'instance'> & { readonly application: string };

/**
 * The output of applications in a file. Of the file's size it takes a part: beyond it the oldest lines are deleted, so that an application
 * that prints much drives no exchange out of the store.
 */
export class OutputTable {
  readonly #database: Database;
  readonly #sources: SharedTexts;
  readonly #insert: Statement;
  readonly #insertId: Statement;
  readonly #bytesMax: number;
  /** Null until the first line is stored: reading the length of all takes some milliseconds. */
  #bytes: number | null = null;

  constructor(database: Database, bytesMax: number) {
    this.#database = database;
    this.#bytesMax = bytesMax;
    this.#sources = new SharedTexts(database, 'output_sources', 'json', 1);
    // During an upgrade two processes write to one file: SQLite numbers the rows.
    this.#insert = database.prepare('INSERT INTO output (at, source, text, left_out, ids) VALUES (?, ?, ?, ?, ?)');
    this.#insertId = database.prepare('INSERT OR IGNORE INTO output_ids VALUES (?, last_insert_rowid())');
  }

  get lastSeq(): number {
    return this.#number('SELECT max(seq) FROM output');
  }

  /** When the first line that is left was read: those before it were deleted. -Infinity: none was. */
  get deletedUntil(): number {
    const [seq, at] = this.#first;
    // SQLite gives the first row the number 1.
    return seq <= 1 ? -Infinity : at;
  }

  /** When the first line was read that is left; Infinity: there is none. */
  get firstAt(): number {
    return this.#first[1];
  }

  get #first(): readonly [seq: number, at: number] {
    const row = this.#database.prepare('SELECT seq, at FROM output ORDER BY seq LIMIT 1').get();
    return row === undefined ? [0, Infinity] : [Number(row[0]), Number(row[1])];
  }

  /** Whether the file ends before this time. */
  endsBefore(since: number): boolean {
    return this.#number('SELECT max(at) FROM output') < since && this.lastSeq > 0;
  }

  /** Within the transaction of the caller. */
  append(lines: readonly OutputLine[]): void {
    if (lines.length === 0) return;
    this.#bytes ??= this.#number(`SELECT sum(length(text) + ${rowBytes}) FROM output`);
    for (const { at, source, text, leftOut, leftOutWhy } of lines) {
      const ids = idsInText(text);
      this.#insert.run(at, this.#sources.put(JSON.stringify({ ...source, leftOutWhy })), text, leftOut, ids.length);
      for (const id of ids) this.#insertId.run(packedIdInText(id));
      this.#bytes += text.length + rowBytes;
    }
    while (this.#bytes > this.#bytesMax && this.#deleteOldest());
  }

  /** False if there is hardly anything to delete. */
  #deleteOldest(): boolean {
    const [first, last] = [this.#number('SELECT min(seq) FROM output'), this.lastSeq];
    if (last - first < 1 / deletedPart) return false;
    const through = first + Math.floor((last - first) * deletedPart);
    this.#database.prepare('DELETE FROM output WHERE seq <= ?').run(through);
    this.#database.prepare('DELETE FROM output_ids WHERE seq <= ?').run(through);
    this.#bytes = this.#number(`SELECT sum(length(text) + ${rowBytes}) FROM output`);
    return true;
  }

  search(query: Query, whole: SegmentRange, clock: Clock): RangePage<OutputLine> {
    const found: { seq: number; value: OutputLine }[] = [];
    const [first, last] = this.#rowsWithin(query);
    const range = { ...whole, after: Math.max(whole.after, first - 1), before: Math.min(whole.before, last + 1) };
    for (const slice of this.#slices(query, range)) {
      for (const row of this.#rows(query, slice)) {
        const line = lineOf(row);
        const seq = Number(row[0]);
        if (outputMatches(query, line)) found.push({ seq, value: line });
        if (found.length >= range.limit) return { found, stoppedAt: seq };
      }
      if (clock.now() >= range.deadline)
        return { found, stoppedAt: range.newestFirst ? slice.after + 1 : slice.before - 1 };
    }
    return { found, stoppedAt: null };
  }

  /**
   * The first and the last row with a line of this time; rows between them may be of other times, where a clock has jumped. None: the last is before
   * the first. Measured: reading the index for 100,000 lines takes 7 ms, looking at as many lines 100 ms and more.
   */
  #rowsWithin({ since, until }: Query): readonly [first: number, last: number] {
    if (since === null && until === null) return [this.#number('SELECT min(seq) FROM output'), this.lastSeq];
    const sql = 'SELECT min(seq), max(seq) FROM output WHERE at >= ? AND at <= ?';
    const [first, last] = this.#database.prepare(sql).get(since ?? 0, until ?? Number.MAX_SAFE_INTEGER) ?? [];
    return typeof first === 'number' && typeof last === 'number' ? [first, last] : [1, 0];
  }

  /** The parts of a range between which a search may end. */
  *#slices(query: Query, range: SegmentRange): Generator<SegmentRange> {
    if (outputIndexUse(query).id !== null) return yield range;
    const first = range.after + 1;
    const count = Math.ceil((range.before - first) / rowsPerLook);
    for (let number = 0; number < count; number += 1) {
      const from = first + (range.newestFirst ? count - 1 - number : number) * rowsPerLook;
      yield { ...range, after: from - 1, before: Math.min(from + rowsPerLook, range.before) };
    }
  }

  #rows(query: Query, { after, before, newestFirst }: SegmentRange): IterableIterator<readonly Value[]> {
    const { id, words } = outputIndexUse(query);
    const conditions = ['output.seq > ?', 'output.seq < ?'];
    const values: Value[] = [after, before];
    if (id !== null) {
      conditions.push('output.seq IN (SELECT seq FROM output_ids WHERE id = ?)');
      values.push(packedIdInText(id));
    }
    for (const word of words) {
      conditions.push('text LIKE ?');
      values.push(`%${word}%`);
    }
    const order = newestFirst ? 'DESC' : 'ASC';
    const sql = `SELECT ${columns} FROM ${from} WHERE ${conditions.join(' AND ')} ORDER BY output.seq ${order}`;
    return this.#database.prepare(sql).each(...values);
  }

  /** Lines with one of these ids, the oldest first. */
  withIds(ids: readonly string[], limit: number): readonly OutputLine[] {
    const packed = ids.map(packedIdInText);
    const marks = packed.map(() => '?').join();
    const sql = `SELECT ${columns} FROM ${from} WHERE output.seq IN (SELECT seq FROM output_ids WHERE id IN (${marks})) ORDER BY output.seq LIMIT ?`;
    return [...this.#database.prepare(sql).each(...packed, limit)].map(lineOf);
  }

  /** The last lines that the instance printed in this time, the oldest first. */
  ofInstance({ instance, since, until }: OutputOfInstance): readonly OutputLine[] {
    const sql = `SELECT ${columns} FROM ${from} WHERE at >= ? AND at <= ? AND json ->> 'instance' = ?
      ORDER BY output.seq DESC LIMIT ${linesOfTimeMax}`;
    return [...this.#database.prepare(sql).each(since, until, instance)].map(lineOf).toReversed();
  }

  /** The last lines of this time that the application has written to files, the oldest first. */
  ofFiles({ application, since, until }: OutputOfApplication): readonly OutputLine[] {
    const sql = `SELECT ${columns} FROM ${from} WHERE at >= ? AND at <= ? AND source IN (${ofApplication} AND json ->> 'instance' IS NULL)
      ORDER BY output.seq DESC LIMIT ${linesOfTimeMax}`;
    return [...this.#database.prepare(sql).each(since, until, application)].map(lineOf).toReversed();
  }

  /** Whether lines of the application were left out in this time: the next line of it that is stored has their number. */
  leavesOut({ application, since, until }: OutputOfApplication): boolean {
    const within = `SELECT 1 FROM output WHERE at >= ? AND at <= ? AND left_out > 0 AND source IN (${ofApplication}) LIMIT 1`;
    if (this.#database.prepare(within).get(since, until, application) !== undefined) return true;
    const next = `SELECT left_out FROM (SELECT * FROM output WHERE at > ? ORDER BY at, seq LIMIT ${othersMax})
      WHERE source IN (${ofApplication}) ORDER BY at, seq LIMIT 1`;
    const row = this.#database.prepare(next).get(until, application);
    if (row !== undefined) return Number(row[0]) > 0;
    const others = `SELECT count(*) FROM (SELECT 1 FROM output WHERE at > ? LIMIT ${othersMax})`;
    return Number(this.#database.prepare(others).get(until)?.[0] ?? 0) === othersMax;
  }

  #number(sql: string): number {
    return Number(this.#database.prepare(sql).get()?.[0] ?? 0);
  }
}

function lineOf([, at, source, text, leftOut]: readonly Value[]): OutputLine {
  const { leftOutWhy, ...from } = JSON.parse(String(source)) as StoredSource;
  return {
    at: Number(at),
    source: from,
    text: String(text),
    leftOut: Number(leftOut),
    ...(leftOutWhy === undefined ? {} : { leftOutWhy }),
  };
}
