import type { TurnCounter } from '../core/semaphores.ts';
import type { Instant } from '../core/time.ts';

/** The assumed wait in a queue that has not moved yet, whatever its length. */
const unknownWaitMs = 1000;
/** The weight of the latest interval in the moving average. */
const latestPart = 0.2;
/** So many intervals make a measurement by which requests may be refused. */
const measuredAfter = 8;
/** The longest Retry-After: what answers nothing for longer has other problems than its queue. */
const longestS = 60;

/** How fast the queue of all workers moves, measured while requests of this one wait in it. */
export class DrainRate {
  /** Counts the turns that requests of all workers get. */
  readonly #turns: () => TurnCounter;
  #intervalMs = 0;
  #movedAt: Instant | null = null;
  #seen = 0;
  #intervals = 0;

  constructor(turns: () => TurnCounter) {
    this.#turns = turns;
  }

  /** No request of this worker waited, and one begins to. */
  begin(now: Instant): void {
    this.#movedAt = now;
    this.#seen = this.#turns().count;
  }

  /** A request of this worker that waited gets its turn. */
  move(now: Instant): void {
    this.#turns().increment();
    this.#measure(now);
  }

  /** Requests of this worker have waited since the last call: looks how often any has got its turn since then. */
  #measure(now: Instant): void {
    const { count } = this.#turns();
    const moved = (count - this.#seen) | 0;
    if (moved <= 0) return;
    this.#intervals += moved;
    // The mean of the first ones, then a moving average.
    const part = Math.max(1 - (1 - latestPart) ** moved, moved / this.#intervals);
    this.#intervalMs += part * (this.#sinceMoved(now) / moved - this.#intervalMs);
    this.#movedAt = now;
    this.#seen = count;
  }

  /** Whether enough was measured to refuse requests by it. */
  get isMeasured(): boolean {
    return this.#intervals >= measuredAfter;
  }

  /**
   * How long the request at this position of the queue of all workers waits, the first is at 1. `isWaiting`: requests of this worker wait, so that it
   * counts if the queue has not moved for a while.
   */
  waitMs(now: Instant, position: number, isWaiting: boolean): number {
    if (isWaiting) this.#measure(now);
    if (this.#intervals === 0) return isWaiting ? Math.max(unknownWaitMs, this.#sinceMoved(now)) : unknownWaitMs;
    const eachMs = isWaiting ? Math.max(this.#intervalMs, this.#sinceMoved(now)) : this.#intervalMs;
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
