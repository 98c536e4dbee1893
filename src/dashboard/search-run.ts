import type { Answer } from './api.ts';
import type { ExchangePage, FoundExchange } from './model.ts';
import { type FetchedPage, PagedList, type WantedPage } from './paged-list.ts';
import type { PageClock } from './system.ts';

const rowsPerPage = 200;
const followMs = 1000;
const retryMs = 1000;

type Ask = (parameters: Readonly<Record<string, string>>) => Promise<Answer<ExchangePage>>;

/** One search: fetches the pages that are to be seen, and what is newer. */
export class SearchRun {
  readonly query: string;
  readonly list = new PagedList<FoundExchange>();
  /** The list has changed, or there is nothing to show but a failure. */
  onChange: (failure: Answer<ExchangePage> | null) => void = () => {};
  readonly #ask: Ask;
  readonly #clock: PageClock;
  #end: string | null = null;
  #isOver = false;
  readonly #fetching = new Set<number>();
  #seen: readonly [first: number, last: number] = [0, 0];

  constructor(query: string, ask: Ask, clock: PageClock) {
    this.query = query;
    this.#ask = ask;
    this.#clock = clock;
  }

  /** Another search is shown: nothing is asked for any more, also not the rest of a page that came short. */
  stop(): void {
    this.#isOver = true;
    this.onChange = () => {};
  }

  /** Rows `first` to `last` are to be seen. */
  readonly see = (first: number, last: number): void => {
    this.#seen = [first, last];
    if (this.#isOver) return;
    for (const page of this.list.wanted(first, last)) void this.#fetch(page);
    this.list.release(first, last);
  };

  async #fetch(page: WantedPage): Promise<void> {
    if (this.#fetching.has(page.index)) return;
    this.#fetching.add(page.index);
    const answer = await this.#fetchWhole(page);
    this.#fetching.delete(page.index);
    if (this.#isOver) return;
    if (answer.kind !== 'ok') return this.#failed(answer);
    this.list.put(page, answer.value);
    this.onChange(null);
    // A new page may be short, because a search ends after some time.
    if (answer.value.rows.length < rowsPerPage) this.see(...this.#seen);
  }

  /** A page that was released comes back with as many rows as it had, by several answers where the store has little time. */
  async #fetchWhole({ cursor, count }: WantedPage): Promise<Answer<FetchedPage<FoundExchange>>> {
    const rows: FoundExchange[] = [];
    for (let next = cursor; ; ) {
      const limit = String(count === null ? rowsPerPage : count - rows.length);
      const answer = await this.#ask({ query: this.query, limit, cursor: next ?? '' });
      if (answer.kind !== 'ok') return answer;
      rows.push(...answer.value.exchanges);
      next = answer.value.cursor;
      this.#end ??= answer.value.end;
      if (count === null || rows.length >= count || next === null || this.#isOver)
        return { kind: 'ok', value: { rows, cursor: next } };
    }
  }

  /** What is there stays, and what is seen is asked for again. */
  #failed(answer: Exclude<Answer<unknown>, { readonly kind: 'ok' }>): void {
    if (this.list.length === 0) this.onChange(answer);
    else this.#clock.after(retryMs, () => this.see(...this.#seen));
  }

  /** Asks for newer exchanges again and again, until the returned function is called. */
  follow(): () => void {
    let isOver = false;
    const next = async (): Promise<void> => {
      const isMore = this.#end !== null && (await this.#fetchNewer(this.#end));
      if (!isOver) this.#clock.after(isMore ? 0 : followMs, () => void next());
    };
    void next();
    return () => {
      isOver = true;
    };
  }

  /** Whether there may be more at once: a page was full. */
  async #fetchNewer(after: string): Promise<boolean> {
    const answer = await this.#ask({ query: this.query, limit: String(rowsPerPage), after });
    if (answer.kind !== 'ok' || this.#isOver) return false;
    const { exchanges, end } = answer.value;
    this.#end = end;
    if (exchanges.length === 0) return false;
    this.list.prepend(exchanges.toReversed());
    this.onChange(null);
    return exchanges.length === rowsPerPage;
  }
}
