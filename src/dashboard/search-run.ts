import type { Answer } from './api.ts';
import type { StoreFailingJson } from '../core/schemas/values.ts';
import type { ExchangePage, FoundExchange } from './model.ts';
import { type FetchedPage, PagedList, type WantedPage } from './paged-list.ts';
import type { PageClock } from './system.ts';

const rowsPerPage = 200;
const followMs = 1000;
const retryMs = 1000;

/** An answer that comes after the signal has aborted is not looked at. */
type Ask = (parameters: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<Answer<ExchangePage>>;
type Failure = Exclude<Answer<unknown>, { readonly kind: 'ok' }>;

/** One search: fetches the pages that are to be seen, and what is newer. */
export class SearchRun {
  readonly query: string;
  readonly list = new PagedList<FoundExchange>();
  /** The list has changed, or what was asked has failed: then it is asked again, unless the list is empty. */
  onChange: (failure: Answer<ExchangePage> | null) => void = () => {};
  readonly #ask: Ask;
  readonly #clock: PageClock;
  #end: string | null = null;
  readonly #abort = new AbortController();
  /** After a failure nothing is asked for a while, though rows are to be seen. */
  #isHeldBack = false;
  /** The last question for newer exchanges has failed, and that was told. */
  #isFailing = false;
  #isUnfinished = false;
  #storeFailing: StoreFailingJson | null = null;
  readonly #fetching = new Set<number>();
  #seen: readonly [first: number, last: number] = [0, 0];

  constructor(query: string, ask: Ask, clock: PageClock) {
    this.query = query;
    this.#ask = ask;
    this.#clock = clock;
  }

  /** The last page has ended at the time limit of a search: more may match, and the search goes on as rows are to be seen. */
  get isUnfinished(): boolean {
    return this.#isUnfinished;
  }

  /** Why what is newer is not found; null: the store is written. */
  get storeFailing(): StoreFailingJson | null {
    return this.#storeFailing;
  }

  /** Another search is shown: nothing is asked for any more, also not the rest of a page that came short. */
  stop(): void {
    this.onChange = () => {};
    this.#abort.abort();
  }

  /** Rows `first` to `last` are to be seen. */
  readonly see = (first: number, last: number): void => {
    this.#seen = [first, last];
    if (this.#abort.signal.aborted || this.#isHeldBack) return;
    for (const page of this.list.wanted(first, last)) void this.#fetch(page);
    this.list.release(first, last);
  };

  async #fetch(page: WantedPage): Promise<void> {
    if (this.#fetching.has(page.index)) return;
    this.#fetching.add(page.index);
    const answer = await this.#fetchWhole(page);
    this.#fetching.delete(page.index);
    if (this.#abort.signal.aborted) return;
    if (answer.kind !== 'ok') return this.#failed(answer);
    this.list.put(page, answer.value);
    if (page.count === null)
      this.#isUnfinished = answer.value.cursor !== null && answer.value.rows.length < rowsPerPage;
    this.onChange(null);
    // A new page may be short, because a search ends after some time.
    if (answer.value.rows.length < rowsPerPage) this.see(...this.#seen);
  }

  /** A page that was released comes back with as many rows as it had, by several answers where the store has little time. */
  async #fetchWhole({ cursor, count }: WantedPage): Promise<Answer<FetchedPage<FoundExchange>>> {
    const rows: FoundExchange[] = [];
    for (let next = cursor; ; ) {
      const limit = String(count === null ? rowsPerPage : count - rows.length);
      const answer = await this.#ask({ query: this.query, limit, cursor: next ?? '' }, this.#abort.signal);
      if (answer.kind !== 'ok') return answer;
      rows.push(...answer.value.exchanges);
      next = answer.value.cursor;
      this.#end ??= answer.value.end;
      this.#storeFailing = answer.value.store_failing;
      if (count === null || rows.length >= count || next === null || this.#abort.signal.aborted)
        return { kind: 'ok', value: { rows, cursor: next } };
    }
  }

  /** What is there stays, and what is seen is asked for again. */
  #failed(answer: Failure): void {
    this.#isHeldBack = this.list.length > 0;
    this.onChange(answer);
    if (!this.#isHeldBack) return;
    this.#clock.after(retryMs, () => {
      this.#isHeldBack = false;
      this.see(...this.#seen);
    });
  }

  /** Asks for newer exchanges again and again, until the returned function is called. */
  follow(): () => void {
    const abort = new AbortController();
    const { signal } = abort;
    const isOver = (): boolean => signal.aborted || this.#abort.signal.aborted;
    let cancel = (): void => {};
    const next = async (): Promise<void> => {
      const isMore = this.#end !== null && (await this.#fetchNewer(this.#end, signal));
      if (!isOver()) cancel = this.#clock.after(isMore ? 0 : followMs, () => void next());
    };
    void next();
    return () => {
      abort.abort();
      cancel();
    };
  }

  /** Whether there may be more at once: a page was full. */
  async #fetchNewer(after: string, signal: AbortSignal): Promise<boolean> {
    const either = AbortSignal.any([signal, this.#abort.signal]);
    const answer = await this.#ask({ query: this.query, limit: String(rowsPerPage), after }, either);
    // Another `follow` may ask from the same place: its rows would be there twice.
    if (either.aborted) return false;
    if (answer.kind !== 'ok') {
      this.#isFailing = true;
      this.onChange(answer);
      return false;
    }
    const { exchanges, end, store_failing: failing } = answer.value;
    this.#end = end;
    const isSame = failing?.since === this.#storeFailing?.since;
    this.#storeFailing = failing;
    if (exchanges.length === 0 && !this.#isFailing && isSame) return false;
    this.#isFailing = false;
    this.list.prepend(exchanges.toReversed());
    this.onChange(null);
    return exchanges.length === rowsPerPage;
  }
}
