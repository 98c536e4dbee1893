import { fail, type Failure } from '../core/failure.ts';
import type { Random } from '../core/random.ts';
import type { Instant } from '../core/time.ts';
import { retryAfterS as retryAfterSOf } from '../policy/drain-rate.ts';
import type { ConnectionQueue } from './connection-queue.ts';
import type { PoolSettings } from './pool-settings.ts';

/** `hasTurn`: the request lacks a connection alone. All connections or turns are in use, and as many requests wait for one as may. */
export function poolFull(
  { id, connectionsMax, requestsMax, queueMax }: PoolSettings,
  hasTurn: boolean,
  queue: ConnectionQueue,
  now: Instant,
  random: Random,
): Failure {
  const retryAfterS = retryAfterSOf(queue.waitMs(now), random.next());
  const bound = hasTurn || requestsMax === undefined ? {} : { requestsMax };
  return fail('pool_full', 'queue', { upstream: id, limit: connectionsMax, ...bound, queueMax, retryAfterS });
}

/** A request has waited for a connection since `since`, as long as it may. */
export function queueTimeout(
  { id: upstream, connectionsMax: limit, requestsMax, queueMs: limitMs }: PoolSettings,
  hasTurn: boolean,
  queue: ConnectionQueue,
  now: Instant,
  since: Instant,
  random: Random,
): Failure {
  const retryAfterS = retryAfterSOf(queue.waitMs(now, true), random.next());
  const bound = hasTurn || requestsMax === undefined ? {} : { requestsMax };
  const waitedMs = Math.round(now - since);
  return fail('queue_timeout', 'queue', { upstream, limit, ...bound, waitedMs, limitMs, retryAfterS });
}
