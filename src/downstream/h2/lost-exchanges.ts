import { after, type Clock } from '../../core/time.ts';

/** What one turn of the event loop may take of a worker for exchanges whose clients have gone. */
const turnMs = 0.5;
const turnMax = 16;

/** From the end of a turn to the next one. */
const pauseMs = 1;

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

  add(exchange: LostExchange, clock: Clock): void {
    this.#waiting.push(exchange);
    if (this.#waiting.length === 1) clock.schedule(clock.now(), this.#next, clock);
  }

  readonly #next = (clock: Clock): void => {
    const until = after(clock.now(), turnMs);
    const last = Math.min(this.#waiting.length, turnMax);
    let ended = 0;
    do this.#waiting[ended++]?.endLost();
    while (ended < last && clock.now() < until);
    // Not when all have ended: while clients go on leaving, those that have ended would stay in memory.
    this.#waiting.splice(0, ended);
    if (this.#waiting.length > 0) clock.schedule(after(clock.now(), pauseMs), this.#next, clock);
  };
}
