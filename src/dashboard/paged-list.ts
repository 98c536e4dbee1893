/** One page of a search, as the API gives it. */
export interface FetchedPage<Row> {
  readonly rows: readonly Row[];
  /** Where the next page begins; null if there is none. */
  readonly cursor: string | null;
}

interface HeldPage<Row> {
  /** Where it begins; null for the newest one. */
  readonly cursor: string | null;
  readonly start: number;
  readonly count: number;
  /** Null: released, and fetched again when it is to be seen. */
  rows: readonly Row[] | null;
}

/** A page that is to be fetched. */
export interface WantedPage {
  readonly index: number;
  readonly cursor: string | null;
  /** How many rows it had before it was released; null: it is new. */
  readonly count: number | null;
}

/** Rows kept around those that are seen; more are released, so that a million rows can be scrolled through. */
const keptRows = 4000;
/** New rows of a live tail; older ones of them are forgotten, and are found again by a new search. */
const newerMax = 2000;

/** The results of a search, of which only the pages around the seen rows are held. */
export class PagedList<Row> {
  #pages: HeldPage<Row>[] = [];
  #newer: readonly Row[] = [];
  #next: string | null = null;
  #isComplete = false;

  /** Rows that are known, newer ones included. */
  get length(): number {
    return this.#newer.length + this.#older;
  }

  /** How many of them are newer than the search. */
  get newerCount(): number {
    return this.#newer.length;
  }

  /** Whether all pages have been fetched once. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  get #older(): number {
    const last = this.#pages.at(-1);
    return last === undefined ? 0 : last.start + last.count;
  }

  /** Null: not held now. */
  at(index: number): Row | null {
    if (index < this.#newer.length) return this.#newer[index] ?? null;
    const page = this.#pages[this.#pageOf(index - this.#newer.length)];
    return page?.rows?.[index - this.#newer.length - page.start] ?? null;
  }

  /** The pages that rows `first` to `last` need, at most two: released ones, and the next one if the end is near. */
  wanted(first: number, last: number): WantedPage[] {
    const [from, to] = [first - this.#newer.length, last - this.#newer.length];
    const wanted: WantedPage[] = [];
    for (let index = this.#pageOf(Math.max(0, from)); index < this.#pages.length; index++) {
      const page = this.#pages[index] as HeldPage<Row>;
      if (page.start > to || wanted.length === 2) break;
      if (page.rows === null) wanted.push({ index, cursor: page.cursor, count: page.count });
    }
    const nearEnd = to + (to - from) >= this.#older;
    if (nearEnd && !this.#isComplete && wanted.length < 2)
      wanted.push({ index: this.#pages.length, cursor: this.#next, count: null });
    return wanted;
  }

  put({ index, cursor }: WantedPage, { rows, cursor: next }: FetchedPage<Row>): void {
    const held = this.#pages[index];
    if (held !== undefined) {
      // Rows that the store has deleted since leave gaps at the end.
      held.rows = rows.slice(0, held.count);
      return;
    }
    if (index !== this.#pages.length) return;
    this.#pages.push({ cursor, start: this.#older, count: rows.length, rows });
    this.#next = next;
    this.#isComplete = next === null;
  }

  /** Puts rows that are newer than all others at the beginning, the newest first. */
  prepend(rows: readonly Row[]): void {
    this.#newer = [...rows, ...this.#newer].slice(0, newerMax);
  }

  /** Releases pages that are far from the rows `first` to `last`. */
  release(first: number, last: number): void {
    const [from, to] = [first - this.#newer.length - keptRows, last - this.#newer.length + keptRows];
    for (const page of this.#pages)
      if (page.count > 0 && (page.start + page.count < from || page.start > to)) page.rows = null;
  }

  /** By bisection: a million rows are thousands of pages. */
  #pageOf(row: number): number {
    let [low, high] = [0, this.#pages.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const { start, count } = this.#pages[middle] as HeldPage<Row>;
      if (start + count <= row) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The rows that a scrolled list shows, and the height of the others above and below. */
interface VisibleRows {
  readonly first: number;
  /** Not included. */
  readonly end: number;
  readonly above: number;
  readonly below: number;
}

const overscan = 12;

export function visibleRows(scrolled: number, height: number, rowHeight: number, count: number): VisibleRows {
  const first = Math.min(count, Math.max(0, Math.floor(scrolled / rowHeight) - overscan));
  const end = Math.min(count, Math.ceil((scrolled + height) / rowHeight) + overscan);
  return { first, end, above: first * rowHeight, below: (count - end) * rowHeight };
}
