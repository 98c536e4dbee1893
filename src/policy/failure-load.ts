import type { Instant } from '../core/time.ts';

/** A failure weighs as much as a request that takes so long: `peak-latency.ts` gives it the same weight. */
const decayMs = 1000;

/** Less than this is nothing: otherwise a failure of a minute ago would decide between two idle endpoints. */
const leastLoad = 0.25;

/**
 * The failures of an endpoint as requests in flight, which decay. An endpoint that fails within a millisecond has hardly ever a request in
 * flight: by these alone it would look idle, and get more requests than the endpoints that answer.
 */
export class FailureLoad {
  #load = 0;
  #at: Instant;

  constructor(now: Instant) {
    this.#at = now;
  }

  /** An attempt has failed. */
  note(now: Instant): void {
    this.#load = this.at(now) + 1;
    this.#at = now;
  }

  at(now: Instant): number {
    const load = this.#load * Math.exp(-Math.max(0, now - this.#at) / decayMs);
    return load < leastLoad ? 0 : load;
  }
}
