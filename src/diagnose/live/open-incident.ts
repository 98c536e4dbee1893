import { shapeOfType, specOfCause } from '../../core/explain.ts';
import type { Cause } from '../../core/failure.ts';
import { isConsequenceOf } from './failure-family.ts';
import type { CountedCause, FailureFamily, IncidentSuspect, LiveIncident } from '../../core/live-incident.ts';
import { SeenEndpoints } from './seen-endpoints.ts';
import type { DirectLook } from './watched-upstream.ts';
import type { CountedFailure, AttemptDelta, FailureDelta } from './upstream-failures.ts';

/** Kinds, routes and endpoints that are counted by their names. */
const namesMax = 200;

/** Of each list, the largest are shown. */
const shownMax = 20;

/** Failures of another family belong to an incident that has begun so short a time before. */
const togetherS = 10;

interface KindCount {
  readonly family: FailureFamily;
  readonly firstSecond: number;
  failed: number;
  attemptsFailed: number;
}

interface EndpointCount {
  attempts: number;
  failed: number;
}

/** An incident that goes on. */
export class OpenIncident {
  readonly id: number;
  readonly upstream: string;
  readonly families: Set<FailureFamily>;
  readonly startSecond: number;
  readonly openedAt: number;
  readonly rateBefore: number | null;
  readonly seenEndpoints = new SeenEndpoints();
  /** The usual rate before it; null: requests came too seldom, or for too short a time. */
  steadyRateBefore: number | null = null;
  /** Null: the gateway has not looked there yet, or could not. */
  directLook: DirectLook | null = null;
  lastSecond: number;
  suspects: readonly IncidentSuspect[] = [];
  requests = 0;
  staleReusesFailed = 0;
  /** Failures that an earlier process has counted. */
  sizeBefore = 0;
  /** Failures when it was last reported. */
  reported = 0;
  #root: FailureFamily;
  #failed = 0;
  #attemptsFailed = 0;
  readonly #kinds = new Map<CountedFailure, KindCount>();
  readonly #routes = new Map<string, number>();
  readonly #endpoints = new Map<string, EndpointCount>();

  constructor(
    id: number,
    upstream: string,
    root: FailureFamily,
    startSecond: number,
    openedAt: number,
    rateBefore: number | null,
  ) {
    this.id = id;
    this.upstream = upstream;
    this.#root = root;
    this.families = new Set([root]);
    this.startSecond = startSecond;
    this.lastSecond = startSecond;
    this.openedAt = openedAt;
    this.rateBefore = rateBefore;
  }

  /** Of the failures that are counted, in requests and attempts. */
  get size(): number {
    return Math.max(this.#failed, this.#attemptsFailed);
  }

  /** Whether failures of this family, which now are many, belong to it. */
  takes(family: FailureFamily, startSecond: number): boolean {
    if (this.families.has(family)) return true;
    if (isConsequenceOf(family, this.#root) || isConsequenceOf(this.#root, family)) return true;
    if (family === 'application' || this.#root === 'application') return false;
    return Math.abs(startSecond - this.startSecond) <= togetherS;
  }

  /** Counts its failures too. An incident that began with a consequence has its cause in them. */
  take(family: FailureFamily): void {
    this.families.add(family);
    if (isConsequenceOf(this.#root, family)) this.#root = family;
  }

  count({ second, family, kind, route, failed, attemptsFailed }: FailureDelta): void {
    if (second < this.startSecond || !this.families.has(family)) return;
    this.lastSecond = Math.max(this.lastSecond, second);
    this.#failed += failed;
    this.#attemptsFailed += attemptsFailed;
    const known = this.#kinds.get(kind);
    if (known !== undefined) {
      known.failed += failed;
      known.attemptsFailed += attemptsFailed;
    } else if (this.#kinds.size < namesMax)
      this.#kinds.set(kind, { family, firstSecond: second, failed, attemptsFailed });
    if (failed > 0 && (this.#routes.has(route) || this.#routes.size < namesMax))
      this.#routes.set(route, (this.#routes.get(route) ?? 0) + failed);
  }

  countEndpoint({ second, endpoint, attempts, failed }: AttemptDelta): void {
    if (second < this.startSecond) return;
    const known = this.#endpoints.get(endpoint);
    if (known === undefined) {
      if (this.#endpoints.size < namesMax) this.#endpoints.set(endpoint, { attempts, failed });
      return;
    }
    known.attempts += attempts;
    known.failed += failed;
  }

  /** `beganAt`: wall time of second 0. */
  facts(now: number, beganAt: number, resolvedAt: number | null): LiveIncident {
    const root = this.#rootCause();
    const spec = root === 'application_5xx' ? null : specOfCause(root);
    const seconds = Math.max(1, (now - beganAt) / 1000 - this.startSecond);
    return {
      id: this.id,
      upstream: this.upstream,
      family: this.#root,
      cause: root === 'application_5xx' ? null : root,
      shape: spec === null ? 'app_error' : shapeOfType(spec.type),
      whose: spec?.whose ?? 'application',
      startedAt: beganAt + this.startSecond * 1000,
      openedAt: this.openedAt,
      lastAt: Math.min(now, beganAt + this.lastSecond * 1000 + 999),
      resolvedAt,
      requests: Math.max(this.requests, this.#failed),
      failed: this.#failed,
      attemptsFailed: this.#attemptsFailed,
      causes: this.#causes(),
      routes: largest([...this.#routes].map(([route, failed]) => ({ route, failed }))),
      endpoints: largest([...this.#endpoints].map(([endpoint, counts]) => ({ endpoint, ...counts }))),
      rate: { before: this.rateBefore, during: Math.max(this.requests, this.#failed) / seconds },
      suspects: this.suspects,
    };
  }

  /** The commonest kind of the family that began. */
  #rootCause(): CountedFailure {
    const kinds = [...this.#kinds].filter(([, { family }]) => family === this.#root);
    const [first] = kinds.sort(([, a], [, b]) => countOf(b) - countOf(a) || a.firstSecond - b.firstSecond);
    return first?.[0] ?? ('no_endpoint_ready' satisfies Cause);
  }

  #causes(): readonly CountedCause[] {
    const all = [...this.#kinds].map(([cause, kind]) => ({
      cause,
      count: countOf(kind),
      isConsequence: isConsequenceOf(kind.family, this.#root),
    }));
    return all.sort((a, b) => b.count - a.count).slice(0, shownMax);
  }
}

/** A request that failed, and the attempt by which it failed, are counted once. */
const countOf = ({ failed, attemptsFailed }: KindCount): number => Math.max(failed, attemptsFailed);

function largest<T extends { readonly failed: number }>(all: readonly T[]): readonly T[] {
  return all.toSorted((a, b) => b.failed - a.failed).slice(0, shownMax);
}
