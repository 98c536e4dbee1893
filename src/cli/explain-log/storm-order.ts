import type { Storm } from '../../diagnose/summary-report.ts';

/** How many requests failed in it, of themselves or as a consequence. */
export function stormSize(storm: Storm | undefined): number {
  return storm === undefined ? 0 : storm.count + storm.consequences;
}

/** The storm that somebody was called for is the largest, and seldom the first; of equals, the first comes first. */
export function worstFirst(storms: readonly Storm[]): readonly Storm[] {
  return storms.toSorted((a, b) => stormSize(b) - stormSize(a));
}
