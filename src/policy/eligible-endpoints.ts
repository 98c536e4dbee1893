import type { EndpointState } from '../core/endpoint.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';

/** What decides whether an endpoint may be chosen. */
interface EligibilityFacts {
  readonly state: EndpointState;
  /** Absent or null: requests can be sent there. */
  readonly failure?: unknown;
  /** Absent: 1. */
  readonly weight?: number;
}

/** Nothing speaks against it. */
export function isReadyState({ state }: Pick<EligibilityFacts, 'state'>): boolean {
  return state === 'healthy' || state === 'unchecked';
}

/** Whether an endpoint is ready and was not at some time since `before`. Its state may have changed twice between two deltas. */
export function hasComeBack(
  before: Pick<EndpointSnapshot, 'state' | 'sinceInstant'>,
  now: Pick<EndpointSnapshot, 'state' | 'sinceInstant'>,
): boolean {
  return isReadyState(now) && (!isReadyState(before) || now.sinceInstant > before.sinceInstant);
}

/**
 * Endpoints that are healthy or unchecked. While there is none: endpoints on probation, those that are ejected although
 * their checks pass, and those whose first check is not back. The record says which it was. Endpoints with the weight 0
 * are among them only while all others are out. While there is none of these either, those whose checks fail, if the upstream tries them.
 */
export function eligibleOf<E extends EligibilityFacts>(endpoints: readonly E[], triesUnhealthy: boolean): readonly E[] {
  const ready = endpoints.filter(isReadyState);
  if (ready.length > 0) return weightedOf(ready);
  const possible = endpoints.filter(({ failure = null }) => failure === null);
  const doubtful = possible.filter(({ state }) => state === 'probation' || state === 'ejected' || state === 'unknown');
  if (doubtful.length > 0 || !triesUnhealthy) return weightedOf(doubtful);
  return weightedOf(possible.filter(({ state }) => state === 'unhealthy'));
}

/** Endpoints that are tried all the same although something speaks against them, because no other endpoint is left. */
export function triedAllTheSame<E extends EligibilityFacts>(
  endpoints: readonly E[],
  triesUnhealthy: boolean,
): readonly E[] {
  if (endpoints.some(isReadyState)) return [];
  return eligibleOf(endpoints, triesUnhealthy).filter(({ state }) => state !== 'unknown');
}

function weightedOf<E extends EligibilityFacts>(endpoints: readonly E[]): readonly E[] {
  const weighted = endpoints.filter(({ weight = 1 }) => weight > 0);
  return weighted.length > 0 ? weighted : endpoints;
}
