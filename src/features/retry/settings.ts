import type { FeatureSpecs } from '../../core/feature.ts';
import type { RetrySpec } from '../../core/route-spec.ts';

export const retryName = 'retry';

/** Undefined: a request that may have been executed is retried once at most. */
export function retryOf(features: FeatureSpecs | undefined): RetrySpec | undefined {
  return features?.[retryName] as RetrySpec | undefined;
}
