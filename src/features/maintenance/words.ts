import { featureWords, settingsOf } from '../feature-words.ts';
import { maintenanceName, type MaintenanceSpec } from './settings.ts';

export const maintenanceWords = featureWords({
  settings: settingsOf(maintenanceName, (spec: MaintenanceSpec) => ({
    answer: { status: 503, message: spec.message, retryAfterMs: spec.retryAfterS * 1000 },
  })),
});
