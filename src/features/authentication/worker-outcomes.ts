import type { AuthenticationReport } from './settings.ts';

/** How often each scheme has come to each outcome since the worker has had the route. Names of outcomes are the code's, never a client's. */
export class AuthenticationOutcomes {
  readonly #counts: Record<string, number> = {};
  #changed = false;

  add(scheme: string, outcome: string): void {
    const key = `${scheme} ${outcome}`;
    this.#counts[key] = (this.#counts[key] ?? 0) + 1;
    this.#changed = true;
  }

  /** All of them, if there are others than at the last call. */
  take(): Pick<AuthenticationReport, 'counts'> | null {
    if (!this.#changed) return null;
    this.#changed = false;
    return { counts: { ...this.#counts } };
  }
}
