import type { RetrySpec } from '../core/route-spec.ts';
import { defaults } from './defaults.ts';
import { ms, msOrNone } from '../schema/fallback.ts';
import type { RetryRead } from './retry-schema.ts';

/** What a route says, then what the file says, then the defaults. Undefined where neither says anything, or the route says `none`. */
export function buildRetry(route: RetryRead | undefined, file: RetryRead | undefined): RetrySpec | undefined {
  if (route === 'none' || (route === undefined && (file === undefined || file === 'none'))) return undefined;
  const absent = defaults.retry;
  const read = { ...(file === 'none' ? {} : file), ...route };
  const backoffMs = ms(read.backoff, absent.backoff);
  return {
    attemptsMax: read.attempts ?? null,
    statuses: read.statuses ?? [],
    attemptMs: msOrNone(read.attempt_timeout, absent.attemptTimeout),
    backoffMs,
    backoffMaxMs: Math.max(backoffMs, ms(read.backoff_max, absent.backoffMax)),
    idempotencyKey: read.idempotency_key ?? false,
    attemptHeaders: read.attempt_headers ?? false,
    hedge: read.hedge ?? false,
  };
}
