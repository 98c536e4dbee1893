import { after, type Clock, type Instant } from './time.ts';

/** Bounds how often something is done: at most `max` times a second. */
export class PerSecond {
  readonly #clock: Clock;
  readonly #max: number;
  #count = 0;
  #endsAt: Instant | null = null;

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  /** Whether it may be done once more now. */
  take(): boolean {
    const now = this.#clock.now();
    if (this.#endsAt === null || now >= this.#endsAt) {
      this.#endsAt = after(now, 1000);
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count <= this.#max;
  }
}
