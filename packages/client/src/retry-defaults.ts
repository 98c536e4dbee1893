import type { BackoffOptions, BreakerOptions, BudgetOptions } from './retry-options.ts';

export const backoffDefaults: Readonly<Required<BackoffOptions>> = {
  attemptsMax: 4,
  baseMs: 200,
  capMs: 1000,
  // 520 to 524 and 530 are Cloudflare's, for what others answer with 502 and 504.
  statuses: [408, 425, 429, 502, 503, 504, 520, 521, 522, 523, 524, 530],
};

export const budgetDefaults: Readonly<Required<BudgetOptions>> = {
  share: 0.1,
  minimum: 2.5,
  refillMs: 30_000,
  max: 20,
};

export const breakerDefaults: Readonly<Required<BreakerOptions>> = {
  failuresInRow: 5,
  failureShare: 0.5,
  windowCalls: 20,
  openMs: 1700,
  openMaxMs: 30_000,
  waitMs: 12_000,
};

/** Until a call ends, whatever happens. */
export const overallMsDefault = 30_000;

/** Time without end; a breaker that needs as many failures never opens. */
export const never = 1 / 0;
