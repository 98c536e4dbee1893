import type { Instant } from '../core/time.ts';

/** The assumed wait in a queue that has not moved yet, whatever its length. */
const unknownWaitMs = 1000;
/** The weight of the latest interval in the moving average. */
const latestPart = 0.2;
/** So many intervals make a measurement by which requests may be refused. */
const measuredAfter = 8;
/** The longest Retry-After: what answers nothing for longer has other problems than its queue. */
const longestS = 60;

/** How fast a queue moves, measured while requests wait in it. */
export class DrainRate {
  #intervalMs = 0;
  #movedAt: Instant | null = null;
  #intervals = 0;

  /** The queue was empty, and a request begins to wait. */
  begin(now: Instant): void {
    this.#movedAt = now;
  }

  /** A request that waited gets its turn. */
  move(now: Instant): void {
    this.#intervals++;
    // The mean of the first ones, then a moving average.
    this.#intervalMs += Math.max(latestPart, 1 / this.#intervals) * (this.#sinceMoved(now) - this.#intervalMs);
    this.#movedAt = now;
  }

  /** Whether enough was measured to refuse requests by it. */
  get isMeasured(): boolean {
    return this.#intervals >= measuredAfter;
  }

  /** How long the request at this position of the queue waits, the first is at 1. `isStuck`: the queue has not moved for a while, which counts. */
  waitMs(now: Instant, position: number, isStuck: boolean): number {
    if (this.#intervals === 0) return isStuck ? Math.max(unknownWaitMs, this.#sinceMoved(now)) : unknownWaitMs;
    const eachMs = isStuck ? Math.max(this.#intervalMs, this.#sinceMoved(now)) : this.#intervalMs;
    return eachMs * position;
  }

  #sinceMoved(now: Instant): number {
    return this.#movedAt === null ? 0 : now - this.#movedAt;
  }
}

/**
 * A wait as Retry-After, in whole seconds from 1 to 60. Up to half of it is added by chance (`random`, uniform in [0, 1)), so that clients that
 * were refused together do not come back together.
 */
export function retryAfterS(waitMs: number, random: number): number {
  const seconds = Math.min(longestS, Math.max(1, Math.ceil(waitMs / 1000)));
  return Math.min(longestS, seconds + Math.floor(random * (Math.ceil(seconds / 2) + 1)));
}
