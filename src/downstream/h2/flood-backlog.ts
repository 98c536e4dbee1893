import type { Instant } from '../../core/time.ts';

/** So many turns must have ended near a limit: for how long the turns of other connections take, a client is not to blame. */
const nearTurnsMin = 4;

/** A client that floods is near its limit again after fewer unstrained turns: each reads several frames, and half of a burst is enough. */
const unstrainedTurnsMax = 64;

/**
 * How long a connection has been near a limit and has had unread bytes all the time. Connections near a limit are read in shared turns, each the
 * more slowly the more they are. Three of them are read below their limits, however fast they send, and would go on until the last byte.
 *
 * An honest client is not in this state for long. A client that is near a limit at the beginning and at the end of a time has used all that was allowed
 * meanwhile, and has sent more, since bytes wait. A burst alone leaves the limit behind sooner, and one that goes on below the allowed rate is
 * read to its last byte then.
 */
export class FloodBacklog {
  readonly #since: Instant;
  #nearTurns = 0;
  #unstrainedTurns = 0;

  /** `since`: a turn has ended near a limit, with bytes unread. */
  constructor(since: Instant) {
    this.#since = since;
  }

  /** A turn has ended near a limit. Returns for how long this has been so; 0: in too few turns. */
  noteNear(now: Instant): number {
    this.#unstrainedTurns = 0;
    return ++this.#nearTurns < nearTurnsMin ? 0 : now - this.#since;
  }

  /** A turn has ended near no limit. Returns whether the connection has left the limit behind. */
  noteUnstrained(): boolean {
    return ++this.#unstrainedTurns >= unstrainedTurnsMax;
  }
}
