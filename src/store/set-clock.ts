import type { Clock, Instant } from '../core/time.ts';

/** Corrections by NTP stay below this. */
const jumpMs = 60_000;

/** A clock that was set wrongly is mostly corrected within this time. */
const distrustMs = 600_000;

/** Notices that the clock of the machine was set: for some time afterwards, ages that it gives are not believed. */
export class SetClock {
  readonly #clock: Clock;
  #ahead: number;
  #believedFrom: Instant;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#ahead = clock.wallTime() - clock.now();
    this.#believedFrom = clock.now();
  }

  /** Milliseconds since 1970; null while the clock is not believed. */
  read(): number | null {
    const [wall, now] = [this.#clock.wallTime(), this.#clock.now()];
    if (Math.abs(wall - now - this.#ahead) > jumpMs) this.#believedFrom = (now + distrustMs) as Instant;
    this.#ahead = wall - now;
    return now < this.#believedFrom ? null : wall;
  }
}
