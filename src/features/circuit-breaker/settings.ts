import type { CircuitState } from '../../core/gateway-state.ts';
import type { FailureCount } from '../../core/outcome.ts';
import type { Instant } from '../../core/time.ts';

export const circuitBreakerName = 'circuit_breaker';

/** What the main thread has decided about the circuit breaker of a route; without a word of it, it is closed. */
export interface BreakerState {
  readonly state: Exclude<CircuitState, 'closed'>;
  /** One clause. */
  readonly reason: string;
  /** When it becomes half-open. */
  readonly until: Instant;
}

/** Results of the exchanges of a route since a worker's last report. */
export interface BreakerOutcomes {
  /** Its state when the requests passed it. */
  readonly state: 'closed' | 'half_open';
  successes: number;
  failures: number;
  /** How many of the latest exchanges in a row failed. */
  consecutiveFailures: number;
  /** Failures that were responses with a 5xx status. */
  serverErrors: number;
  readonly causes: FailureCount[];
}

/** The state of the circuit breaker of a route, in the status. */
interface BreakerStatus {
  readonly route: string;
  readonly upstream: string;
  readonly state: CircuitState;
  /** Why; '' where it is closed. */
  readonly reason: string;
  readonly sinceS: number;
  /** When it becomes half-open, rounded up; null where it is not open. */
  readonly retryAfterS: number | null;
}

export interface BreakersStatus {
  readonly breakers: readonly BreakerStatus[];
}
