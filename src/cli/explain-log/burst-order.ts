import type { FailureBurst } from '../../diagnose/summary-report.ts';
import { manyText, numberText } from './finding-words.ts';

/** How many requests failed in it, of themselves or as a consequence. */
export function burstSize(burst: FailureBurst | undefined): number {
  return burst === undefined ? 0 : burst.count + burst.consequences;
}

/** The storm that somebody was called for is the largest, and seldom the first; of equals, the first comes first. */
export function worstFirst(bursts: readonly FailureBurst[]): readonly FailureBurst[] {
  return bursts.toSorted((a, b) => burstSize(b) - burstSize(a));
}

/** How many failed and how fast; where all of them followed from a failure that is not in the log, it says so. */
export function rateText({ count, consequences, perMinute }: FailureBurst): string {
  const rate = `${numberText(Math.round(perMinute))} a minute`;
  if (count === 0) return `${manyText(consequences, 'failure')} that followed from another, ${rate}`;
  const followed = consequences === 0 ? '' : `; ${numberText(consequences)} more followed from them`;
  return `${manyText(count, 'failure')}, ${rate}${followed}`;
}
