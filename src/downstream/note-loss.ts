import type { WorkerCounts } from '../core/counters.ts';
import { meaningOf } from '../core/errno-meaning.ts';

/**
 * A client's connection is gone, and that is all that follows, whatever the code says. One that nobody has met is counted
 * all the same: it is a hole in our tables, as it is towards endpoints.
 */
export function noteLoss(errno: string | null, counts: WorkerCounts): void {
  if (errno !== null && meaningOf(errno) === null) counts.unclassifiedTotal++;
}
