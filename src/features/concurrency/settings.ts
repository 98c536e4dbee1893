import type { FeatureKind, FeatureSpecs } from '../../core/feature.ts';
import type { RequestPriority } from '../../core/route-spec.ts';
import type { ConcurrencySpec } from '../../core/upstream-spec.ts';
import type { WaitingCount } from '../../core/waiting-requests.ts';

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

/** A bound of requests in flight, in the status. */
export interface BoundView {
  readonly kind: FeatureKind;
  readonly id: string;
  /** Requests in flight, in all workers. */
  readonly requests: number;
  /** How many there may be; null: a bound that adapts and has had no request yet. */
  readonly limit: number | null;
  readonly adaptive: boolean;
  readonly waiting: readonly WaitingCount[];
}

export interface ConcurrencyStatus {
  readonly bounds: readonly BoundView[];
}
