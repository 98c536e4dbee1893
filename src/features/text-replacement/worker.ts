import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { replacementName, type ReplacementSpec } from './settings.ts';

/** Most routes replace nothing: what does is loaded where one does. */
let filters: typeof import('./worker-filter.ts') | null = null;

export const textReplacement = workerFeature<ReplacementSpec, FeaturePart>({
  name: replacementName,
  async load() {
    filters = await import('./worker-filter.ts');
  },
  prepare(_, spec) {
    if (filters === null) throw new Error('load comes first');
    const filter = new filters.ReplacementFilter(spec);
    // What comes coded or in ranges could not be read.
    return { hooks: { filters: [filter], requestHeadersRemoved: ['accept-encoding', 'range', 'if-range'] } };
  },
});
