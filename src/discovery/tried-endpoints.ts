import type { EndpointSnapshot } from '../core/snapshot.ts';
import { triedAllTheSame } from '../policy/eligible-endpoints.ts';
import { triedReason } from './outlier-reasons.ts';

/** Where no endpoint is healthy, the reason of one that gets requests all the same must not say that it gets none. */
export function withTriedReasons(
  endpoints: readonly EndpointSnapshot[],
  triesUnhealthy: boolean,
): readonly EndpointSnapshot[] {
  const tried = new Set(triedAllTheSame(endpoints, triesUnhealthy));
  if (tried.size === 0) return endpoints;
  return endpoints.map((endpoint) =>
    tried.has(endpoint) ? { ...endpoint, reason: `${endpoint.reason}; ${triedReason}` } : endpoint,
  );
}
