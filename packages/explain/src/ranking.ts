import { ownText } from './own-text.ts';
import type { LeftOut } from './summary-report.ts';

/** Counts by key, exactly for as many keys as fit. When it is full, a new key is only added to the total of keys left out. */
export class Ranking<T extends { count: number }> {
  readonly #entries = new Map<string, T>();
  readonly #keysMax: number;
  #overflow = 0;

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  /** Counts the key and returns its entry; null if there is no room for a new entry. */
  count(key: string, create: () => T): T | null {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#entries.size >= this.#keysMax) {
        this.#overflow += 1;
        return null;
      }
      entry = create();
      this.#entries.set(ownText(key, key.length), entry);
    }
    entry.count += 1;
    return entry;
  }

  /** Undoes one count of the key. Null if the key has no entry. */
  uncount(key: string): T | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#overflow = Math.max(0, this.#overflow - 1);
      return null;
    }
    entry.count -= 1;
    return entry;
  }

  /** All entries, in the order in which they were added. */
  values(): Iterable<T> {
    return this.#entries.values();
  }

  /** The most frequent entries; of equals, the older one first. Entries with a count of 0 are left out. */
  top(entriesMax: number): { readonly top: readonly T[]; readonly leftOut: LeftOut } {
    const sorted = [...this.#entries.values()].filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
    const rest = sorted.slice(entriesMax);
    const count = rest.reduce((sum, entry) => sum + entry.count, this.#overflow);
    return {
      top: sorted.slice(0, entriesMax),
      leftOut: { kinds: this.#overflow > 0 ? null : rest.length, count },
    };
  }
}
