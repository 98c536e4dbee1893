import type { FeatureSpecs } from '../../core/feature.ts';
import type { RequestPriority } from '../../core/route-spec.ts';
import type { ConcurrencySpec } from '../../core/upstream-spec.ts';

export const concurrencyName = 'concurrency';

/** What a route or an upstream says of requests in flight. */
export interface ConcurrencySettings {
  /** How many may be in flight; absent: the scope has no bound of its own. */
  readonly bound?: ConcurrencySpec;
  /** Of a route: whose turn comes first where requests wait for one; absent: 'normal'. */
  readonly priority?: RequestPriority;
}

export function concurrencyOf(features: FeatureSpecs | undefined): ConcurrencySettings {
  return (features?.[concurrencyName] as ConcurrencySettings | undefined) ?? {};
}
