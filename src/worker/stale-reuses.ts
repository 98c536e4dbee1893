import type { WorkerCounts } from '../core/counters.ts';
import type { EndedExchange } from '../core/exchange.ts';
import { mayBeStale } from '../exchange/retry.ts';

/** The endpoint has said by which error it ended the connection: it did not close it because it was idle. */
function endedByError({ failure }: EndedExchange['attempts'][number]): boolean {
  return failure !== null && 'goAway' in failure.evidence && failure.evidence.goAway !== undefined;
}

/** Counts the attempts of an exchange that found their idle connection closed, by whether a retry followed. */
export function countStaleReuses(
  { attempts }: EndedExchange,
  counts: Pick<WorkerCounts, 'staleReusesRetried' | 'staleReusesFailed'>,
): void {
  for (const attempt of attempts) {
    if (!mayBeStale(attempt) || endedByError(attempt)) continue;
    if (attempt.retry) counts.staleReusesRetried++;
    else counts.staleReusesFailed++;
  }
}
