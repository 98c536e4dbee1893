import { featureWords } from '../feature-words.ts';
import { maintenanceName, type MaintenanceSpec } from './settings.ts';

export const maintenanceWords = featureWords({
  settings(features) {
    const spec = features?.[maintenanceName] as MaintenanceSpec | undefined;
    if (spec === undefined) return {};
    return { answer: { status: 503, message: spec.message, retryAfterMs: spec.retryAfterS * 1000 } };
  },
});
