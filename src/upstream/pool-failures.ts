import { fail, type Failure } from '../core/failure.ts';
import type { Random } from '../core/random.ts';
import type { Instant } from '../core/time.ts';
import { retryAfterS as retryAfterSOf } from '../policy/drain-rate.ts';
import type { ConnectionQueue } from './connection-queue.ts';
import type { PoolPermits } from './pool-permits.ts';
import type { PoolSettings } from './pool-settings.ts';

/** `hasTurn`: the request lacks a connection alone. */
type Blocked = Pick<PoolPermits, 'hasTurn' | 'stoppedPids'>;

/** What keeps the connections, as far as it is known: all processes of the instance are stopped. */
function causeOf(stoppedPids: readonly number[] | undefined): { readonly stoppedPids?: string } {
  return stoppedPids === undefined ? {} : { stoppedPids: stoppedPids.join(' ') };
}

/** All connections or turns are in use, and as many requests wait for one as may. */
export function poolFull(
  { id, connectionsMax, requestsMax, queueMax }: PoolSettings,
  { hasTurn, stoppedPids }: Blocked,
  queue: ConnectionQueue,
  now: Instant,
  random: Random,
): Failure {
  const retryAfterS = retryAfterSOf(queue.waitMs(now), random.next());
  const bound = hasTurn || requestsMax === undefined ? {} : { requestsMax };
  const cause = causeOf(stoppedPids);
  return fail('pool_full', 'queue', { upstream: id, limit: connectionsMax, ...bound, queueMax, retryAfterS, ...cause });
}

/** A request has waited for a connection since `since`, as long as it may. */
export function queueTimeout(
  { id: upstream, connectionsMax: limit, requestsMax, queueMs: limitMs }: PoolSettings,
  { hasTurn, stoppedPids }: Blocked,
  queue: ConnectionQueue,
  now: Instant,
  since: Instant,
  random: Random,
): Failure {
  const retryAfterS = retryAfterSOf(queue.waitMs(now, true), random.next());
  const bound = hasTurn || requestsMax === undefined ? {} : { requestsMax };
  const waitedMs = Math.round(now - since);
  const cause = causeOf(stoppedPids);
  return fail('queue_timeout', 'queue', { upstream, limit, ...bound, waitedMs, limitMs, retryAfterS, ...cause });
}
