import { answeredBetween, type BadResponses, EndpointCount } from './endpoint-count.ts';
import type { AttemptDelta } from './upstream-failures.ts';

/** Endpoints that are counted. */
const endpointsMax = 200;

/**
 * The requests and attempts of an incident, from its first failure to its last. Those that come later (`isLater`) belong to it once another failure
 * follows.
 */
export class IncidentRequests {
  all = 0;
  later = 0;
  /** Of the routes that fail. */
  ofRoutes = 0;
  laterOfRoutes = 0;
  readonly #endpoints = new Map<string, EndpointCount>();
  readonly #laterAttempts = new Map<string, AttemptDelta>();

  count(requests: number, isLater: boolean): void {
    if (isLater) this.later += requests;
    else this.all += requests;
  }

  countOfRoutes(requests: number, isLater: boolean): void {
    if (isLater) this.laterOfRoutes += requests;
    else this.ofRoutes += requests;
  }

  countAttempts(delta: AttemptDelta, isLater: boolean): void {
    if (!isLater) return this.#endpoint(delta.endpoint)?.count(delta);
    const known = this.#laterAttempts.get(delta.endpoint);
    if (known === undefined) {
      if (this.#laterAttempts.size < endpointsMax) this.#laterAttempts.set(delta.endpoint, { ...delta });
      return;
    }
    for (const key of ['attempts', 'failed', 'late', 'changed', 'answered', 'notHttp', 'invalid'] as const)
      known[key] += delta[key];
  }

  /** Another failure has followed. */
  addLater(): void {
    for (const [endpoint, delta] of this.#laterAttempts) this.#endpoint(endpoint)?.count(delta);
    this.all += this.later;
    this.ofRoutes += this.laterOfRoutes;
    this.#laterAttempts.clear();
    this.later = 0;
    this.laterOfRoutes = 0;
  }

  absorb(other: IncidentRequests): void {
    other.addLater();
    this.all += other.all;
    for (const [endpoint, count] of other.#endpoints) this.#endpoint(endpoint)?.add(count);
  }

  get endpoints(): ReadonlyMap<string, EndpointCount> {
    return this.#endpoints;
  }

  /** Null: there are too many. */
  #endpoint(endpoint: string): EndpointCount | null {
    const known = this.#endpoints.get(endpoint);
    if (known !== undefined || this.#endpoints.size >= endpointsMax) return known ?? null;
    const count = new EndpointCount();
    this.#endpoints.set(endpoint, count);
    return count;
  }

  /** Whether requests have failed there, or were late or answered otherwise. */
  hasFailedAt(endpoint: string): boolean {
    const counted = this.#endpoints.get(endpoint);
    return counted !== undefined && counted.failed + counted.late + counted.changed > 0;
  }

  /** See `answeredBetween` in endpoint-count.ts. */
  answeredBetween(kind: BadResponses): number | null {
    return answeredBetween([...this.#endpoints.values()], kind);
  }
}
