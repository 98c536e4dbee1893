import type { StoreSpec } from '../core/configuration.ts';
import type { EventJson } from '../core/event-json.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import type { ResponseTimes, TroubledTime } from '../core/response-times.ts';
import type { OutputLine } from '../core/output-line.ts';
import type { ProcessNote } from '#failures/process-note.ts';
import { type ContextSearch, type StoredContext, visitedTimes } from '../core/request-context.ts';
import type {
  EventLine,
  EventSearchRequest,
  EventSearchResult,
  OutputSearchResult,
  SearchRequest,
  SearchResult,
  GroupResult,
} from '../core/store-messages.ts';
import { after, type Clock } from '../core/time.ts';
import { isConflict, storeFault, withErrno } from './database.ts';
import { parseQuery } from './parse-query.ts';
import type { Query } from '../core/exchange-query.ts';
import { divideLines } from './line-divider.ts';
import { withoutLaterProcesses, coversOutput, hasArrived, outputCoverage } from './output-coverage.ts';
import type { GroupRequest } from '../core/exchange-groups.ts';
import { GroupCounts } from './group-counts.ts';
import { idInTextForm } from './ids-in-text.ts';
import { mayMatchOutput } from './match-output.ts';
import {
  type FoundPage,
  pageAfter,
  pageBefore,
  positionOfText,
  type RangePage,
  type SearchedSegment,
  type SegmentRange,
  type StorePosition,
  textOfPosition,
} from './paging.ts';
import { type NewExchange, Segment, type StoredBatch, type StoredRow } from './segment.ts';
import { linesOfTimeMax } from './output-table.ts';
import { searchSegment } from './segment-search.ts';
import { indexExpression } from './terms.ts';
import { ResponseTimesSum, slicesOf } from './response-times.ts';
import { SetClock } from './stored-unparsed.ts';
import {
  expired,
  segmentAgeMsOf,
  outputBytesOf,
  type SegmentFile,
  segmentBytesOf,
  StoreFolder,
} from './store-folder.ts';

/** A search that has found nothing after this time ends with what it has. */
const searchMs = 200;

/** Counting by groups takes so long at most, and one search more; and looks at so many exchanges, in pages. */
const groupMs = 200;
const groupedMax = 20_000;
const groupPageMax = 1000;

/** Of one request: so many lines of its applications are shown, and so many that have no id. */
const contextLinesMax = 200;
const nearbyLinesMax = 20;

/** Between two looks at sizes and ages. */
const lookEveryMs = 10_000;

/** So many rows are stored between two looks at the size of the newest file. */
const rowsPerLook = 20_000;

interface StoreEvents {
  /** A file could not be read and was renamed; a new one has begun. */
  readonly onCorrupt: (path: string) => void;
  /** Another program has removed or replaced the newest file, or what SQLite keeps beside it. It is opened anew. */
  readonly onRemoved: (path: string) => void;
  /** Another version of Candor, or another program, has written a file. It is neither read nor changed. */
  readonly onOtherVersion: (path: string) => void;
}

/**
 * The stored exchanges and events of a folder, in files that follow each other in time. Deleting old ones deletes a file, which costs nothing, and a damaged
 * file is not the whole store. Throws what SQLite and the file system throw: then nothing of that call has been stored, and the next
 * call opens the files again.
 */
export class ExchangeStore {
  readonly #spec: StoreSpec;
  readonly #clock: Clock;
  readonly #setClock: SetClock;
  readonly #folder: StoreFolder;
  readonly #events: StoreEvents;
  /** Open files, by number. */
  readonly #open = new Map<number, Segment>();
  /** Files of another version, by number. */
  readonly #others = new Set<number>();
  /** The number of the newest file; null before the first is open. */
  #newest: number | null = null;
  /** The files that the last records went to: SQLite goes on writing to a removed one, which nothing reads. */
  #written: { readonly number: number; readonly identity: string } | null = null;
  #rowsUntilLook = 0;
  #lookedAt = -Infinity;

  constructor(spec: StoreSpec, clock: Clock, events: StoreEvents) {
    this.#spec = spec;
    this.#clock = clock;
    this.#setClock = new SetClock(clock);
    this.#events = events;
    this.#folder = new StoreFolder(spec.path);
  }

  /** Returns how many exchanges are damaged, and left out. */
  append(
    exchanges: readonly NewExchange[],
    events: readonly EventLine[] = [],
    output: readonly OutputLine[] = [],
    processes: readonly ProcessNote[] = [],
  ): number {
    const batch = { exchanges, events, output, processes };
    this.#rowsUntilLook -= exchanges.length + output.length;
    try {
      return this.#appendOnce(batch);
    } catch (error) {
      // During an upgrade two processes write to one file: opened again, it shows what the other has stored.
      if (!isConflict(error)) throw error;
      return this.#appendOnce(batch);
    }
  }

  #appendOnce(batch: StoredBatch): number {
    this.#closeRemoved();
    const { number, segment } = this.#newestSegment();
    const damaged = this.#orRecover(number, () => segment.append(batch));
    // Removed while it was written: nothing reads what went there.
    if (this.#closeRemoved()) return this.#appendOnce(batch);
    this.#written ??= { number, identity: this.#folder.identity(number) };
    return damaged;
  }

  /** Closes the newest file if it was removed since the last records went there; whether it was. */
  #closeRemoved(): boolean {
    const written = this.#written;
    if (written === null) return false;
    if (written.number !== this.#newest) this.#written = null;
    else if (this.#folder.identity(written.number) !== written.identity) {
      this.#closeOne(written.number);
      this.#events.onRemoved(this.#folder.pathOf(written.number));
      return true;
    }
    return false;
  }

  /** Begins a new file if the newest is full or comprises much time, and deletes those that are too old or too many. */
  maintain(): void {
    const now = this.#clock.now();
    if (this.#rowsUntilLook > 0 && now - this.#lookedAt < lookEveryMs) return;
    this.#rowsUntilLook = rowsPerLook;
    this.#lookedAt = now;
    const files = this.#folder.files();
    const newest = files.at(-1);
    if (newest !== undefined && newest.number >= (this.#newest ?? 0))
      this.#newest = this.#isFull(newest) ? newest.number + 1 : newest.number;
    for (const file of expired(files, this.#spec, this.#setClock.read())) {
      this.#closeOne(file.number);
      this.#folder.delete(file);
    }
  }

  #isFull({ number, bytes }: SegmentFile): boolean {
    if (bytes >= segmentBytesOf(this.#spec)) return true;
    const firstAt = this.#open.get(number)?.firstAt ?? null;
    return firstAt !== null && this.#clock.wallTime() - firstAt >= segmentAgeMsOf(this.#spec);
  }

  /** The exchange with this id, or the only one whose id begins so. */
  find(id: string): ExchangeRecord | null {
    const file = this.#fileOf(id);
    if (file === null) return null;
    const [row, other] = file.rows;
    const found = file.segment.exchangeOf(row)?.record ?? null;
    return found?.id === id || other === undefined ? found : null;
  }

  /** The newest file that has the exchange, or one whose id begins so. */
  #fileOf(id: string): (OpenFile & { readonly rows: readonly [StoredRow, StoredRow | undefined] }) | null {
    for (const by of ['time', 'key'] as const)
      for (const { segment, number } of this.#segments()) {
        const [row, other] = this.#orRecover(number, () => segment.rowsOfId(id, by));
        if (row !== undefined) return { number, segment, rows: [row, other] };
      }
    return null;
  }

  search(request: SearchRequest): SearchResult {
    const found = this.#page(request, ({ segment }, query) => ({
      lastSeq: segment.lastSeq,
      search: (range) => searchSegment(segment, query, range, this.#clock),
      endsBefore: (since) => segment.rowsWithin(since, null) === null && segment.lastSeq > 0,
    }));
    if (found.kind !== 'page') return found;
    const { values: exchanges, ...rest } = found.page;
    return { kind: 'page', exchanges, ...rest };
  }

  /** Counts what a search finds by one of its values: the newest, as many as can be looked at within the time of some searches. */
  group({ query, by }: GroupRequest): GroupResult {
    const counts = new GroupCounts(by);
    const deadline = after(this.#clock.now(), groupMs);
    let cursor: string | null = null;
    let looked = 0;
    do {
      const page = this.search({ query, limit: groupPageMax, cursor, after: null });
      if (page.kind !== 'page') return page;
      counts.add(page.exchanges);
      looked += page.exchanges.length;
      ({ cursor } = page);
    } while (cursor !== null && looked < groupedMax && this.#clock.now() < deadline);
    return { kind: 'groups', groups: counts.largest(), counted: counts.counted, isComplete: cursor === null };
  }

  searchOutput(request: SearchRequest): OutputSearchResult {
    const found = this.#page(request, ({ segment: { output } }, query) => ({
      lastSeq: output.lastSeq,
      search: (range) =>
        mayMatchOutput(query) ? output.search(query, range, this.#clock) : { found: [], stoppedAt: null },
      endsBefore: (since) => output.endsBefore(since),
    }));
    if (found.kind !== 'page') return found;
    const { values: lines, ...rest } = found.page;
    return { kind: 'page', lines, ...rest };
  }

  #page<T>(
    { query: text, limit, cursor, after: from }: SearchRequest,
    searched: (file: OpenFile, query: Query) => SearchedPart<T>,
  ): { readonly kind: 'page'; readonly page: FoundPage<T> } | Exclude<SearchResult, { readonly kind: 'page' }> {
    const parsed = parseQuery(text, this.#clock.wallTime());
    if (!parsed.ok) return { kind: 'not_a_query', problem: parsed.problem, at: parsed.at };
    const position = positionOfText(cursor ?? from);
    if ((cursor ?? from) !== null && !this.#isOfStore(position)) return notACursor;
    const { query } = parsed;
    const deadline = after(this.#clock.now(), searchMs);
    const segments = from === null ? this.#segments() : [...this.#segments()].toReversed();
    const inQuery = map(segments, (file): SearchedSegment<T> => {
      const { number } = file;
      const part = this.#orRecover(number, () => searched(file, query));
      const endsSearch = (): boolean => query.since !== null && part.endsBefore(query.since);
      const search = (range: SegmentRange): RangePage<T> => this.#orRecover(number, () => part.search(range));
      return { number, lastSeq: part.lastSeq, search, endsSearch };
    });
    const limits = { limit, deadline, isLate: () => this.#clock.now() >= deadline };
    const page = from === null ? pageBefore(inQuery, limits, position) : pageAfter(inQuery, limits, position);
    return { kind: 'page', page };
  }

  /** What the files have about a request besides its record. */
  context(search: ContextSearch): Omit<StoredContext, 'unparsed'> {
    const { ids, visits } = search;
    let isCut = false;
    const plain = ids.flatMap((id) => idInTextForm(id) ?? []);
    const context = { lines: [] as OutputLine[], nearby: [] as OutputLine[], processes: [] as ProcessNote[] };
    for (const { segment, number } of [...this.#segments()].toReversed())
      this.#orRecover(number, () => {
        context.lines.push(...segment.output.withIds(plain, contextLinesMax));
        for (const time of visitedTimes(visits)) {
          const lines = segment.output.ofInstance(time);
          isCut ||= lines.length >= linesOfTimeMax;
          const { ownByFreeId, nearby } = divideLines(lines, ids);
          context.lines.push(...ownByFreeId);
          context.nearby.push(...nearby);
        }
        for (const visit of visits) context.processes.push(...segment.processes.around(visit));
      });
    return {
      lines: context.lines.slice(0, contextLinesMax),
      nearby: withoutLaterProcesses(context.nearby, context.processes, visits).slice(-nearbyLinesMax),
      processes: context.processes,
      hasAllOutput: !isCut && this.#hasAllOutput(search),
    };
  }

  /** Whether every line is stored that instances printed while they had the request. */
  #hasAllOutput(search: ContextSearch): boolean {
    const file = hasArrived(search, this.#clock.wallTime()) ? this.#fileOf(search.ids[0] ?? '') : null;
    const files = map(this.#segments(), ({ segment, number }) => ({
      number,
      coverage: () => this.#orRecover(number, () => outputCoverage(segment, search)),
    }));
    return file !== null && coversOutput(files, file.number);
  }

  /**
   * Of slices of the exchanges, spread evenly over all of them: the newest alone would be of minutes where there is much traffic. A time whose
   * failures were not all looked at within the time of a search is not well.
   */
  responseTimes(incidents: readonly TroubledTime[]): readonly ResponseTimes[] {
    const sum = new ResponseTimesSum(incidents, this.#clock.wallTime());
    this.#addTimeouts(sum);
    const files = [...this.#segments()].toReversed();
    const deadline = after(this.#clock.now(), searchMs);
    for (const { file, after: seq, last } of slicesOf(files.map(({ segment }) => segment.lastSeq))) {
      const { segment, number } = files[file] as OpenFile;
      sum.begin(number, (template) => segment.template(template));
      this.#orRecover(number, () => {
        for (const row of segment.timedRows(seq, last)) sum.add(row);
      });
      if (this.#clock.now() >= deadline) break;
    }
    return sum.result();
  }

  #addTimeouts(sum: ResponseTimesSum): void {
    const deadline = after(this.#clock.now(), searchMs);
    const parsed = parseQuery('shape:too_slow', this.#clock.wallTime());
    if (!parsed.ok) return;
    for (const { segment, number } of this.#segments()) {
      sum.begin(number, (template) => segment.template(template));
      const isLate = this.#orRecover(number, () => {
        const expression = indexExpression(parsed.query, segment.templateTerms);
        const range = { wanted: null, expression, after: 0, before: Number.MAX_SAFE_INTEGER, newestFirst: true };
        for (const row of segment.rows(range)) {
          sum.addFailure(row);
          if (this.#clock.now() >= deadline) return true;
        }
        return false;
      });
      if (isLate) return sum.forgetEarlier();
    }
  }

  /** Events of a time, the newest first. */
  searchEvents({ since, until, kinds, limit, cursor }: EventSearchRequest): EventSearchResult {
    const position = positionOfText(cursor);
    if (cursor !== null && !this.#isOfStore(position)) return notACursor;
    const events: EventJson[] = [];
    const deadline = after(this.#clock.now(), searchMs);
    for (const { segment, number } of this.#segments()) {
      if (position !== null && number > position.number) continue;
      const beforeSeq = position?.number === number ? position.seq : Number.MAX_SAFE_INTEGER;
      const range = { since, until, kinds, beforeSeq, limit: limit - events.length };
      const found = this.#orRecover(number, () => segment.events.search(range));
      events.push(...found.map(({ json }) => JSON.parse(json) as EventJson));
      const last = found.at(-1);
      if (events.length >= limit && last !== undefined)
        return { kind: 'page', events, cursor: textOfPosition({ number, seq: last.seq }), timedOut: false };
      if (this.#clock.now() >= deadline)
        return { kind: 'page', events, cursor: textOfPosition({ number, seq: 1 }), timedOut: true };
    }
    return { kind: 'page', events, cursor: null, timedOut: false };
  }

  /** False: no cursor, or one of a file that does not exist yet. Cursors of deleted files are accepted: the search goes on behind them. */
  #isOfStore(position: StorePosition | null): boolean {
    const newest = Math.max(this.#newest ?? 0, this.#folder.files().at(-1)?.number ?? 0);
    return position !== null && position.number <= newest;
  }

  close(): void {
    for (const number of [...this.#open.keys()]) this.#closeOne(number);
  }

  /** The newest first. */
  *#segments(): Generator<OpenFile> {
    for (const { number } of this.#folder.files().toReversed()) {
      const segment = this.#segmentOf(number);
      if (segment !== null) yield { number, segment };
    }
  }

  #newestSegment(): OpenFile {
    this.#newest ??= Math.max(1, this.#folder.files().at(-1)?.number ?? 1);
    for (;;) {
      const segment = this.#segmentOf(this.#newest);
      if (segment !== null) return { number: this.#newest, segment };
      // It is damaged, or of another version of Candor.
      this.#newest += 1;
    }
  }

  /** Null if the file cannot be used: then it has been moved aside, or another version has written it. */
  #segmentOf(number: number): Segment | null {
    const known = this.#open.get(number);
    if (known !== undefined) return known;
    if (this.#others.has(number)) return null;
    try {
      const segment = this.#orRecover(number, () => Segment.open(this.#folder.made(number), outputBytesOf(this.#spec)));
      if (segment !== null) this.#open.set(number, segment);
      else {
        this.#others.add(number);
        this.#events.onOtherVersion(this.#folder.pathOf(number));
      }
      return segment;
    } catch (error) {
      if (storeFault(error) === 'corrupt') return null;
      throw error;
    }
  }

  /** A file whose use fails is closed: it is opened again at its next use. A damaged one is moved aside. */
  #orRecover<T>(number: number, use: () => T): T {
    try {
      return use();
    } catch (thrown) {
      const error = withErrno(thrown);
      this.#closeOne(number);
      if (storeFault(error) === 'corrupt') {
        const aside = this.#folder.moveAside(number);
        if (this.#newest === number) this.#newest = number + 1;
        this.#events.onCorrupt(aside);
      }
      throw error;
    }
  }

  #closeOne(number: number): void {
    const segment = this.#open.get(number);
    this.#open.delete(number);
    this.#written = null;
    try {
      segment?.close();
    } catch {
      // What could not be written was told when it was stored.
    }
  }
}

const notACursor = { kind: 'unavailable', problem: 'the cursor is none of this store' } as const;

/** A file that is open, by its number. */
interface OpenFile {
  readonly number: number;
  readonly segment: Segment;
}

/** A part of a file that is searched: its exchanges, or the output of applications. */
interface SearchedPart<T> {
  readonly lastSeq: number;
  readonly search: (range: SegmentRange) => RangePage<T>;
  /** Whether everything in it is of an earlier time. */
  readonly endsBefore: (since: number) => boolean;
}

function* map<A, B>(values: Iterable<A>, change: (value: A) => B): Generator<B> {
  for (const value of values) yield change(value);
}
