import type { Failure } from '#failures/failure.ts';
import type { Clock, Instant } from '../core/time.ts';
import { remainingMs } from './exchange-timeout.ts';
import type { GateTurn, RequestGate, RouteBounds, TurnWaiter } from './request-gate.ts';
import type { ExchangeState } from './state.ts';

export interface AdmissionOwner extends ExchangeState {
  /** The request may be sent. */
  onAdmitted(): void;
  onNotAdmitted(failure: Failure): void;
}

/**
 * The way of an exchange past the bounds of its route and upstream, one after the other. It holds a permit of each until the exchange needs no
 * endpoint any more. Exchanges of routes without bounds have none.
 */
export class Admission implements TurnWaiter {
  readonly #route: RouteBounds;
  readonly #owner: AdmissionOwner;
  readonly #clock: Clock;
  readonly #since: Instant;
  /** −1: it has not waited, or less than a millisecond. */
  waitedMs = -1;
  #admittedAt: Instant | null = null;
  #turn: GateTurn | null = null;
  /** How many of the bounds have let it through. */
  #passed = 0;

  constructor(route: RouteBounds, owner: AdmissionOwner, clock: Clock) {
    this.#route = route;
    this.#owner = owner;
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** It waits for its turn: nothing of the request has been sent. */
  get isWaiting(): boolean {
    return this.#turn !== null;
  }

  /** `onAdmitted` or `onNotAdmitted` of the owner is called once, perhaps before this returns, unless the admission ends before. */
  begin(): void {
    const { bounds, priority } = this.#route;
    while (this.#passed < bounds.length) {
      const bound = bounds[this.#passed] as RequestGate;
      const result = bound.enter(this, priority, remainingMs(this.#owner, this.#clock.now()));
      if (result !== 'admitted') return this.#waitOrFail(result);
      this.#passed++;
    }
    this.#admittedAt = this.#clock.now();
    this.#noteWait();
    this.#owner.onAdmitted();
  }

  #waitOrFail(result: GateTurn | Failure): void {
    if ('cause' in result) this.onNoTurn(result);
    // A permit may have become free meanwhile, and `onTurn` was called.
    else if (result.isWaiting) this.#turn = result;
  }

  onTurn(): void {
    this.#turn = null;
    this.#passed++;
    this.begin();
  }

  onNoTurn(failure: Failure): void {
    this.#turn = null;
    this.#noteWait();
    this.#release();
    this.#owner.onNotAdmitted(failure);
  }

  #noteWait(): void {
    const waitedMs = this.#clock.now() - this.#since;
    if (waitedMs >= 1) this.waitedMs = waitedMs;
  }

  /** The exchange needs no endpoint any more, or never will. */
  end(): void {
    if (this.#turn !== null) {
      this.#turn.cancel();
      this.#turn = null;
      this.#noteWait();
    }
    if (this.#passed > 0 && this.#admittedAt !== null) {
      for (const bound of this.#route.bounds) bound.noteEnd(this, this.#owner, this.#admittedAt);
    }
    this.#release();
  }

  /** The last one first: a request that waits for it may wait for the others too. */
  #release(): void {
    const { bounds } = this.#route;
    while (this.#passed > 0) bounds[--this.#passed]?.leave(this);
  }
}
