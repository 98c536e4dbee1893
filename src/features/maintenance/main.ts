import { mainFeature } from '../main-feature.ts';
import { maintenanceName } from './settings.ts';

export const maintenance = mainFeature({ name: maintenanceName, serves: 'nobody' });
