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
  #waiting: LostExchange[] = [];
  /** How many of them have ended. */
  #ended = 0;

  add(exchange: LostExchange, clock: Clock): void {
    this.#waiting.push(exchange);
    if (this.#waiting.length === 1) clock.schedule(clock.now(), this.#next, clock);
  }

  readonly #next = (clock: Clock): void => {
    const until = after(clock.now(), turnMs);
    const last = Math.min(this.#waiting.length, this.#ended + turnMax);
    do this.#waiting[this.#ended++]?.endLost();
    while (this.#ended < last && clock.now() < until);
    if (this.#ended < this.#waiting.length) return void clock.schedule(after(clock.now(), pauseMs), this.#next, clock);
    this.#waiting = [];
    this.#ended = 0;
  };
}
