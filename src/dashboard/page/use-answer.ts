import { useEffect, useRef, useState } from 'preact/hooks';
import type { Answer } from '../api.ts';
import { pageClock } from '../system.ts';
import { actionsDone, connection, api } from './state.ts';
import type { ExchangePage, FoundExchange } from '../model.ts';
import type { PagedList } from '../paged-list.ts';
import { SearchRun } from '../search-run.ts';
import type { StoreFailingJson } from '../../core/schemas/values.ts';

/**
 * Asks when the component appears, whenever one of `inputs` changes, after each action of the operator, and every `everyMs`. A later
 * question makes an earlier answer void. Null: there is none yet.
 */
export function useAnswer<T>(
  ask: () => Promise<Answer<T>>,
  inputs: readonly unknown[],
  everyMs: number | null = null,
): Answer<T> | null {
  const [answer, setAnswer] = useState<Answer<T> | null>(null);
  /** The inputs that the answer is of. */
  const answered = useRef<readonly unknown[] | null>(null);
  const done = actionsDone.value;
  const isThere = connection.value.kind === 'live';
  useEffect(() => {
    let isVoid = false;
    let cancel = (): void => {};
    const later = (next: Answer<T>): void => {
      if (everyMs !== null && next.kind !== 'not_offered') cancel = pageClock.after(everyMs, () => void run());
    };
    const run = async (): Promise<void> => {
      const next = await ask();
      if (isVoid) return;
      // While the gateway is away, the page keeps what it has and says that it is stale; not what it has of something else.
      const hasOwn = answered.current !== null && answered.current.every((input, index) => input === inputs[index]);
      if (next.kind === 'unreachable' && hasOwn) return later(next);
      answered.current = inputs;
      setAnswer(next);
      later(next);
    };
    void run();
    return () => {
      isVoid = true;
      cancel();
    };
  }, [...inputs, done, isThere]);
  return answer;
}

const newRun = (query: string): SearchRun =>
  new SearchRun(query, (parameters, signal) => api.get<ExchangePage>('/v1/exchanges', parameters, signal), pageClock);

export interface Search {
  readonly list: PagedList<FoundExchange>;
  /** Changes with the list. */
  readonly version: number;
  /** The search was not finished: see `SearchRun`. */
  readonly isUnfinished: boolean;
  readonly failure: Answer<ExchangePage> | null;
  /** Why what is newer is not found; null: the store is written. */
  readonly storeFailing: StoreFailingJson | null;
  /** Rows `first` to `last` are to be seen: fetches what is missing. */
  readonly see: (first: number, last: number) => void;
}

/** The results of a query, in pages that are fetched as they are to be seen; with `isFollowing` also what ends from now on. */
export function useSearch(query: string, isFollowing: boolean): Search {
  const run = useRef<SearchRun | null>(null);
  const [version, setVersion] = useState(0);
  const [failure, setFailure] = useState<Answer<ExchangePage> | null>(null);
  if (run.current?.query !== query) {
    run.current?.stop();
    run.current = newRun(query);
  }
  const current = run.current;
  current.onChange = (next) => {
    setFailure(next);
    setVersion((before) => before + 1);
  };
  useEffect(() => {
    setFailure(null);
    return () => current.stop();
  }, [query]);
  const isThere = connection.value.kind === 'live';
  useEffect(() => {
    // Also when the gateway is back: a search that has failed begins again.
    if (current.list.length === 0) current.see(0, 50);
  }, [query, isThere]);
  useEffect(() => (isFollowing ? current.follow() : () => {}), [query, isFollowing]);
  const { list, isUnfinished, storeFailing, see } = current;
  return { list, version, isUnfinished, failure, storeFailing, see };
}
