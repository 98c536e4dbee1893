import type { LeftOut } from './summary-report.ts';

/**
 * Counts by key, exact for as many keys as there is room for. Whoever comes when it is full is counted under no key:
 * how many there were is known, and not which.
 */
export class Ranking<T extends { count: number }> {
  readonly #entries = new Map<string, T>();
  readonly #keysMax: number;
  #overflow = 0;

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  /** The entry of that key, counted once more; null where there is no room for a new one. */
  count(key: string, create: () => T): T | null {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#entries.size >= this.#keysMax) {
        this.#overflow += 1;
        return null;
      }
      entry = create();
      this.#entries.set(key, entry);
    }
    entry.count += 1;
    return entry;
  }

  /** Takes one back. Null where it was counted under no key. */
  uncount(key: string): T | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#overflow = Math.max(0, this.#overflow - 1);
      return null;
    }
    entry.count -= 1;
    return entry;
  }

  /** All that there are, in the order in which they came. */
  values(): Iterable<T> {
    return this.#entries.values();
  }

  /** The most frequent ones; of equals, the one that came first. What has been counted down to nothing is not there. */
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
