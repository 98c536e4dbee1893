import { after, type Clock, type Instant } from '../core/time.ts';

/** Under this name is counted what has no place of its own. */
export const otherName = '(other)';

/** Totals of a name are kept for so long after it has gone, so that every collector has read the last ones. */
const keptAfterMs = 600_000;
export const reviewEveryMs = 60_000;

/** Since when names have been gone, such as those of routes, upstreams and endpoints. */
export class GoneNames {
  readonly #clock: Clock;
  #since: ReadonlyMap<string, Instant> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Removes the totals of names that have been gone for ten minutes. Call this every `reviewEveryMs`. */
  forget<T>(totals: Map<string, T>, nameOf: (total: T) => string, current: ReadonlySet<string>): void {
    const now = this.#clock.now();
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
