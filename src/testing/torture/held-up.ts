import { after, type Clock, type Instant, type Timer } from '../../core/time.ts';

/** What was seen, and for how long this process did not run meanwhile. */
interface Observed<T> {
  readonly seen: T;
  readonly heldUpMs: number;
}

/** A process that stood still for so long may have made a gateway's time limit pass, or its own. */
export const heldUpMsMin = 100;
/** Why a run whose process was held up each time has no verdict. */
export const notJudged = `Not judged: a timer of this program was more than ${heldUpMsMin} ms late each time. Is the machine busy?`;

const attemptsMax = 4;
const timerMs = 20;

/** Observes, and knows from its timers when this process was held up: by other programs, or by the host of a virtual machine. */
export class HoldUpWatch {
  readonly #clock: Clock;
  #due: Instant;
  #longestMs = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#due = clock.now();
  }

  /** An observation during which this process was held up proves nothing: it is repeated, a few times, unless `holds` is true of it. */
  async observe<T>(
    look: () => Promise<T>,
    holds: (seen: T) => boolean,
    isStopped: () => boolean = () => false,
  ): Promise<Observed<T>> {
    for (let attempts = 1; ; attempts++) {
      this.#begin();
      const seen = await look();
      const heldUpMs = this.#end();
      if (heldUpMs <= heldUpMsMin || holds(seen) || attempts === attemptsMax || isStopped()) return { seen, heldUpMs };
    }
  }

  #begin(): void {
    this.#longestMs = 0;
    this.#arm();
  }

  /** How late the latest timer was. */
  #end(): number {
    this.#timer?.cancel();
    this.#note();
    return this.#longestMs;
  }

  #arm(): void {
    this.#due = after(this.#clock.now(), timerMs);
    this.#timer = this.#clock.schedule(this.#due, HoldUpWatch.#fired, this);
  }

  static #fired(this: void, watch: HoldUpWatch): void {
    watch.#note();
    watch.#arm();
  }

  #note(): void {
    this.#longestMs = Math.max(this.#longestMs, this.#clock.now() - this.#due);
  }
}
