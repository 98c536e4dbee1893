import type { Instant } from '../core/time.ts';

/** What a search looks at in one file. */
export interface SegmentRange {
  /** Both excluded. */
  readonly after: number;
  readonly before: number;
  readonly newestFirst: boolean;
  readonly limit: number;
  /** A search ends at this time, with what it has found. */
  readonly deadline: Instant;
}

/** What was found in a range of one file. */
export interface RangePage<T> {
  readonly found: readonly { readonly seq: number; readonly value: T }[];
  /** Where the search has ended before all rows were looked at: at this row; null if it has looked at all. */
  readonly stoppedAt: number | null;
}

/** A file as a search sees it. */
export interface SearchedSegment<T> {
  readonly number: number;
  readonly lastSeq: number;
  search(range: SegmentRange): RangePage<T>;
  /** Nothing of the time that is searched is in this file, nor in earlier ones. */
  endsSearch(): boolean;
}

interface PageLimits {
  readonly limit: number;
  readonly deadline: Instant;
  /** Whether the deadline has passed. */
  readonly isLate: () => boolean;
}

export interface FoundPage<T> {
  readonly values: readonly T[];
  /** Where the next page begins; null if there is none. */
  readonly cursor: string | null;
  /** For a later search: what was stored until now. */
  readonly end: string;
  /** The page is not full, and there may be more: the deadline has passed. */
  readonly timedOut: boolean;
}

/** A row of the store: the number of its file, and its own. */
export interface StorePosition {
  readonly number: number;
  readonly seq: number;
}

export function textOfPosition({ number, seq }: StorePosition): string {
  return `${number}-${seq}`;
}

export function positionOfText(cursor: string | null): StorePosition | null {
  const [, number, seq] = /^(\d{1,9})-(\d{1,15})$/.exec(cursor ?? '') ?? [];
  return number === undefined ? null : { number: Number(number), seq: Number(seq) };
}

/** The newest first, before a position. `segments`: the newest first. */
export function pageBefore<T>(
  segments: Iterable<SearchedSegment<T>>,
  { limit, deadline, isLate }: PageLimits,
  cursor: StorePosition | null,
): FoundPage<T> {
  const values: T[] = [];
  let end: string | null = null;
  const stopped = (at: StorePosition): FoundPage<T> => {
    const timedOut = values.length < limit;
    return { values, cursor: textOfPosition(at), end: end ?? '0-0', timedOut };
  };
  for (const segment of segments) {
    const { number } = segment;
    end ??= textOfPosition({ number, seq: segment.lastSeq });
    if (cursor !== null && number > cursor.number) continue;
    const before = cursor?.number === number ? cursor.seq : Number.MAX_SAFE_INTEGER;
    const page = segment.search({ after: 0, before, newestFirst: true, limit: limit - values.length, deadline });
    values.push(...page.found.map(({ value }) => value));
    if (page.stoppedAt !== null) return stopped({ number, seq: page.stoppedAt });
    if (segment.endsSearch()) break;
    // The next page goes on with the file before: no row has a number below 1.
    if (isLate()) return stopped({ number, seq: 1 });
  }
  return { values, cursor: null, end: end ?? '0-0', timedOut: false };
}

/** The oldest first, after a position. `segments`: the oldest first. */
export function pageAfter<T>(
  segments: Iterable<SearchedSegment<T>>,
  { limit, deadline, isLate }: PageLimits,
  position: StorePosition | null,
): FoundPage<T> {
  const values: T[] = [];
  let end = position ?? { number: 0, seq: 0 };
  let timedOut = false;
  for (const segment of segments) {
    const { number } = segment;
    if (number < end.number) continue;
    const after = number === end.number ? end.seq : 0;
    const range = {
      after,
      before: Number.MAX_SAFE_INTEGER,
      newestFirst: false,
      limit: limit - values.length,
      deadline,
    };
    const page = segment.search(range);
    values.push(...page.found.map(({ value }) => value));
    end = { number, seq: page.stoppedAt ?? segment.lastSeq };
    if (values.length >= limit) break;
    timedOut = page.stoppedAt !== null || isLate();
    if (timedOut) break;
  }
  return { values, cursor: null, end: textOfPosition(end), timedOut };
}
