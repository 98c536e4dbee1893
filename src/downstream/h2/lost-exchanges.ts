import { after, type Clock } from '../../core/time.ts';
import { pauseForShare } from './read-turns.ts';

/** The part of a worker's time in which exchanges of lost connections end. Strained connections have another one, see `read-turns.ts`. */
const lostShare = 0.1;

/** How long exchanges end in one turn of the event loop. */
const lostTurnMs = 0.15;

/** How many end in one turn at most. */
const lostTurnMax = 16;

/** The least pause between two turns. */
const lostPauseMsMin = 1;

/** The least part, while all that wait are those of floods. It grows with their number, up to the whole. */
const floodShareMin = 0.01;

/** With more than these waiting, turns are as long as pauses, so that clients who go on leaving do not fill the memory. */
const waitingMax = 512;

/** How long such a turn is. */
const busyTurnMs = 1;

/** An exchange whose connection is lost, and that has not ended. */
export interface LostExchange {
  endLost(): void;
}

/**
 * Ends the exchanges of lost connections a few at a time. A connection that closes with 128 requests leaves 128 attempts to cancel and as many
 * records to write: at once they would hold up all other clients of the worker for more than 10 ms.
 */
export class LostExchanges {
  readonly #waiting: LostExchange[] = [];
  /** How many of them wait up to the last one that is not of a flood. */
  #untilLastOther = 0;
  #isHurried = false;

  /** `isOfFlood`: the gateway has ended the connection, or its address has flooded not long ago. */
  add(exchange: LostExchange, isOfFlood: boolean, clock: Clock): void {
    this.#waiting.push(exchange);
    if (!isOfFlood) this.#untilLastOther = this.#waiting.length;
    if (this.#waiting.length === 1) clock.schedule(clock.now(), this.#next, clock);
  }

  /** The end of a drain is forced: turns are as long as pauses until all that wait now have ended, so that each is recorded. */
  hurry(): void {
    this.#isHurried = this.#waiting.length > 0;
  }

  readonly #next = (clock: Clock): void => {
    const beganAt = clock.now();
    const isBusy = this.#isHurried || this.#waiting.length > waitingMax;
    const until = after(beganAt, isBusy ? busyTurnMs : lostTurnMs);
    const last = Math.min(this.#waiting.length, lostTurnMax);
    let ended = 0;
    do this.#waiting[ended++]?.endLost();
    while (ended < last && clock.now() < until);
    // Not when all have ended: while clients go on leaving, those that have ended would stay in memory.
    this.#waiting.splice(0, ended);
    this.#untilLastOther = Math.max(0, this.#untilLastOther - ended);
    if (this.#waiting.length === 0) {
      this.#isHurried = false;
      return;
    }
    const now = clock.now();
    const pauseMs = isBusy ? lostPauseMsMin : Math.max(lostPauseMsMin, pauseForShare(now - beganAt, this.#share));
    clock.schedule(after(now, pauseMs), this.#next, clock);
  };

  /** A flood that goes on leaves more and more behind: its share settles where as many end as come. */
  get #share(): number {
    if (this.#untilLastOther > 0) return lostShare;
    return Math.min(lostShare, Math.max(floodShareMin, (lostShare * this.#waiting.length) / waitingMax));
  }
}
