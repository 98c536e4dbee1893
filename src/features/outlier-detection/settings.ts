import type { FeatureSpecs } from '../../core/feature.ts';
import type { OutlierDetectionSpec } from '../../policy/outlier-settings.ts';

export const outlierDetectionName = 'outlier_detection';

export interface OutlierDetectionSettings {
  /** Null: traffic takes no endpoint out. */
  readonly detection: OutlierDetectionSpec | null;
}

/** Undefined: it is as by default. */
export function outlierDetectionOf(features: FeatureSpecs | undefined): OutlierDetectionSpec | null | undefined {
  return (features?.[outlierDetectionName] as OutlierDetectionSettings | undefined)?.detection;
}
