import type { Instant } from '../core/time.ts';

/** Each request earns a fifth of a retry: where everything fails, the load grows by that part and no more. */
const earnedByRequest = 0.2;
/** Retries per second that an upstream has in any case, and not in addition: with a few requests a second, each may be retried. */
const leastByS = 10;
/** At the start: a burst of a hundred requests, of which an endpoint of three fails all of its own, is more than it earns. And more than the failures after which an endpoint is ejected, so that clients never notice one bad endpoint. */
const savedAtStart = 30;
/** The most that quiet seconds add up to. */
const savedMax = 100;

/**
 * Limits how many of the requests to one upstream are retried although they may have been executed. One retry of each is
 * little, until the upstream as a whole fails: then it would have all of its load twice, when it can bear it least.
 */
export class RetryBudget {
  #saved = savedAtStart;
  #at: Instant;
  /** What requests have earned since then. */
  #earned = 0;

  constructor(now: Instant) {
    this.#at = now;
  }

  /** A request has its first attempt at the upstream. */
  earn(): void {
    this.#saved += earnedByRequest;
    this.#earned += earnedByRequest;
    if (this.#saved > savedMax) this.#saved = savedMax;
  }

  /** Whether a request may be retried now; the retry is counted. */
  spend(now: Instant): boolean {
    const missing = Math.max(0, ((now - this.#at) / 1000) * leastByS - this.#earned);
    this.#saved = Math.min(savedMax, this.#saved + missing);
    this.#at = now;
    this.#earned = 0;
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }
}
