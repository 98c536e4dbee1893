import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { errorReplacementName, type ErrorReplacementSpec } from './settings.ts';

/** Most routes replace nothing: what does is loaded where one does. */
let loaded: typeof import('./worker-filter.ts') | null = null;

export const errorReplacement = workerFeature<ErrorReplacementSpec, FeaturePart>({
  name: errorReplacementName,
  async load() {
    loaded = await import('./worker-filter.ts');
  },
  prepare(_, { statuses }) {
    if (loaded === null) throw new Error('load comes first');
    return { hooks: { filters: [loaded.replacementFilter(new Set(statuses))] } };
  },
});
