import { type Clock, type Instant, never } from '../core/time.ts';

/** The first accept of so many begins a look, so that an ordinary connection costs a count. */
const acceptsPerLook = 64;

/** So many turns in a row in which a connection was accepted, and that take so long: others are waiting behind them. */
const turnsInARow = 16;
const turnsMs = 16;

/**
 * Notices that connections wait to be accepted. libuv accepts one connection of a socket in each turn of the event loop, so that a worker whose turns
 * take 2 ms accepts at most 500 a second, while the queue of the socket grows. The kernel does not say how long it is, but a queue that is
 * not empty yields a connection in every turn. Where turns are short, one connection for each is no reason to hurry.
 */
export class AcceptPressure {
  readonly #clock: Clock;
  readonly #atEndOfTurn: (call: () => void) => void;
  readonly #onLook: (isPressed: boolean) => void;
  #accepts = 0;
  #looks = false;
  #acceptedInTurn = false;
  #turns = 0;
  #beganAt: Instant = never;

  /** `onLook`: whether connections wait. */
  constructor(clock: Clock, atEndOfTurn: (call: () => void) => void, onLook: (isPressed: boolean) => void) {
    this.#clock = clock;
    this.#atEndOfTurn = atEndOfTurn;
    this.#onLook = onLook;
  }

  /** A connection has been accepted. */
  note(): void {
    this.#acceptedInTurn = true;
    if (++this.#accepts < acceptsPerLook || this.#looks) return;
    this.#accepts = 0;
    this.#turns = 0;
    this.#looks = true;
    this.#beganAt = this.#clock.now();
    this.#atEndOfTurn(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    const goesOn = this.#acceptedInTurn && ++this.#turns < turnsInARow;
    const isWaiting = this.#acceptedInTurn && !goesOn;
    this.#acceptedInTurn = false;
    if (goesOn) return this.#atEndOfTurn(this.#endTurn);
    this.#looks = false;
    this.#onLook(isWaiting && this.#clock.now() - this.#beganAt >= turnsMs);
  };
}
