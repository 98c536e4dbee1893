import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { bandwidthName, type BandwidthSpec } from './settings.ts';

/** Loaded where a route has a limit. */
let loaded: typeof import('./worker-part.ts') | null = null;

export const bandwidth = workerFeature<BandwidthSpec, FeaturePart>({
  name: bandwidthName,
  async load() {
    loaded = await import('./worker-part.ts');
  },
  prepare(scope, spec, ports) {
    if (loaded === null) throw new Error('a feature is loaded before it is prepared');
    return loaded.bandwidthPart(scope, spec, ports);
  },
});
