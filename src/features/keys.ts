import { circuitBreaker, circuitBreakerKeys } from './circuit-breaker/keys.ts';
import { concurrency, concurrencyRouteKeys, concurrencyUpstreamKeys } from './concurrency/keys.ts';
import { drainSignalKeys, drainSignals } from './drain-signal/keys.ts';
import { objectives, objectivesKeys } from './objectives/keys.ts';
import { retries, retryFileKeys, retryRouteKeys } from './retry/keys.ts';
import type { FeatureKeys } from './feature-keys.ts';

/** What a route may say of features. */
export const routeFeatureKeys = {
  ...retryRouteKeys,
  ...objectivesKeys,
  ...circuitBreakerKeys,
  ...concurrencyRouteKeys,
};

/** What the file says for every route that says nothing else. */
export const fileFeatureKeys = { ...retryFileKeys };

/** What an upstream or an application may say of features. */
export const upstreamFeatureKeys = { ...concurrencyUpstreamKeys, ...drainSignalKeys };

export const featuresOfFile: readonly FeatureKeys[] = [retries, objectives, circuitBreaker, concurrency, drainSignals];
