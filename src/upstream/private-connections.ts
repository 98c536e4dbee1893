import { Deadline, type Deadlines } from '../core/deadline.ts';
import { isPrivate, type PooledConnection } from '../core/pooled-connection.ts';
import type { ClientOfConnection, PendingStream, StreamWaiter } from '../core/stream.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import type { LocalAddress } from '../core/transport.ts';
import { type DialDemand, DialShare, type ShareOwner } from './pool-dial.ts';

/** The pool, as its private connections see it. */
export interface PrivateConnectionsOwner {
  /** An idle connection is not needed any more. */
  closePrivate(connection: PooledConnection): void;
  /** A request that waited for its client's connection waits no more. */
  onPrivateShareCancelled(): void;
  /** Requests have waited for a connection that is their client's no more. */
  onProbed(connection: PooledConnection, shares: readonly DialShare[], isAlive: boolean): void;
  /** A request has waited for its client's connection as long as one may. */
  onPrivateTimeout(share: DialShare, waitedMs: number): void;
}

interface PrivateConnectionsPorts {
  readonly owners: ConnectionOwners;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
}

/** Ends the wait of one request for its client's connection. */
class PrivateWait extends Deadline {
  readonly share: DialShare;
  readonly #owner: PrivateConnections;

  constructor(share: DialShare, owner: PrivateConnections) {
    super();
    this.share = share;
    this.#owner = owner;
  }

  override onExpired(): void {
    this.#owner.onWaitExpired(this);
  }
}

/**
 * Which connections of clients have private connections to endpoints, in all pools of a worker: their end is the end of those. The gateway's
 * end of a client's connection stands for it.
 */
export class ConnectionOwners {
  readonly #pools = new Map<LocalAddress, Set<PrivateConnections>>();

  has(client: LocalAddress): boolean {
    return this.#pools.size > 0 && this.#pools.has(client);
  }

  /** For pools. */
  add(client: LocalAddress, pool: PrivateConnections): void {
    const pools = this.#pools.get(client);
    if (pools === undefined) this.#pools.set(client, new Set([pool]));
    else pools.add(pool);
  }

  remove(client: LocalAddress, pool: PrivateConnections): void {
    const pools = this.#pools.get(client);
    if (pools?.delete(pool) === true && pools.size === 0) this.#pools.delete(client);
  }

  /** The connection of a client is closed. */
  onClosed(client: LocalAddress): void {
    if (!this.has(client)) return;
    for (const pool of [...(this.#pools.get(client) ?? [])]) pool.closeOf(client);
  }
}

interface PrivateConnection {
  readonly connection: PooledConnection;
  /** The address of its client. */
  readonly address: string;
  /** Requests that came while the response to the one before was being passed on. */
  waits: PrivateWait[];
  /** When the client was challenged last, in answer to credentials. */
  loginStepAt: Instant;
  loginSteps: number;
}

/** A login takes two or three steps. A client that begins it again and again on one connection is not waited for. */
const loginStepsMax = 4;

const none: readonly DialShare[] = [];

const longAgo = Number.NEGATIVE_INFINITY as Instant;

/**
 * The connections of one pool that each belong to one connection of a client, because what is sent on them authenticates them
 * (`wire/connection-authentication.ts`). A client's connection has one here at most; the client's next request waits for it. It closes when
 * the client's connection does, and before that as any idle connection; then the client is challenged again.
 */
export class PrivateConnections implements ShareOwner {
  /** Requests that wait for their client's connection. */
  shares = 0;
  readonly #owners: ConnectionOwners;
  readonly #ports: PrivateConnectionsPorts;
  readonly #pool: PrivateConnectionsOwner;
  readonly #byClient = new Map<LocalAddress, PrivateConnection>();

  constructor(ports: PrivateConnectionsPorts, pool: PrivateConnectionsOwner) {
    this.#owners = ports.owners;
    this.#ports = ports;
    this.#pool = pool;
  }

  /** The client's connection where the request needs its private connection, or has one; null: any connection will do. */
  groupFor({ client, needsPrivate }: StreamWaiter): LocalAddress | null {
    return needsPrivate || this.has(client) ? client.connection : null;
  }

  /** Whether the client's connection has a connection here. */
  has({ connection, address }: ClientOfConnection): boolean {
    return this.#byClient.get(connection)?.address === address;
  }

  /** The connection has its group: from now on it is its client's. */
  add(connection: PooledConnection, address: string): void {
    const { group } = connection;
    if (!isPrivate(group)) return;
    const before = this.#byClient.get(group);
    const { waits = [] } = before ?? {};
    this.#byClient.set(group, { connection, address, waits, loginStepAt: longAgo, loginSteps: 0 });
    this.#owners.add(group, this);
    if (before !== undefined && before.connection.streamsOpen === 0) this.#pool.closePrivate(before.connection);
  }

  /** Whether the connection is still that of its client. */
  isKept(connection: PooledConnection): boolean {
    return this.#of(connection) !== null;
  }

  noteLoginStep(connection: PooledConnection, now: Instant): void {
    const own = this.#of(connection);
    if (own !== null && ++own.loginSteps <= loginStepsMax) own.loginStepAt = now;
  }

  loginStepAt(connection: PooledConnection): Instant {
    return this.#of(connection)?.loginStepAt ?? longAgo;
  }

  #of(connection: PooledConnection): PrivateConnection | null {
    const own = isPrivate(connection.group) ? this.#byClient.get(connection.group) : undefined;
    return own?.connection === connection ? own : null;
  }

  /**
   * Lets a request wait until its client's connection is idle, for `limitMs` at most, of which the time since `waitingSince` has passed; null: the
   * client has none, or it is idle.
   */
  join(client: LocalAddress, demand: DialDemand, waitingSince: Instant, limitMs: number): PendingStream | null {
    const own = this.#byClient.get(client);
    if (own === undefined || own.connection.streamsFree > 0 || own.connection.endReason !== null) return null;
    const share = new DialShare(this, demand);
    share.waitingSince = waitingSince;
    const wait = new PrivateWait(share, this);
    wait.at = after(waitingSince, limitMs);
    own.waits.push(wait);
    this.#ports.deadlines.add(wait);
    this.shares++;
    return share;
  }

  leave(share: DialShare): boolean {
    if (!this.#remove(share)) return false;
    this.#pool.onPrivateShareCancelled();
    return true;
  }

  /** Called by the deadlines of waiting requests only. */
  onWaitExpired({ share }: PrivateWait): void {
    const { waitingSince } = share;
    if (!this.#remove(share) || waitingSince === null) return;
    this.#pool.onPrivateTimeout(share, Math.round(this.#ports.clock.now() - waitingSince));
  }

  /** Since when the request waits that has waited longest; null: none does. */
  get waitingSince(): Instant | null {
    if (this.shares === 0) return null;
    const all = [...this.#byClient.values()].flatMap(({ waits }) =>
      waits.map(({ share }) => share.waitingSince ?? longAgo),
    );
    return Math.min(...all) as Instant;
  }

  #remove(share: DialShare): boolean {
    const own = this.#byClient.get(share.waiter.client.connection);
    const at = own?.waits.findIndex((wait) => wait.share === share) ?? -1;
    if (own === undefined || at < 0) return false;
    for (const wait of own.waits.splice(at, 1)) this.#ports.deadlines.remove(wait);
    this.shares--;
    return true;
  }

  /** The connection is idle, or closed: the requests that have waited for it. */
  takeShares(connection: PooledConnection): readonly DialShare[] {
    const own = this.#of(connection);
    return own === null || own.waits.length === 0 ? none : this.#takeShares(own);
  }

  #takeShares(own: PrivateConnection): readonly DialShare[] {
    const { waits } = own;
    own.waits = [];
    this.shares -= waits.length;
    for (const { share } of waits) share.waiter.onStageDone('queue');
    for (const wait of waits) this.#ports.deadlines.remove(wait);
    return waits.map(({ share }) => share);
  }

  /** The connection is closed. */
  remove(connection: PooledConnection): void {
    const { group } = connection;
    if (!isPrivate(group) || !this.isKept(connection)) return;
    this.#byClient.delete(group);
    this.#owners.remove(group, this);
  }

  /** The connection of the client is closed (for `ConnectionOwners`): its exchanges end by themselves. */
  closeOf(client: LocalAddress): void {
    const own = this.#byClient.get(client);
    if (own !== undefined) this.#close(own);
  }

  /**
   * Before a request of this client is served: a trusted peer may have sent requests of others on the same connection. What was theirs closes,
   * and those that wait for it get other connections.
   */
  closeOfOthers(client: ClientOfConnection): void {
    const own = this.#byClient.get(client.connection);
    if (own === undefined || own.address === client.address) return;
    const shares = this.#close(own);
    this.#pool.onProbed(own.connection, shares, false);
  }

  #close(own: PrivateConnection): readonly DialShare[] {
    const shares = this.#takeShares(own);
    this.remove(own.connection);
    if (own.connection.streamsOpen === 0) this.#pool.closePrivate(own.connection);
    return shares;
  }

  /**
   * An idle connection that must go where more than `max` are idle; null: not more are. It is the oldest one of the address that has most, so
   * that one client takes none of those that belong to others.
   */
  surplus(max: number): PooledConnection | null {
    if (this.#byClient.size <= max) return null;
    const idle = [...this.#byClient.values()].filter(({ connection }) => connection.streamsOpen === 0);
    if (idle.length <= max) return null;
    const counts = new Map<string, number>();
    for (const { address } of idle) counts.set(address, (counts.get(address) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const candidates = idle.filter(({ address }) => counts.get(address) === most).map(({ connection }) => connection);
    return candidates.reduce((oldest, one) => (one.idleSince < oldest.idleSince ? one : oldest));
  }
}
