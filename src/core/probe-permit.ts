import { after, type Clock, type Timer } from './time.ts';

/** A probe that has taken so long says nothing soon: the next one may find out more. */
const probePermitMs = 5000;

/**
 * The permit of one request that was let through to find out whether an endpoint or a route works again. It is given back once: when the request has
 * ended, however it did, or when it has taken longer than `probePermitMs`. The request itself goes on then.
 */
export class ProbePermit {
  readonly #giveBack: () => void;
  readonly #timer: Timer;
  #isHeld = true;

  constructor(clock: Clock, giveBack: () => void) {
    this.#giveBack = giveBack;
    this.#timer = clock.schedule(after(clock.now(), probePermitMs), (permit) => permit.giveBack(), this as ProbePermit);
  }

  giveBack(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#timer.cancel();
    this.#giveBack();
  }
}
