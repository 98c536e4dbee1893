import { lazyWorkerFeature } from '../worker-feature.ts';
import { rateLimitsName, type RateLimitsSpec } from './settings.ts';
import type { RateLimitsPart } from './worker-part.ts';

export const rateLimits = lazyWorkerFeature(
  rateLimitsName,
  () => import('./worker-part.ts'),
  ({ rateLimitsPart }, scope, spec: RateLimitsSpec, ports, previous: RateLimitsPart | null) =>
    rateLimitsPart(scope, spec, ports, previous),
);
