import type { CronSchedule } from '../cron-schedule.ts';

/** When it is closed: times since the Unix epoch, in milliseconds. */
export interface ClosedTime {
  readonly begins: number;
  readonly ends: number;
}

/** The windows of one schedule. Asked for each request: it reckons once for each window. */
export class WindowTimes {
  readonly #schedule: CronSchedule;
  readonly #lengthMs: number;
  /** What is so from `from` until the window ends. */
  #known: { readonly from: number; readonly window: ClosedTime | null } | null = null;

  constructor(schedule: CronSchedule, lengthMs: number) {
    this.#schedule = schedule;
    this.#lengthMs = lengthMs;
  }

  /** The window that it is in, or the next one; null: none comes any more. */
  at(wallTime: number): ClosedTime | null {
    const known = this.#known;
    // A clock may be put back.
    if (known !== null && wallTime >= known.from && (known.window === null || wallTime < known.window.ends))
      return known.window;
    const begins = this.#schedule.next(wallTime - this.#lengthMs);
    const window = begins === null ? null : { begins, ends: begins + this.#lengthMs };
    this.#known = { from: wallTime, window };
    return window;
  }
}
