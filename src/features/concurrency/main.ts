import { mainFeature } from '../main-feature.ts';
import { type ConcurrencySettings, concurrencyName } from './settings.ts';

export const concurrency = mainFeature<ConcurrencySettings, never>({
  name: concurrencyName,
  sharesSemaphores: ({ bound }) => bound !== undefined,
});
