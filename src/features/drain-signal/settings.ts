import type { FeatureSpecs } from '../../core/feature.ts';
import type { DrainSignalSpec } from '../../core/upstream-spec.ts';

export const drainSignalName = 'drain_signal';

/** Undefined: endpoints are not listened to. */
export function drainSignalOf(features: FeatureSpecs | undefined): DrainSignalSpec | undefined {
  return features?.[drainSignalName] as DrainSignalSpec | undefined;
}

/** What a worker reports of an upstream: the endpoints that have said that they want no new requests. */
export interface DrainReport {
  readonly endpoints: readonly string[];
}
