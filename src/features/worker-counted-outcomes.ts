import type { CountsReport } from '../core/feature.ts';

/** How often each outcome has come in a scope since the worker has had it. Names of outcomes are the code's, never a client's. */
export class CountedOutcomes<N extends string = string> {
  readonly #counts: Partial<Record<N, number>> = {};
  #changed = false;

  add(name: N): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
    this.#changed = true;
  }

  /** All of them, if there are others than at the last call. */
  take(): CountsReport | null {
    if (!this.#changed) return null;
    this.#changed = false;
    return { counts: { ...(this.#counts as Record<N, number>) } };
  }
}
