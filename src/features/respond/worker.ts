import { respondFilter } from '../../filters/respond.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { respondName, type RespondSpec } from './settings.ts';

export const respond = workerFeature<RespondSpec, FeaturePart>({
  name: respondName,
  prepare: (_, { status, contentType, body }) => ({ hooks: { filters: [respondFilter(status, contentType, body)] } }),
});
