import type { EndpointResponses } from '../core/attempt-counts.ts';
import type { ExchangeCount } from '../core/counters.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { ErrorBody, RouteTraffic } from '../core/route-traffic.ts';

/** What workers have counted since the last time. */
export interface WorkerTraffic {
  readonly exchanges: readonly ExchangeCount[];
  readonly outcomes: readonly EndpointOutcomes[];
  /** Requests that failed on a connection that the endpoint was closing. */
  readonly staleReusesFailed: number;
  /** Absent: how long the responses of routes take is not known. */
  readonly routes?: readonly RouteTraffic[];
  /** Absent: which methods requests had is not known. */
  readonly responses?: readonly EndpointResponses[];
  /** Absent: none was kept. */
  readonly errorBodies?: readonly ErrorBody[];
}
