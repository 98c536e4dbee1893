import type { Instant } from '../core/time.ts';
import type { WaitingCount, WaitingFor, WaitingRequests } from '../core/waiting-requests.ts';

const order: readonly WaitingFor[] = ['turn', 'endpoint', 'connection', 'response'];

/** The requests of all workers that wait at a route or upstream. */
export function waitingStatus(at: string, reports: readonly WaitingRequests[], now: Instant): WaitingCount[] {
  return order.flatMap((what) => {
    const own = reports.filter((report) => report.at === at && report.for === what);
    if (own.length === 0) return [];
    const count = own.reduce((sum, report) => sum + report.count, 0);
    const oldest = Math.min(...own.map(({ sinceInstant }) => sinceInstant));
    return [{ for: what, count, oldestMs: Math.max(0, Math.round(now - oldest)) }];
  });
}

/** Requests that have been sent to an upstream and whose responses have not begun. */
interface AwaitedStatus {
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
export function isUnusual({ for: what, oldestMs }: WaitingCount, p99Ms: number | null): boolean {
  return what !== 'response' || (oldestMs > unusualMs && oldestMs > (p99Ms ?? 0));
}
