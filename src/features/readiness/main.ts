import { mainFeature } from '../main-feature.ts';
import { readinessName } from './settings.ts';

export const readiness = mainFeature({ name: readinessName, serves: 'checks' });
