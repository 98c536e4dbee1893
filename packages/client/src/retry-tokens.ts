import type { BudgetOptions } from './retry-options.ts';

export type BudgetSettings = Readonly<Required<BudgetOptions>>;

/**
 * What bounds retries: each call adds a share of a token, each retry takes a whole one, and time brings back the first few, so that
 * a client with few calls may retry too. Over any time, retries ≤ share × calls + minimum + time / refillMs.
 */
export class RetryTokens {
  readonly #settings: BudgetSettings;
  #tokens: number;
  #refilledAt: number;

  constructor(settings: BudgetSettings, now: number) {
    this.#settings = settings;
    this.#tokens = settings.minimum;
    this.#refilledAt = now;
  }

  addCall(now: number): void {
    this.#refill(now);
    const { share, max } = this.#settings;
    this.#tokens = Math.max(this.#tokens, Math.min(max, this.#tokens + share));
  }

  take(now: number): boolean {
    this.#refill(now);
    // A share such as 0.1, added ten times, is a little less than one.
    if (this.#tokens < 1 - 1e-9) return false;
    this.#tokens -= 1;
    return true;
  }

  left(now: number): number {
    this.#refill(now);
    return Math.floor(this.#tokens + 1e-9);
  }

  #refill(now: number): void {
    const { minimum, refillMs } = this.#settings;
    if (this.#tokens < minimum) this.#tokens = Math.min(minimum, this.#tokens + (now - this.#refilledAt) / refillMs);
    this.#refilledAt = now;
  }
}
