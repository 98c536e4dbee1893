import type { Clock, Instant } from '../core/time.ts';

/** One sample per second is enough for a sentence to a person. */
const sampleEveryMs = 1000;

interface CounterSample {
  readonly at: Instant;
  readonly total: number;
}

/** How much a counter has grown in the last minute. The counter begins at 0 and never falls. */
export class RecentGrowth {
  readonly #clock: Clock;
  readonly #total: () => number;
  /** Oldest first; all but the first are less than a minute old. */
  #samples: readonly CounterSample[];

  /** `total`: the counter now. */
  constructor(clock: Clock, total: () => number) {
    this.#clock = clock;
    this.#total = total;
    this.#samples = [{ at: clock.now(), total: 0 }];
  }

  /** Call this often while the counter may grow. */
  sample(): void {
    const last = this.#samples.at(-1);
    if (last === undefined || this.#clock.now() - last.at >= sampleEveryMs) this.sampleNow();
  }

  /** Call this when the counter has grown. */
  sampleNow(): void {
    this.#samples = [...this.#recent, { at: this.#clock.now(), total: this.#total() }];
  }

  /** From now on only the last `growth` of the counter count. */
  restart(growth: number): void {
    this.#samples = [{ at: this.#clock.now(), total: this.#total() - growth }];
    this.sampleNow();
  }

  /** Up to a second more than a minute. */
  get lastMinute(): number {
    const [before] = this.#recent;
    return before === undefined ? 0 : this.#total() - before.total;
  }

  /** The samples of the last minute, and the one before them. */
  get #recent(): readonly CounterSample[] {
    const minuteAgo = this.#clock.now() - 60_000;
    const first = this.#samples.findLastIndex(({ at }) => at <= minuteAgo);
    return this.#samples.slice(Math.max(0, first));
  }
}

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
