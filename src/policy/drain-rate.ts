import type { TurnCounter } from '../core/semaphores.ts';
import type { Instant } from '../core/time.ts';

/** What all workers know together of a queue. */
export interface SharedQueue {
  /** Counts the turns that requests of all workers get. */
  readonly turns: TurnCounter;
  /** How many requests wait, in all workers. */
  readonly waitingRequests: { readonly total: number };
}

/** The assumed wait in a queue that has not moved yet, whatever its length. */
const unknownWaitMs = 1000;
/** The speed is that of about the last two seconds, so that turns which come in bursts count as what they are on average. */
const memoryMs = 2000;
/** The speed of a slow queue is that of about so many moments at which requests got their turn, one or several at once. */
const memoryMoves = 24;
/** So many turns make a measurement by which requests may be refused. */
const measuredAfter = 8;
/** Turns so close to each other come at once. */
const sameMomentMs = 1;
/** A queue is stuck that has not moved for so many times as long as usual. */
const stuckAfter = 4;
/** The longest Retry-After: what answers nothing for longer has other problems than its queue. */
const longestS = 60;

/**
 * How fast the queue of all workers moves. The speed is turns per time in which requests waited, and not an average of the times between two turns: where several
 * requests get their turn at once, that average is nearly zero just after them, and many times too long just before the next ones.
 */
export class DrainRate {
  readonly #shared: () => SharedQueue;
  /** The turns of late, and the time that they took; earlier ones count less. */
  #turns = 0;
  #moves = 0;
  #timeMs = 0;
  #measuredAt: Instant | null = null;
  #movedAt: Instant | null = null;
  #seen = 0;
  #allTurns = 0;

  constructor(shared: () => SharedQueue) {
    this.#shared = shared;
  }

  /** No request of this worker waited, and one begins to; it counts among the waiting ones already. */
  begin(now: Instant): void {
    // While requests of other workers wait, the queue moves, and its time counts.
    if (this.#measuredAt === null || this.#shared().waitingRequests.total <= 1) this.#restart(now);
    else this.#measure(now);
  }

  /** A request of this worker that waited gets its turn. */
  move(now: Instant): void {
    this.#shared().turns.increment();
    this.#measure(now);
  }

  #restart(now: Instant): void {
    this.#measuredAt = now;
    this.#movedAt = now;
    this.#seen = this.#shared().turns.count;
  }

  /** Requests have waited in some worker since the last call: looks how many have got their turn since then. */
  #measure(now: Instant): void {
    if (this.#measuredAt === null) return this.#restart(now);
    const { count } = this.#shared().turns;
    const moved = (count - this.#seen) | 0;
    if (moved <= 0) return;
    const elapsedMs = now - this.#measuredAt;
    const kept = Math.exp(-elapsedMs / Math.max(memoryMs, memoryMoves * this.#betweenMs));
    this.#turns = this.#turns * kept + moved;
    this.#moves = this.#moves * kept + (elapsedMs >= sameMomentMs ? 1 : 0);
    this.#timeMs = this.#timeMs * kept + elapsedMs;
    this.#allTurns += moved;
    this.#measuredAt = now;
    this.#movedAt = now;
    this.#seen = count;
  }

  /** Between two moments at which requests got their turn. */
  get #betweenMs(): number {
    return this.#moves === 0 ? this.#eachMs : this.#timeMs / this.#moves;
  }

  get #eachMs(): number {
    return this.#turns === 0 ? 0 : this.#timeMs / this.#turns;
  }

  /** Whether enough was measured to refuse requests by it. */
  get isMeasured(): boolean {
    return this.#allTurns >= measuredAfter;
  }

  /**
   * How long the request at this position of the queue of all workers waits, the first is at 1. `ownWait`: requests of this worker wait. While requests wait in
   * any worker, it counts if the queue has not moved for a while. `limitMs`: how long a request waits at most. Those before it have got their turn or left by
   * then.
   */
  waitMs(now: Instant, position: number, ownWait: boolean, limitMs = Infinity): number {
    const isWaiting = ownWait || this.#shared().waitingRequests.total > 0;
    // The queue of the other workers may have been empty meanwhile.
    if (!ownWait && this.#measuredAt !== null && now - this.#measuredAt > memoryMs) this.#restart(now);
    else if (isWaiting) this.#measure(now);
    const stillMs = isWaiting && this.#movedAt !== null ? now - this.#movedAt : 0;
    if (this.#turns === 0) return Math.max(unknownWaitMs, stillMs);
    const isStuck = stillMs > stuckAfter * this.#betweenMs;
    const eachMs = isStuck ? (this.#timeMs + stillMs) / (this.#turns + 1) : this.#eachMs;
    const waitMs = Math.min(eachMs * position, limitMs + eachMs);
    // Nobody knows when a stuck queue will move: as long again is a fair guess.
    return isStuck ? Math.max(waitMs, stillMs) : waitMs;
  }
}

/**
 * A wait as Retry-After, in whole seconds from 1 to 60. It aims above the estimate, so that clients do not come too early, and below twice as much. Where there is room
 * between, chance (`random`, uniform in [0, 1)) picks the second, so that clients that were refused together do not come back together.
 */
export function retryAfterS(waitMs: number, random: number): number {
  const waitS = waitMs / 1000;
  const least = Math.max(1, Math.ceil(waitS * leastPart));
  const most = Math.max(least, Math.floor(waitS * mostPart));
  return Math.min(longestS, least + Math.floor(random * (most - least + 1)));
}

/** The estimate itself may be wrong by a fifth. */
const leastPart = 1.2;
const mostPart = 1.7;
