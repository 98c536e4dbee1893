import type { WorkerCounts } from '../core/counters.ts';
import type { EndedExchange } from '../core/exchange.ts';
import { mayBeStale } from '../exchange/retry.ts';

/** Counts the attempts of an exchange that found their idle connection closed, by whether a retry followed. */
export function countStaleReuses(
  { attempts }: EndedExchange,
  counts: Pick<WorkerCounts, 'staleReusesRetried' | 'staleReusesFailed'>,
): void {
  for (const attempt of attempts) {
    if (!mayBeStale(attempt)) continue;
    if (attempt.retry) counts.staleReusesRetried++;
    else counts.staleReusesFailed++;
  }
}
