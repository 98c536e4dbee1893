import type { ClientClock } from './client-clock.ts';
import type { BudgetOptions } from './retry-options.ts';

export interface RetryTokens {
  /** A call has succeeded. */
  earn(): void;
  /** False: there is not as much. */
  take(cost: number): boolean;
  /** Whole retries that are left. */
  left(): number;
}

/** A share such as 0.1, added ten times, is a little less than one. */
const rounding = 1e-9;

/**
 * What bounds retries: each call that succeeds adds a share of a token, each retry takes a whole one, and time brings back the first few, so that
 * a client with few calls may retry too. Over any time, what retries take ≤ share × calls + minimum + time / refillMs.
 */
export function retryTokens(
  { share, minimum, refillMs, max }: Required<BudgetOptions>,
  clock: ClientClock,
): RetryTokens {
  let tokens = minimum;
  let refilledAt = clock.now();
  const left = (): number => {
    const now = clock.now();
    if (tokens < minimum) tokens = Math.min(minimum, tokens + (now - refilledAt) / refillMs);
    refilledAt = now;
    return Math.floor(tokens);
  };
  return {
    left,
    earn() {
      left();
      if (tokens < max) tokens += share + rounding;
    },
    take(cost) {
      left();
      return tokens >= cost && ((tokens -= cost), true);
    },
  };
}
