import type { BodyLimits } from '../../core/body-limit.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { bodyLimitsName } from './settings.ts';

export const bodyLimits = workerFeature<BodyLimits, FeaturePart>({
  name: bodyLimitsName,
  prepare: (_, spec) => ({ hooks: { bodyLimits: spec } }),
});
