import { useEffect, useRef, useState } from 'preact/hooks';
import type { Answer } from '../api.ts';
import type { ExchangePage, FoundExchange } from '../model.ts';
import type { PagedList } from '../paged-list.ts';
import { SearchRun } from '../search-run.ts';
import { pageClock } from '../system.ts';
import { api } from './state.ts';

const newRun = (query: string): SearchRun =>
  new SearchRun(query, (parameters) => api.get<ExchangePage>('/v2/exchanges', parameters), pageClock);

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
  const run = useRef(newRun(query));
  const [version, setVersion] = useState(0);
  const [failure, setFailure] = useState<Answer<ExchangePage> | null>(null);
  if (run.current.query !== query) run.current = newRun(query);
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
