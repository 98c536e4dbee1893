/** What the package exports. */
export type { CallFailure, ClientCause, FailureCause, FailureWriter } from './call-failure.ts';
export type { ClientClock, ClientRandom } from './client-clock.ts';
export type * from './client-hooks.ts';
export type { ClientStats, OriginStats } from './client-stats.ts';
export type * from './fetch-options.ts';
export * from './gateway-error.ts';
export type { ClassifyResponse, ResponseFacts, ResponseSignature } from './response-facts.ts';
export type * from './retry-options.ts';
export { decideNextStep, type DecisionFacts, type NextStep } from './retry-decision.ts';
export {
  type BreakerRefusal,
  type CallFacts,
  type ClientRetryPolicy,
  createRetryPolicy,
  type PolicyCall,
} from './retry-policy.ts';
export { failureOf } from './resilient-call.ts';
export { createFetch } from './resilient-fetch.ts';
