import type { QueuedFor } from './waiting-requests.ts';

/** The states of a circuit breaker. `open`: requests are answered at once; `half_open`: a few at a time are let through. */
export const circuitStates = ['closed', 'open', 'half_open'] as const;

export type CircuitState = (typeof circuitStates)[number];

/**
 * What a worker knew of the surroundings of an exchange when it failed: the member `gateway_state` of its record. Counts of connections, of
 * requests in flight and of those that wait are sums over all workers, except of requests that wait until an endpoint is ready.
 */
export interface GatewayState {
  /** The hash of the configuration that the exchange was served by; null: it is of long ago. */
  readonly configuration: string | null;
  /** Of how many endpoints of the upstream (`endpoints_total`) nothing spoke against requests: neither their state nor a refused connection. Absent: the exchange had no upstream. */
  readonly endpoints_ready?: number;
  readonly endpoints_total?: number;
  /** Those of the last attempts; without an attempt, and where all of them have gone, the first of the upstream. */
  readonly endpoints?: readonly EndpointCondition[];
  /** The circuit breaker of the route; absent: it has none. */
  readonly breaker?: { readonly state: CircuitState; readonly reason: string | null };
  /** Where requests waited, and bounds of requests in flight; absent: none did, and there are none. */
  readonly queues?: readonly QueueState[];
}

export interface EndpointCondition {
  readonly endpoint: string;
  readonly state: string;
  /** For how long it had been in that state. */
  readonly since_ms: number;
  /** One sentence. */
  readonly reason: string;
  /** It refused the last connection, a moment ago; otherwise absent. */
  readonly refusing?: true;
  /** Its pool: connections that were open, or being opened; how many of them were idle; requests that waited for one; and how many may be open. */
  readonly open: number;
  readonly idle: number;
  readonly waiting: number;
  readonly open_max: number;
  /** Connections besides these, with tunnels and responses that are streams, and how many of them may be; absent: there are none. */
  readonly long_lived?: number;
  readonly long_lived_max?: number;
  /** Requests in flight, where the upstream bounds them (`connections.requests_max`). */
  readonly in_flight?: number;
  readonly in_flight_max?: number;
}

export interface QueueState {
  /** Such as 'route /api' or 'upstream app'. */
  readonly queue: string;
  readonly for: QueuedFor;
  readonly waiting: number;
  /** Of a queue for turns. */
  readonly in_flight?: number;
  readonly in_flight_max?: number;
}

/** So many endpoints have an entry. */
export const endpointConditionsMax = 4;
