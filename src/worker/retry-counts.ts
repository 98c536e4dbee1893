import type { WorkerCounts } from '../core/counters.ts';
import type { AttemptFacts } from '../core/exchange.ts';

/** Counts the retries and hedges of an exchange. Nearly all have one attempt, which costs one comparison. */
export function countRetries(
  attempts: readonly Pick<AttemptFacts, 'retry' | 'retryReason'>[],
  counts: Pick<WorkerCounts, 'retriesTotal' | 'hedgesTotal' | 'retriesOverBudgetTotal'>,
): void {
  const last = attempts.at(-1);
  if (last === undefined || (attempts.length === 1 && last.retryReason === 'accepted')) return;
  const isHedged = attempts.some(({ retryReason }) => retryReason === 'hedged' || retryReason === 'superseded');
  if (isHedged) counts.hedgesTotal++;
  counts.retriesTotal += attempts.length - (isHedged ? 2 : 1);
  if (last.retryReason === 'budget_spent') counts.retriesOverBudgetTotal++;
}
