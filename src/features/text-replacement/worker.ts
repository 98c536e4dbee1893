import { lazyWorkerFeature } from '../worker-feature.ts';
import { replacementName, type ReplacementSpec } from './settings.ts';

export const textReplacement = lazyWorkerFeature(
  replacementName,
  () => import('./worker-filter.ts'),
  ({ ReplacementFilter }, _, spec: ReplacementSpec) => ({
    // What comes coded or in ranges could not be read.
    hooks: {
      filters: [new ReplacementFilter(spec)],
      requestHeadersRemoved: ['accept-encoding', 'range', 'if-range'],
    },
  }),
);
