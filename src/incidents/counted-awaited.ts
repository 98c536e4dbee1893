import type { AttemptOfClient } from '../core/route-traffic.ts';

/** Workers report awaited responses so often; each passes a limit once. */
const reportEveryMs = 250;

const keptS = 60;

/** Those that pass the limit now. */
export const passing = (awaited: readonly AttemptOfClient[], limitMs: number): readonly AttemptOfClient[] =>
  awaited.length === 0 ? awaited : awaited.filter(({ ms }) => ms > limitMs && ms <= limitMs + reportEveryMs);

/** Awaited responses that were counted when they passed the limit; they are not counted again when they begin, or are abandoned. */
export class CountedAwaited {
  #counted = 0;
  #second = 0;

  /** Of `late` responses that have ended, those that are new; and those that pass the limit now. */
  add(late: number, passed: number, second: number): number {
    if (second - this.#second > keptS) this.#counted = 0;
    const known = Math.min(late, this.#counted);
    this.#counted += passed - known;
    if (passed > 0) this.#second = second;
    return late - known + passed;
  }
}
