import { maintenanceFilter } from '../../filters/maintenance.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { maintenanceName, type MaintenanceSpec } from './settings.ts';

export const maintenance = workerFeature<MaintenanceSpec, FeaturePart>({
  name: maintenanceName,
  prepare: ({ id }, { message, retryAfterS }) => ({
    hooks: { filters: [maintenanceFilter(id, message, retryAfterS)] },
  }),
});
