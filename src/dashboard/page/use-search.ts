import { useEffect, useRef, useState } from 'preact/hooks';
import type { Answer } from '../api.ts';
import type { ExchangePage, FoundExchange } from '../model.ts';
import { PagedList, type WantedPage } from '../paged-list.ts';
import { pageClock } from '../system.ts';
import { api } from './state.ts';

const rowsPerPage = 200;
const followMs = 1000;

export interface Search {
  readonly list: PagedList<FoundExchange>;
  /** Changes with the list. */
  readonly version: number;
  readonly failure: Answer<ExchangePage> | null;
  /** Rows `first` to `last` are to be seen: fetches what is missing. */
  readonly see: (first: number, last: number) => void;
}

/** The results of a query, in pages that are fetched as they are to be seen; with `isFollowing` also what ends from now on. */
export function useSearch(query: string, isFollowing: boolean): Search {
  const run = useRef(new SearchRun(query));
  const [version, setVersion] = useState(0);
  const [failure, setFailure] = useState<Answer<ExchangePage> | null>(null);
  if (run.current.query !== query) run.current = new SearchRun(query);
  const current = run.current;
  current.onChange = (next) => {
    setFailure(next);
    setVersion((before) => before + 1);
  };
  useEffect(() => {
    setFailure(null);
    current.see(0, 50);
    return () => current.stop();
  }, [query]);
  useEffect(() => (isFollowing ? current.follow() : () => {}), [query, isFollowing]);
  return { list: current.list, version, failure, see: current.see };
}

class SearchRun {
  readonly query: string;
  readonly list = new PagedList<FoundExchange>();
  onChange: (failure: Answer<ExchangePage> | null) => void = () => {};
  #end: string | null = null;
  #isOver = false;
  readonly #fetching = new Set<number>();

  constructor(query: string) {
    this.query = query;
  }

  /** Another search is shown: nothing is asked for any more, also not the rest of a page that came short. */
  stop(): void {
    this.#isOver = true;
    this.onChange = () => {};
  }

  readonly see = (first: number, last: number): void => {
    if (this.#isOver) return;
    for (const page of this.list.wanted(first, last)) void this.#fetch(page, first, last);
    this.list.release(first, last);
  };

  async #fetch(page: WantedPage, first: number, last: number): Promise<void> {
    if (this.#fetching.has(page.index)) return;
    this.#fetching.add(page.index);
    const answer = await this.#ask({ cursor: page.cursor ?? '' });
    this.#fetching.delete(page.index);
    if (answer.kind !== 'ok') {
      // What is there stays; the next scroll asks again.
      if (this.list.length === 0) this.onChange(answer);
      return;
    }
    const { exchanges, cursor, end } = answer.value;
    if (page.index === 0) this.#end ??= end;
    this.list.put(page, { rows: exchanges, cursor });
    this.onChange(null);
    // A page may be short, because a search ends after some time.
    if (exchanges.length < rowsPerPage) this.see(first, last);
  }

  /** Asks for newer exchanges again and again, until the returned function is called. */
  follow(): () => void {
    let isOver = false;
    const next = async (): Promise<void> => {
      const isMore = this.#end !== null && (await this.#fetchNewer(this.#end));
      if (!isOver) pageClock.after(isMore ? 0 : followMs, () => void next());
    };
    void next();
    return () => {
      isOver = true;
    };
  }

  /** Whether there may be more at once: a page was full. */
  async #fetchNewer(after: string): Promise<boolean> {
    const answer = await this.#ask({ after });
    if (answer.kind !== 'ok' || this.#isOver) return false;
    const { exchanges, end } = answer.value;
    this.#end = end;
    if (exchanges.length === 0) return false;
    this.list.prepend(exchanges.toReversed());
    this.onChange(null);
    return exchanges.length === rowsPerPage;
  }

  #ask(where: Readonly<Record<string, string>>): Promise<Answer<ExchangePage>> {
    return api.get<ExchangePage>('/v2/exchanges', { query: this.query, limit: String(rowsPerPage), ...where });
  }
}
