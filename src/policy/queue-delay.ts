import type { Instant } from '../core/time.ts';

/** RFC 8289 §4.3: the target is five to ten per cent of the interval. */
const targetsOfInterval = 10;
/** As long as the queue stands, a request waits no longer than so many targets: the shortest wait stays above the target until less comes. */
const targetsWhileLong = 2;

/**
 * Tells a queue that stands from one that takes up a burst, as CoDel does (RFC 8289): by the shortest wait of an interval, and not by how many wait. A burst is
 * worked off, and some request has waited for less than the target; in a queue that stands each one waits longer, and the wait serves nobody.
 *
 * What is done about it differs from CoDel. There one packet is dropped after the other, and the sender of each slows down; clients of a gateway are many, and
 * do not. So each request may wait for two targets at most while the queue stands: those that are served are served in time, and the others soon know.
 */
export class QueueDelay {
  readonly #targetMs: number;
  readonly #intervalMs: number;
  /** Of the present interval; null: there was none yet. */
  #endsAt: Instant | null = null;
  #leastMs = 0;
  #isLong = false;

  /** Infinity: no queue counts as one that stands. */
  constructor(targetMs: number) {
    this.#targetMs = targetMs;
    this.#intervalMs = targetsOfInterval * targetMs;
  }

  /** A request has left the queue after this wait; 0: there was no queue. */
  note(now: Instant, waitedMs: number): void {
    if (this.#endsAt !== null && now < this.#endsAt) {
      if (waitedMs < this.#leastMs) this.#leastMs = waitedMs;
      return;
    }
    // Of a queue that nothing has left for longer than an interval, the waits are those of another time.
    const isKnown = this.#endsAt !== null && now < this.#endsAt + this.#intervalMs;
    this.#isLong = isKnown && this.#leastMs > this.#targetMs;
    this.#endsAt = (now + this.#intervalMs) as Instant;
    this.#leastMs = waitedMs;
  }

  /** How long a request may wait now. */
  get limitMs(): number {
    return this.#isLong ? targetsWhileLong * this.#targetMs : Infinity;
  }
}
