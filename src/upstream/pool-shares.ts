import type { AddressUse, PooledConnection } from '../core/pooled-connection.ts';
import type { StreamWaiter } from '../core/stream.ts';
import type { Instant } from '../core/time.ts';
import { AddressUses } from './address-uses.ts';
import { tunnelsFull } from './pool-failures.ts';
import type { PoolPermits } from './pool-permits.ts';
import type { PoolSettings } from './pool-settings.ts';
import type { UpstreamPorts } from './ports.ts';

/** Which client addresses use the connections of one worker's pool, and which of its connections are long-lived. */
export class PoolShares {
  /** Streams on long-lived connections. */
  longLived = 0;
  /** A connection is about to become idle: one more is free than the permits say. */
  inHand = 0;
  readonly #uses = new AddressUses();
  readonly #permits: PoolPermits;
  readonly #ports: UpstreamPorts;

  constructor(permits: PoolPermits, ports: UpstreamPorts) {
    this.#permits = permits;
    this.#ports = ports;
  }

  of({ client }: StreamWaiter, now: Instant): AddressUse | null {
    return this.#uses.of(client, this.#permits.semaphores.addresses, now);
  }

  /** Whether a request of this address must leave what is free to other addresses. */
  mustLeave(use: AddressUse | null, now: Instant): boolean {
    return this.#permits.mustLeave(use, this.inHand, now);
  }

  /** The share of the address, if that is what a request of it waits for. */
  addressMaxOf(use: AddressUse | null, now: Instant): number | null {
    return this.mustLeave(use, now) ? this.#permits.addressMax(now) : null;
  }

  /** An endpoint that may have no further tunnel is not asked for one. */
  refusesTunnel(waiter: StreamWaiter, use: AddressUse | null, settings: PoolSettings, now: Instant): boolean {
    const { longLivedMax } = this.#permits;
    const full = this.#permits.longLivedFull(use, now);
    if (full === null) return false;
    const addressMax = full === 'address' ? this.#permits.longLivedAddressMax(now) : null;
    waiter.onNoStream(tunnelsFull(settings, longLivedMax, addressMax, this.#ports.random));
    return true;
  }

  /** A stream is about to be opened. A connection that carries several is in use for the address of the first one. */
  begin(connection: PooledConnection, use: AddressUse | null): void {
    if (use === null || connection.streamsOpen > 0) return;
    connection.user = use;
    use.connections++;
  }

  /** The last stream of the connection has ended, or the connection has. */
  end(connection: PooledConnection): void {
    const { user } = connection;
    if (user === null) return;
    connection.user = null;
    if (connection.isLongLived) user.longLived--;
    else user.connections--;
  }

  /** The connection lasts: true if it counts as long-lived from now on, so that its permit has become free. */
  tryLongLived(connection: PooledConnection): boolean {
    const { user, endReason, isLongLived } = connection;
    if (endReason !== null || isLongLived || !this.#permits.tryLongLived(user, this.#ports.clock.now())) return false;
    connection.isLongLived = true;
    this.longLived++;
    this.#ports.counts.upstreamConnectionsLongLived++;
    if (user === null) return true;
    user.connections--;
    user.longLived++;
    return true;
  }

  /** The connection ends, or has a permit of those that requests have again. */
  endLongLived(connection: PooledConnection): void {
    connection.isLongLived = false;
    this.#ports.counts.upstreamConnectionsLongLived--;
    this.#permits.releaseLongLived();
  }
}
