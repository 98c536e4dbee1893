import { workerFeature } from '../worker-feature.ts';
import { rateLimitsName, type RateLimitsSpec } from './settings.ts';
import type { RateLimitsPart } from './worker-part.ts';

/** Loaded where a route has a limit. */
let loaded: typeof import('./worker-part.ts') | null = null;

export const rateLimits = workerFeature<RateLimitsSpec, RateLimitsPart>({
  name: rateLimitsName,
  async load() {
    loaded = await import('./worker-part.ts');
  },
  prepare(scope, spec, ports, previous) {
    if (loaded === null) throw new Error('a feature is loaded before it is prepared');
    return loaded.rateLimitsPart(scope, spec, ports, previous);
  },
});
