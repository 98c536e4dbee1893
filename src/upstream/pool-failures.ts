import { fail, type Failure } from '../core/failure.ts';
import type { Instant } from '../core/time.ts';
import type { ConnectionQueue } from './connection-queue.ts';
import type { PoolSettings } from './pool-settings.ts';

/** All connections are in use, and as many requests wait for one as may. */
export function poolFull(
  { id, connectionsMax, queueMax }: PoolSettings,
  queue: ConnectionQueue,
  now: Instant,
): Failure {
  const retryAfterS = queue.retryAfterS(now, queue.length > 0);
  return fail('pool_full', 'queue', { upstream: id, limit: connectionsMax, queueMax, retryAfterS });
}

/** A request has waited for a connection since `since`, as long as it may. */
export function queueTimeout(
  { id: upstream, connectionsMax: limit, queueMs: limitMs }: PoolSettings,
  queue: ConnectionQueue,
  now: Instant,
  since: Instant,
): Failure {
  const retryAfterS = queue.retryAfterS(now, true);
  return fail('queue_timeout', 'queue', { upstream, limit, waitedMs: Math.round(now - since), limitMs, retryAfterS });
}
