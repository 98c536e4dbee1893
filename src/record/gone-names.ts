import { after, type Clock, type Instant } from '../core/time.ts';

/** Under this name is counted what has no entry of its own. */
export const otherName = '(other)';

/** Totals of a name are kept for so long after it has gone, so that every collector has read the last ones. */
const keptAfterMs = 600_000;
const reviewEveryMs = 60_000;

/** Since when names have been gone, such as those of routes, upstreams and endpoints. */
export class GoneNames {
  readonly #clock: Clock;
  #since: ReadonlyMap<string, Instant> = new Map();
  #reviewAt: Instant;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#reviewAt = after(clock.now(), reviewEveryMs);
  }

  /**
   * Removes once a minute the totals of names that have been gone for ten minutes, so that new names get an entry. Call this several times a minute.
   * `currentNames` is asked once a minute.
   */
  reviewIfDue<T>(totals: Map<string, T>, nameOf: (total: T) => string, currentNames: () => ReadonlySet<string>): void {
    const now = this.#clock.now();
    if (now < this.#reviewAt) return;
    this.#reviewAt = after(now, reviewEveryMs);
    const current = currentNames();
    const since = new Map<string, Instant>();
    for (const [key, total] of totals) {
      const name = nameOf(total);
      if (name === otherName || current.has(name)) continue;
      const goneAt = this.#since.get(name) ?? now;
      if (now >= after(goneAt, keptAfterMs)) totals.delete(key);
      else since.set(name, goneAt);
    }
    this.#since = since;
  }
}
