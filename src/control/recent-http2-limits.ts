import type { Http2LimitCount, Http2LimitName } from '../core/http2-limit.ts';
import type { Clock, Instant } from '../core/time.ts';
import { RecentGrowth } from './recent-growth.ts';

const recentMs = 60_000;

/** Addresses that are kept. A flood may come from any number. */
export const addressesKept = 100;

/** HTTP/2 connections that were ended at limits in the last minute. */
export interface RecentHttp2Limits {
  /** When the first of them was ended, and the last one. */
  readonly since: Instant;
  readonly lastAt: Instant;
  /** The commonest one first. */
  readonly limits: readonly { readonly limit: Http2LimitName; readonly count: number }[];
  /** The latest ones first, at most 100. A worker names one address for each limit in a report, that of the last connection. */
  readonly addresses: readonly string[];
}

/** Remembers for a minute which limits HTTP/2 connections have reached, and from where. */
export class Http2LimitMemory {
  readonly #clock: Clock;
  readonly #limits = new Map<Http2LimitName, { readonly growth: RecentGrowth; total: number }>();
  /** The latest ones last. */
  readonly #addresses = new Map<string, Instant>();
  #since: Instant | null = null;
  #lastAt: Instant | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Call this several times a second, also with nothing. */
  note(reached: readonly Http2LimitCount[]): void {
    const now = this.#clock.now();
    for (const { limit, count, address } of reached) {
      this.#countOf(limit).total += count;
      if (this.#lastAt === null || now - this.#lastAt >= recentMs) this.#since = now;
      this.#lastAt = now;
      this.#addresses.delete(address);
      this.#addresses.set(address, now);
      const [oldest] = this.#addresses.keys();
      if (this.#addresses.size > addressesKept && oldest !== undefined) this.#addresses.delete(oldest);
    }
    for (const { growth } of this.#limits.values()) growth.sample();
  }

  /** Null: none was ended in the last minute. */
  get recent(): RecentHttp2Limits | null {
    const [since, lastAt] = [this.#since, this.#lastAt];
    const limits = [...this.#limits]
      .map(([limit, { growth }]) => ({ limit, count: growth.lastMinute }))
      .filter(({ count }) => count > 0)
      .toSorted((one, other) => other.count - one.count);
    if (since === null || lastAt === null || limits.length === 0) return null;
    const now = this.#clock.now();
    const addresses = [...this.#addresses].filter(([, at]) => now - at < recentMs).map(([address]) => address);
    return { since, lastAt, limits, addresses: addresses.toReversed() };
  }

  #countOf(limit: Http2LimitName): { readonly growth: RecentGrowth; total: number } {
    const known = this.#limits.get(limit);
    if (known !== undefined) return known;
    const growth = new RecentGrowth(this.#clock, () => count.total);
    const count = { growth, total: 0 };
    this.#limits.set(limit, count);
    return count;
  }
}
