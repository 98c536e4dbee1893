import type { FailureBurst } from '../../diagnose/summary-report.ts';
import { manyText, numberText } from './finding-words.ts';

/** How many requests failed in the burst, with a cause of their own or as a consequence. */
export function burstSize(burst: FailureBurst | undefined): number {
  return burst === undefined ? 0 : burst.count + burst.consequences;
}

/**
 * The largest burst first, since that is the one that people were alerted for; it is seldom the first in time. Equal
 * bursts stay in order.
 */
export function worstFirst(bursts: readonly FailureBurst[]): readonly FailureBurst[] {
  return bursts.toSorted((a, b) => burstSize(b) - burstSize(a));
}

/** How many requests failed and how fast. Says so if all of them followed from a failure that is not in the log. */
export function rateText({ count, consequences, perMinute }: FailureBurst): string {
  const rate = `${numberText(Math.round(perMinute))} a minute`;
  if (count === 0) return `${manyText(consequences, 'failure')} that followed from another failure, ${rate}`;
  const followed = consequences === 0 ? '' : `; ${numberText(consequences)} more followed from them`;
  return `${manyText(count, 'failure')}, ${rate}${followed}`;
}
