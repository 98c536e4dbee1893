import { fail, type Failure } from '#failures/failure.ts';
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

/**
 * All connections or turns are in use, and as many requests wait for one as may. `addressMax`: the request lacks only what its address must
 * leave to others, beyond so many connections.
 */
export function poolFull(
  { id, connectionsMax, requestsMax, queueMax, queueMs }: PoolSettings,
  { hasTurn, stoppedPids }: Blocked,
  queue: ConnectionQueue,
  now: Instant,
  random: Random,
  addressMax: number | null,
): Failure {
  const retryAfterS = retryAfterSOf(queue.waitMs(now, queueMs), random.next());
  const bound = boundOf(hasTurn, requestsMax, addressMax);
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
  addressMax: number | null,
): Failure {
  const retryAfterS = retryAfterSOf(queue.waitMs(now, limitMs, true), random.next());
  const bound = boundOf(hasTurn, requestsMax, addressMax);
  const waitedMs = Math.round(now - since);
  const cause = causeOf(stoppedPids);
  return fail('queue_timeout', 'queue', { upstream, limit, ...bound, waitedMs, limitMs, retryAfterS, ...cause });
}

/** A request has waited so long for the connection on which its client is authenticated. */
export function privateTimeout(
  { id: upstream, connectionsMax: limit, queueMs: limitMs }: PoolSettings,
  waitedMs: number,
  random: Random,
): Failure {
  const retryAfterS = retryAfterSOf(limitMs, random.next());
  return fail('queue_timeout', 'queue', { upstream, limit, ownConnection: true, waitedMs, limitMs, retryAfterS });
}

/** What the request lacks, where it is not a connection of those that all may have. */
function boundOf(
  hasTurn: boolean,
  requestsMax: number | undefined,
  addressMax: number | null,
): { addressMax?: number; requestsMax?: number } {
  if (addressMax !== null) return { addressMax };
  return hasTurn || requestsMax === undefined ? {} : { requestsMax };
}

/** A request for an upgrade finds as many long-lived connections as may be, or as its address may have (`addressMax`). */
export function tunnelsFull({ id }: PoolSettings, limit: number, addressMax: number | null, random: Random): Failure {
  const retryAfterS = retryAfterSOf(tunnelsFullMs, random.next());
  return fail('tunnels_full', 'queue', {
    upstream: id,
    limit,
    ...(addressMax === null ? {} : { addressMax }),
    retryAfterS,
  });
}

/** Tunnels last for minutes; a client that asks again after this is neither rude nor slow. */
const tunnelsFullMs = 5000;
