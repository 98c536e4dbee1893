import type { Http2LimitCount, Http2LimitName } from '../core/http2-limit.ts';
import type { Clock, Instant } from '../core/time.ts';
import { RecentCount, recentMs } from './recent-count.ts';

/** Addresses that are kept. A flood may come from any number. */
export const addressesKept = 100;

/** Limits that clients of HTTP/2 have reached in the last minute. */
export interface RecentHttp2Limits {
  /** When the first of them was reached, and the last one. */
  readonly since: Instant;
  readonly lastAt: Instant;
  /** The commonest one first. */
  readonly limits: readonly { readonly limit: Http2LimitName; readonly count: number }[];
  /** The latest ones first, at most 100. A worker names one address for each limit in a report, that of the last connection. */
  readonly addresses: readonly string[];
}

/** Remembers for a minute which limits clients of HTTP/2 have reached, and from where. */
export class Http2LimitMemory {
  readonly #clock: Clock;
  readonly #limits = new Map<Http2LimitName, RecentCount>();
  readonly #all: RecentCount;
  /** The latest ones last. */
  readonly #addresses = new Map<string, Instant>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#all = new RecentCount(clock);
  }

  /** Call this several times a second, also with nothing. */
  note(reached: readonly Http2LimitCount[]): void {
    const now = this.#clock.now();
    for (const { limit, count, address } of reached) {
      this.#countOf(limit).add(count);
      this.#all.add(count);
      this.#addresses.delete(address);
      this.#addresses.set(address, now);
      const [oldest] = this.#addresses.keys();
      if (this.#addresses.size > addressesKept && oldest !== undefined) this.#addresses.delete(oldest);
    }
    for (const count of this.#limits.values()) count.sample();
  }

  /** Null: none was reached in the last minute. */
  get recent(): RecentHttp2Limits | null {
    const limits = [...this.#limits]
      .map(([limit, { lastMinute }]) => ({ limit, count: lastMinute }))
      .filter(({ count }) => count > 0)
      .toSorted((one, other) => other.count - one.count);
    if (limits.length === 0) return null;
    const { since, lastAt } = this.#all;
    const now = this.#clock.now();
    const addresses = [...this.#addresses].filter(([, at]) => now - at < recentMs).map(([address]) => address);
    return { since, lastAt, limits, addresses: addresses.toReversed() };
  }

  #countOf(limit: Http2LimitName): RecentCount {
    const count = this.#limits.get(limit) ?? new RecentCount(this.#clock);
    this.#limits.set(limit, count);
    return count;
  }
}
