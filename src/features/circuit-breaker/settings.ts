import type { FeatureSpecs } from '../../core/feature.ts';
import type { CircuitState } from '../../core/gateway-state.ts';
import type { FailureCount } from '../../core/failure-count.ts';
import type { EndpointOutcomes } from '../../core/outcome.ts';
import type { Instant } from '../../core/time.ts';
import type { CircuitBreakerSpec } from '../../policy/outlier-settings.ts';
import type { GatewayStatus } from '../../core/schemas/status.ts';

/** Of a route. */
export const circuitBreakerName = 'circuit_breaker';

/** Of each endpoint of an upstream. */
export const endpointBreakerName = 'endpoint_circuit_breaker';

export type EndpointBreakerSpec = CircuitBreakerSpec;

/** Undefined: endpoints that may not be ejected get requests all the same. */
export function endpointBreakerOf(features: FeatureSpecs | undefined): EndpointBreakerSpec | undefined {
  return features?.[endpointBreakerName] as EndpointBreakerSpec | undefined;
}

/** The circuit breaker of a route, which opens when its requests fail at whatever endpoint. */
export interface RouteBreakerSpec {
  readonly windowMs: number;
  /** Fewer requests within the window decide nothing. */
  readonly requestsMin: number;
  /** A larger share of failures opens it, and so do so many failures in a row. */
  readonly failureShareMax: number;
  readonly consecutiveFailuresMax: number;
  /** Responses with a 5xx status are failures. */
  readonly countsServerErrors: boolean;
  /** How long it is open the first time; each further time is twice as long, up to the longest. */
  readonly openMs: number;
  readonly openMaxMs: number;
  /** How many requests it lets through at a time while it is half-open, over all workers. */
  readonly probesMax: number;
}

/** What the main thread has decided about the circuit breaker of a route; without a word of it, it is closed. */
export interface BreakerState {
  readonly state: Exclude<CircuitState, 'closed'>;
  /** One clause. */
  readonly reason: string;
  /** When it becomes half-open. */
  readonly until: Instant;
}

/** Results of the exchanges of a route since a worker's last report. */
export interface BreakerOutcomes extends Pick<EndpointOutcomes, 'failedClients' | 'answeredBy'> {
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

export type BreakersStatus = Pick<GatewayStatus, 'breakers'>;
