import type { RetrySpec } from '../../core/route-spec.ts';
import { attemptCountName, expectedTimeoutName } from '../../exchange/announced-request.ts';
import { compileRetry } from '../../exchange/retry-policy.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { retryName } from './settings.ts';

/** Where the gateway counts attempts, the counts of others are dropped: each of them is that of another hop. */
const countNames = [attemptCountName, expectedTimeoutName];

export const retry = workerFeature<RetrySpec, FeaturePart>({
  name: retryName,
  // How long attempts take is learnt anew after a reload.
  prepare: (_, spec) => ({
    hooks: { retry: compileRetry(spec), ...(spec.attemptHeaders ? { requestHeadersRemoved: countNames } : {}) },
  }),
});
