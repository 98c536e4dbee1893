import { type Clock, type Instant, never, type Timer } from '../core/time.ts';

/** The real clock of the test tools that talk to real sockets: the fault origin and the raw client. */
export const systemClock: Clock = {
  now: () => performance.now() as Instant,
  wallTime: () => Date.now(),
  schedule<T>(at: Instant, fire: (subject: T) => void, subject: T): Timer {
    if (at === never) return neverFires;
    return new SystemTimer(at, () => fire(subject));
  },
};

/** Node counts whole milliseconds and may fire up to one early; this clock never does. */
class SystemTimer implements Timer {
  #timeout: NodeJS.Timeout;

  constructor(at: Instant, fire: () => void) {
    const arm = (): NodeJS.Timeout => {
      const remainingMs = Math.min(Math.max(0, Math.ceil(at - performance.now())), timeoutMsMax);
      return setTimeout(() => {
        if (performance.now() >= at) fire();
        else this.#timeout = arm();
      }, remainingMs);
    };
    this.#timeout = arm();
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }
}

const neverFires: Timer = { cancel() {} };

/** Node treats a longer delay as 1 ms. */
const timeoutMsMax = 2 ** 31 - 1;
