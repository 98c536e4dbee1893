import type { BodyLimits } from '../../core/body-limit.ts';
import type { FeatureSpecs } from '../../core/feature.ts';

export const bodyLimitsName = 'body_limits';

/** Null: the limits of listeners hold. */
export function bodyLimitsOf(features: FeatureSpecs | undefined): BodyLimits | null {
  return (features?.[bodyLimitsName] as BodyLimits | undefined) ?? null;
}
