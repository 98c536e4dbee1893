import type { ClientBreakerState } from './client-hooks.ts';
import type { RetryWhy } from './gateway-error.ts';

export interface ClientStats {
  readonly calls: number;
  readonly callsSucceeded: number;
  readonly callsFailed: number;
  /** Ended by the caller's signal. */
  readonly callsCancelled: number;
  /** Requests sent: the first of each call, retries and hedges. */
  readonly attempts: number;
  readonly retries: number;
  readonly hedges: number;
  readonly hedgesWon: number;
  /** Why calls that failed had no further attempt. */
  readonly notRetried: Readonly<Partial<Record<RetryWhy, number>>>;
  readonly inFlight: number;
  readonly queued: number;
  readonly hookErrors: number;
  readonly origins: readonly OriginStats[];
}

export interface OriginStats {
  readonly origin: string;
  readonly key: string;
  readonly breaker: ClientBreakerState;
  readonly failuresInRow: number;
  /** Retries that the budget allows at this moment. */
  readonly retriesLeft: number;
}
