import type { Instant } from '../core/time.ts';

/** Each request earns a fifth of a repetition: where everything fails, the load grows by that and no more. */
const earnedByRequest = 0.2;
/** What a quiet upstream may repeat all the same: of a few requests a second, each. */
const earnedByS = 10;
/** At the start: more than the failures after which traffic ejects an endpoint, so that one bad one is never noticed. */
const savedAtStart = 30;
/** Ten quiet seconds are worth no more repetitions than this, at the moment when things break. */
const savedMax = 100;

/**
 * How many requests that may have been executed are repeated, of all that go to one upstream. One repetition each is
 * little, until an upstream as a whole is in trouble: then it has all its load twice, just when it can bear it least.
 */
export class RetryBudget {
  #saved = savedAtStart;
  #at: Instant;

  constructor(now: Instant) {
    this.#at = now;
  }

  /** A request goes to the upstream for the first time. */
  earn(): void {
    this.#saved += earnedByRequest;
    if (this.#saved > savedMax) this.#saved = savedMax;
  }

  /** Whether one may be repeated now; it is then counted. */
  spend(now: Instant): boolean {
    this.#saved = Math.min(savedMax, this.#saved + ((now - this.#at) / 1000) * earnedByS);
    this.#at = now;
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }
}
