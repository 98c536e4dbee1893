import { fail, type Failure } from '../core/failure.ts';
import type { Random } from '../core/random.ts';
import type { Instant } from '../core/time.ts';
import { retryAfterS as retryAfterSOf } from '../policy/drain-rate.ts';
import type { ConnectionQueue } from './connection-queue.ts';
import type { PoolSettings } from './pool-settings.ts';

/** All connections are in use, and as many requests wait for one as may. */
export function poolFull(
  { id, connectionsMax, queueMax }: PoolSettings,
  queue: ConnectionQueue,
  now: Instant,
  random: Random,
): Failure {
  const retryAfterS = retryAfterSOf(queue.waitMs(now, queue.length > 0), random.next());
  return fail('pool_full', 'queue', { upstream: id, limit: connectionsMax, queueMax, retryAfterS });
}

/** A request has waited for a connection since `since`, as long as it may. */
export function queueTimeout(
  { id: upstream, connectionsMax: limit, queueMs: limitMs }: PoolSettings,
  queue: ConnectionQueue,
  now: Instant,
  since: Instant,
  random: Random,
): Failure {
  const retryAfterS = retryAfterSOf(queue.waitMs(now, true), random.next());
  return fail('queue_timeout', 'queue', { upstream, limit, waitedMs: Math.round(now - since), limitMs, retryAfterS });
}
