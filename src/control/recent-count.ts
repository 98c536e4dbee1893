import type { Clock, Instant } from '../core/time.ts';
import { RecentGrowth } from './recent-growth.ts';

/** A count after a pause of this length begins a new flood. */
export const recentMs = 60_000;

/** Counts what may come in floods: how many came in the last minute, and when the first and the last of the flood came. */
export class RecentCount {
  readonly #clock: Clock;
  readonly #growth: RecentGrowth;
  #total = 0;
  #since: Instant;
  #lastAt: Instant;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#growth = new RecentGrowth(clock, () => this.#total);
    this.#since = clock.now();
    this.#lastAt = this.#since;
  }

  /** Since the start. */
  get total(): number {
    return this.#total;
  }

  /** Up to a second more than a minute. */
  get lastMinute(): number {
    return this.#growth.lastMinute;
  }

  /** When the first one came after a minute without any. */
  get since(): Instant {
    return this.#since;
  }

  get lastAt(): Instant {
    return this.#lastAt;
  }

  /** `count`: above 0. */
  add(count: number): void {
    const now = this.#clock.now();
    if (this.#total === 0 || now - this.#lastAt >= recentMs) this.#since = now;
    this.#lastAt = now;
    this.#total += count;
  }

  /** Call this several times a second, also when nothing was added. */
  sample(): void {
    this.#growth.sample();
  }
}
