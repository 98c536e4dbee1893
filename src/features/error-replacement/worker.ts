import { lazyWorkerFeature } from '../worker-feature.ts';
import { errorReplacementName, type ErrorReplacementSpec } from './settings.ts';

export const errorReplacement = lazyWorkerFeature(
  errorReplacementName,
  () => import('./worker-filter.ts'),
  ({ replacementFilter }, _, { statuses }: ErrorReplacementSpec) => ({
    hooks: { filters: [replacementFilter(new Set(statuses))] },
  }),
);
