import type { EndedExchange } from '../core/exchange.ts';

/**
 * Exchanges that have ended in this turn of the event loop: they are counted and written down together at its end, after
 * the answers have left.
 *
 * Measured, both ways at the same time at 64 busy connections: an exchange costs 3 % less CPU. What counts and writes is
 * some 40 KB of machine code, which is fetched once a turn instead of once an exchange.
 */
export class EndedExchanges {
  readonly #atEndOfTurn: (run: () => void) => void;
  readonly #writeDown: (exchange: EndedExchange) => void;
  #ended: EndedExchange[] = [];

  /** `writeDown` may not throw. */
  constructor(atEndOfTurn: (run: () => void) => void, writeDown: (exchange: EndedExchange) => void) {
    this.#atEndOfTurn = atEndOfTurn;
    this.#writeDown = writeDown;
  }

  /** Those that have not been written down. */
  get waiting(): number {
    return this.#ended.length;
  }

  add(exchange: EndedExchange): void {
    if (this.#ended.push(exchange) === 1) this.#atEndOfTurn(this.writeAll);
  }

  /** Writes down what waits, in the order in which it came. */
  readonly writeAll = (): void => {
    // Writing may fill a batch, and whoever takes that asks for the rest first.
    const ended = this.#ended;
    if (ended.length === 0) return;
    this.#ended = [];
    for (const exchange of ended) this.#writeDown(exchange);
  };
}
