import type { ApplicationSpec } from './configuration.ts';

/** How often the program of an instance has ended by itself. */
export interface Exits {
  /** In a row, none after a run of `resetAfterMs`. */
  readonly failures: number;
  /** Those of `failures` that came since the last run that served. */
  readonly failedStarts: number;
}

/**
 * The longest delay after a run that served, unless `firstMs` is longer. Requests that wait for an instance (`when_none_ready`, 5 s by default)
 * outlast it together with a start of some seconds.
 */
const afterServingMsMax = 1_000;

/** The longest delay before the next run. It doubles up to `maxMs` while no run serves; after one that served it stays short (ADR 23). */
export function restartDelayMsMax(
  { failures, failedStarts }: Exits,
  { firstMs, maxMs }: Pick<ApplicationSpec['restart'], 'firstMs' | 'maxMs'>,
): number {
  const hasServed = failedStarts === 0;
  const doublings = (hasServed ? failures : failedStarts) - 1;
  const limitMs = hasServed ? Math.max(firstMs, afterServingMsMax) : maxMs;
  // Beyond 2^30 the maximum has long been reached.
  return Math.min(maxMs, limitMs, firstMs * 2 ** Math.min(doublings, 30));
}
