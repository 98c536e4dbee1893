import { after, type Clock, type Timer } from './time.ts';

/** A probe that has taken so long says nothing soon: the next one may find out more. */
export const probePlaceMs = 5000;

/**
 * The place of one request that was let through to find out whether an endpoint or a route works again. It is given back once: when the request has
 * ended, however it did, or when it has taken longer than `probePlaceMs`. The request itself goes on then.
 */
export class ProbePlace {
  readonly #giveBack: () => void;
  readonly #timer: Timer;
  #isHeld = true;

  constructor(clock: Clock, giveBack: () => void) {
    this.#giveBack = giveBack;
    this.#timer = clock.schedule(after(clock.now(), probePlaceMs), (place) => place.giveBack(), this as ProbePlace);
  }

  giveBack(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#timer.cancel();
    this.#giveBack();
  }
}
