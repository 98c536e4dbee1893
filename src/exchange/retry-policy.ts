import type { RetrySpec } from '../core/route-spec.ts';
import { LatencyQuantile } from '../policy/latency-quantile.ts';

/** The `retry` of a route, compiled. */
export interface RetryPolicy extends Omit<RetrySpec, 'statuses' | 'hedge'> {
  readonly statuses: ReadonlySet<number>;
  /** How long first attempts of the route take, as far as this worker has seen; null: the route does not hedge. */
  readonly latency: LatencyQuantile | null;
}

/** Of routes that say nothing of retries. */
export const noRetry: RetryPolicy = {
  ...{ attemptsMax: null, statuses: new Set<number>(), attemptMs: null, backoffMs: 0, backoffMaxMs: 0 },
  ...{ idempotencyKey: false, attemptHeaders: false, latency: null },
};

export function compileRetry({ statuses, hedge, ...spec }: RetrySpec): RetryPolicy {
  return { ...spec, statuses: new Set(statuses), latency: hedge ? new LatencyQuantile() : null };
}
