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
