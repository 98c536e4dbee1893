import type { FailureCount } from './outcome.ts';
import type { Instant } from './time.ts';

/** The states of a circuit breaker. `open`: requests are answered at once; `half_open`: a few at a time are let through. */
export const circuitStates = ['closed', 'open', 'half_open'] as const;

export type CircuitState = (typeof circuitStates)[number];

/** What the main thread has decided about the circuit breaker of a route; routes that are not mentioned are closed. */
export interface RouteBreakerState {
  readonly route: string;
  readonly state: Exclude<CircuitState, 'closed'>;
  /** One clause. */
  readonly reason: string;
  /** When it becomes half-open. */
  readonly until: Instant;
}

/** Results of the exchanges of one route since a worker's last batch. Structured-cloneable. */
export interface RouteOutcomes {
  readonly route: string;
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
