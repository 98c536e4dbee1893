import type { Clock } from '../core/time.ts';
import { GoneNames, otherName } from '../record/gone-names.ts';

/** Combinations of listener and kind. A listener has a few tens; more burden a metrics store. */
const keysMaxDefault = 2000;

interface ListenerCount {
  readonly listener: string;
  readonly count: number;
}

/** The ids of the listeners that there are. */
export type CurrentListeners = () => ReadonlySet<string>;

/** Adds up counts by listener and kind since the start. Those of a listener that is gone are kept for ten minutes. */
export class ListenerTotals<T extends ListenerCount> {
  readonly #totals = new Map<string, T>();
  readonly #kindOf: (counted: T) => string;
  readonly #current: CurrentListeners;
  readonly #keysMax: number;
  readonly #gone: GoneNames;

  constructor(clock: Clock, kindOf: (counted: T) => string, current: CurrentListeners, keysMax = keysMaxDefault) {
    this.#kindOf = kindOf;
    this.#current = current;
    this.#keysMax = keysMax;
    this.#gone = new GoneNames(clock);
  }

  get all(): readonly T[] {
    return [...this.#totals.values()];
  }

  /** Call this several times a minute, also with nothing. */
  add(counts: readonly T[]): void {
    for (const counted of counts) this.#add(counted);
    this.#gone.reviewIfDue(this.#totals, ({ listener }) => listener, this.#current);
  }

  #add(counted: T): void {
    const isOther = this.#totals.size >= this.#keysMax && !this.#totals.has(this.#keyOf(counted));
    const labelled = isOther ? { ...counted, listener: otherName } : counted;
    const key = this.#keyOf(labelled);
    this.#totals.set(key, { ...labelled, count: (this.#totals.get(key)?.count ?? 0) + counted.count });
  }

  /** No id can hold a line feed: ids come from the configuration. */
  #keyOf(counted: T): string {
    return `${counted.listener}\n${this.#kindOf(counted)}`;
  }
}
