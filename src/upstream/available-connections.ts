import type { ConnectionReuse } from '../core/upstream-spec.ts';
import type { WorkerCounts } from '../core/counters.ts';
import type { PooledConnection } from '../core/pooled-connection.ts';
import type { ReusePolicy } from '../core/stream.ts';
import type { Clock, Instant } from '../core/time.ts';
import { LearnedIdleLimit } from './idle-limit.ts';

/** An endpoint says how long it keeps idle connections; the pool closes them this much earlier. */
const keepAliveMarginMs = 1000;

/**
 * A request that must not be repeated goes only on a connection that was in use this recently, or on a fresh one. Few
 * servers keep idle connections for less than a second; the other half of it is for a close that is on its way.
 */
const justUsedMs = 500;

/**
 * Before a request that must not or may not be repeated goes on an idle connection, the pool asks the system whether the
 * endpoint has closed it. It does not ask where this endpoint has kept a connection open, behind an answer or when the
 * pool asked, less than so long ago: a process that ends closes all idle connections at once, so that what is known of
 * one is known of the others. An endpoint that closes each after its own time does not; that time is learned
 * (`LearnedIdleLimit`), and a close that the question would have shown is missed only where it falls into this turn of
 * the loop.
 *
 * Measured: a question takes some 8 µs. One for each connection that had been idle for so long was 15 % of a POST of 10 KB.
 */
const checkedMs = 5;

const longAgo = Number.NEGATIVE_INFINITY as Instant;

/** What of the configuration decides about idle connections. */
export interface IdleSettings {
  readonly connectionReuse: ConnectionReuse;
  readonly idleConnectionMs: number;
}

/**
 * The connections of a pool that can carry another stream: idle ones, and those that carry streams and have more free.
 * The one used last is the first to be taken: it is the least likely to have been closed meanwhile.
 */
export class AvailableConnections {
  readonly #clock: Clock;
  readonly #counts: WorkerCounts;
  /** Used last at the end. */
  readonly #connections: PooledConnection[] = [];
  #idle = 0;
  readonly #idleLimit = new LearnedIdleLimit();
  /** When the endpoint was last known to keep its connections open. */
  #keptOpenAt: Instant = longAgo;
  /** The pool itself is closing idle connections. */
  #isClosing = false;

  constructor(clock: Clock, counts: WorkerCounts) {
    this.#clock = clock;
    this.#counts = counts;
  }

  get idleCount(): number {
    return this.#idle;
  }

  get length(): number {
    return this.#connections.length;
  }

  /** For how long an idle connection may be kept: by the configuration, by what the endpoint said and was seen to do. */
  keepMs({ keepAliveTimeoutS, idleSince }: PooledConnection, settings: IdleSettings): number {
    const statedMs = keepAliveTimeoutS === null ? Infinity : keepAliveTimeoutS * 1000 - keepAliveMarginMs;
    return Math.min(settings.idleConnectionMs, statedMs, this.#idleLimit.keepMs(idleSince));
  }

  /** Adds a connection whose last stream has ended. It is the first to be used again. */
  addIdle(connection: PooledConnection): void {
    this.#keptOpenAt = connection.idleSince;
    this.#idle++;
    this.#counts.upstreamConnectionsIdle++;
    this.addBusy(connection);
  }

  /** A connection that carries streams has more free. */
  addBusy(connection: PooledConnection): void {
    if (connection.isAvailable) return;
    connection.isAvailable = true;
    this.#connections.push(connection);
  }

  /** A stream is about to be opened on `connection`, which was idle. */
  noteUse(): void {
    this.#idle--;
    this.#counts.upstreamConnectionsIdle--;
  }

  remove(connection: PooledConnection): void {
    if (!connection.isAvailable) return;
    connection.isAvailable = false;
    if (this.#connections.at(-1) === connection) this.#connections.pop();
    else this.#connections.splice(this.#connections.indexOf(connection), 1);
  }

  /** The connection for the next stream of the group; undefined where none will do. */
  find(reusePolicy: ReusePolicy, reuse: ConnectionReuse, group: string | null): PooledConnection | undefined {
    return this.#newestIdle(reusePolicy, reuse, group) ?? this.#newestBusy(group);
  }

  /** The idle connection of the group that was used last. */
  newestIdle(group: string | null): PooledConnection | undefined {
    return this.#idle === 0
      ? undefined
      : this.#connections.findLast((one) => one.streamsOpen === 0 && one.group === group);
  }

  #newest(group: string | null): PooledConnection | undefined {
    const last = this.#connections.at(-1);
    if (last === undefined || last.group === group) return last;
    return this.#connections.findLast((connection) => connection.group === group);
  }

  /** A connection that carries streams is in use at this moment: it is fresh enough for every request. */
  #newestBusy(group: string | null): PooledConnection | undefined {
    if (this.#connections.length === this.#idle) return undefined;
    return this.#connections.findLast((one) => one.streamsOpen > 0 && one.group === group);
  }

  #newestIdle(reusePolicy: ReusePolicy, reuse: ConnectionReuse, group: string | null): PooledConnection | undefined {
    if (reusePolicy === 'fresh') return undefined;
    for (;;) {
      const connection = this.#newest(group);
      const isTrusted = reuse === 'always';
      if (connection === undefined || connection.streamsOpen > 0) return connection;
      if (reusePolicy === 'any' && isTrusted) return connection;
      const now = this.#clock.now();
      if (reusePolicy === 'recently_used' && now - connection.idleSince >= justUsedMs) return undefined;
      if (isTrusted && now - this.#keptOpenAt < checkedMs) return connection;
      if (connection.hasNoUnreadBytes()) {
        this.#keptOpenAt = now;
        return connection;
      }
      this.#counts.staleReusesAvoided++;
      connection.close();
    }
  }

  closeIdle(): void {
    this.#isClosing = true;
    // `idleClosed` removes each from the list.
    for (const connection of [...this.#connections]) if (connection.streamsOpen === 0) connection.close();
    this.#isClosing = false;
  }

  /** Closes idle connections. Connections that carry streams get no further stream. */
  withdrawAll(): void {
    this.closeIdle();
    for (const connection of [...this.#connections]) this.remove(connection);
  }

  closeOldestIdle(): void {
    this.#isClosing = true;
    this.#connections.find(({ streamsOpen }) => streamsOpen === 0)?.close();
    this.#isClosing = false;
  }

  /** An idle connection has been closed, by the pool or by the endpoint, of which something may be learned. */
  idleClosed(connection: PooledConnection, settings: IdleSettings): void {
    this.remove(connection);
    this.noteUse();
    const now = this.#clock.now();
    const idleMs = now - connection.idleSince;
    if (!this.#isClosing && idleMs < this.keepMs(connection, settings)) this.#idleLimit.noteClose(idleMs, now);
  }
}
