import type { BudgetOptions } from './retry-options.ts';

export interface RetryTokens {
  addCall(now: number): void;
  take(now: number): boolean;
  /** Whole retries that are left. */
  left(now: number): number;
}

/** A share such as 0.1, added ten times, is a little less than one. */
const rounding = 1e-9;

/**
 * What bounds retries: each call adds a share of a token, each retry takes a whole one, and time brings back the first few, so that
 * a client with few calls may retry too. Over any time, retries ≤ share × calls + minimum + time / refillMs.
 */
export function retryTokens({ share, minimum, refillMs, max }: Required<BudgetOptions>, start: number): RetryTokens {
  let tokens = minimum;
  let refilledAt = start;
  const left = (now: number): number => {
    if (tokens < minimum) tokens = Math.min(minimum, tokens + (now - refilledAt) / refillMs);
    refilledAt = now;
    return Math.floor(tokens + rounding);
  };
  return {
    left,
    addCall(now) {
      left(now);
      tokens = Math.max(tokens, Math.min(max, tokens + share));
    },
    take: (now) => left(now) > 0 && ((tokens -= 1), true),
  };
}
