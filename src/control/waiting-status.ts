import type { Configuration } from '../core/configuration.ts';
import { type FeatureKind, type FeatureSemaphores, partKey } from '../core/feature.ts';
import type { ConcurrencySpec } from '../core/upstream-spec.ts';
import { type ConcurrencySettings, concurrencyName } from '../features/concurrency/settings.ts';
import { scopesOf } from './features.ts';
import type { SemaphoreHandle } from '../core/semaphores.ts';
import type { Instant } from '../core/time.ts';
import type { WaitingFor, WaitingRequests } from '../core/waiting-requests.ts';
import type { BoundCounts } from '../limits/shared-counts.ts';
import type { BoundStatus, WaitingStatus } from '../core/schemas/status.ts';

const order: readonly WaitingFor[] = ['turn', 'endpoint', 'connection', 'response'];

/** The requests of all workers that wait at a route or upstream. */
export function waitingStatus(at: string, reports: readonly WaitingRequests[], now: Instant): WaitingStatus[] {
  return order.flatMap((what) => {
    const own = reports.filter((report) => report.at === at && report.for === what);
    if (own.length === 0) return [];
    const count = own.reduce((sum, report) => sum + report.count, 0);
    const oldest = Math.min(...own.map(({ sinceInstant }) => sinceInstant));
    return [{ for: what, count, oldestMs: Math.max(0, Math.round(now - oldest)) }];
  });
}

/** Requests that have been sent to an upstream and whose responses have not begun. */
export interface AwaitedStatus {
  readonly count: number;
  /** For how long the one waits that was sent first, and the one that was sent last. */
  readonly oldestMs: number;
  readonly newestMs: number;
}

export function awaitedStatus(at: string, reports: readonly WaitingRequests[], now: Instant): AwaitedStatus | null {
  const found = waitingStatus(at, reports, now).find((one) => one.for === 'response');
  if (found === undefined) return null;
  const own = reports.filter((report) => report.at === at && report.for === 'response');
  const newest = Math.max(...own.map(({ sinceInstant, newestInstant = sinceInstant }) => newestInstant));
  return { count: found.count, oldestMs: found.oldestMs, newestMs: Math.max(0, Math.round(now - newest)) };
}

/** A shorter wait is never worth a line. */
const unusualMs = 1000;

/** Whether people are to know of it: responses are waited for in any case, but seldom longer than 99 of 100 took in the last minute. */
export function isUnusual({ for: what, oldestMs }: WaitingStatus, p99Ms: number | null): boolean {
  return what !== 'response' || (oldestMs > unusualMs && oldestMs > (p99Ms ?? 0));
}

/** A bound of requests in flight, of the route or upstream with this id. */
export interface Bound {
  readonly kind: FeatureKind;
  readonly id: string;
  readonly spec: ConcurrencySpec;
  /** Absent: each worker counts its own. */
  readonly semaphores?: SemaphoreHandle;
}

export function boundsOf(configuration: Configuration, shared: FeatureSemaphores): readonly Bound[] {
  return scopesOf(configuration, concurrencyName).flatMap(({ scope: { kind, id }, spec }) => {
    const { bound } = spec as ConcurrencySettings;
    const semaphores = shared[partKey(concurrencyName, { kind, id })];
    return bound === undefined ? [] : [{ kind, id, spec: bound, ...(semaphores === undefined ? {} : { semaphores }) }];
  });
}

export function boundStatus(
  { kind, id, spec, semaphores }: Bound,
  countsOf: (handle: SemaphoreHandle) => BoundCounts,
  reports: readonly WaitingRequests[],
  now: Instant,
): BoundStatus {
  const { requests, limit } = semaphores === undefined ? { requests: 0, limit: 0 } : countsOf(semaphores);
  const adapted = limit === 0 ? spec.requestsMax : Math.floor(Math.min(limit, spec.requestsMax ?? limit));
  return {
    kind,
    id,
    requests,
    limit: spec.adaptive ? adapted : spec.requestsMax,
    adaptive: spec.adaptive,
    waiting: waitingStatus(`${kind} ${id}`, reports, now),
  };
}
