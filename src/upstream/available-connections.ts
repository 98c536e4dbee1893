import type { ConnectionReuse } from '../core/upstream-spec.ts';
import type { WorkerCounts } from '../core/counters.ts';
import { type ConnectionGroup, isPrivate, type PooledConnection } from '../core/pooled-connection.ts';
import type { ReusePolicy } from '../core/stream.ts';
import { after, type Clock, type Instant } from '../core/time.ts';

/** Closes within this time are one event: a process that ends closes all of its connections, whatever their age. */
const apartMs = 200;
/** Two ages show the same limit when the shorter is at least this part of the longer. */
const alike = 0.8;
/** A learned limit is forgotten after this time: the endpoint may have another one by then. */
const forgottenMs = 5 * 60_000;
/** Only this part of the limit is used: a close is on its way for a while before it is seen. */
const usedPart = 0.8;

/**
 * Learns how long an endpoint keeps idle connections, from the times at which it closes them. Two closes after the same
 * idle time, some time apart, show a limit; one close does not. A connection that the pool closes before the limit never
 * meets a close that is on its way (RFC 9112 §9.5).
 */
export class LearnedIdleLimit {
  #lastAgeMs = 0;
  #lastAt = Number.NEGATIVE_INFINITY;
  #limitMs = Infinity;
  #learnedAt = 0;

  /** The endpoint has closed a connection that had been idle for `ageMs`. */
  noteClose(ageMs: number, now: Instant): void {
    if (now - this.#lastAt < apartMs) return;
    const [less, more] = ageMs < this.#lastAgeMs ? [ageMs, this.#lastAgeMs] : [this.#lastAgeMs, ageMs];
    this.#lastAgeMs = ageMs;
    this.#lastAt = now;
    if (less < more * alike || less <= 0) return;
    this.#limitMs = less * usedPart;
    this.#learnedAt = now;
  }

  /** For how long an idle connection is safe to keep, in milliseconds; Infinity where nothing is known. */
  keepMs(now: Instant): number {
    return now - this.#learnedAt < forgottenMs ? this.#limitMs : Infinity;
  }
}

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

/**
 * A client that has been challenged in its login needs the same connection for the next step, which comes within a round trip or two. So
 * long the connection is not closed for the sake of others, if it is one of the last few (`loginsKept`).
 */
const loginStepMs = 1000;

/** A share of the connections of all workers: logins cannot keep the others from working. */
function loginsKept(connectionsMax: number): number {
  return connectionsMax < 2 ? 0 : Math.max(1, Math.floor(connectionsMax / 8));
}

/** Knows which connections are in the middle of a login. */
interface Logins {
  /** When the client was challenged last, in answer to credentials; long ago: it was not. */
  loginStepAt(connection: PooledConnection): Instant;
}

const longAgo = Number.NEGATIVE_INFINITY as Instant;

/** What of the configuration decides about idle connections. */
interface IdleSettings {
  readonly connectionReuse: ConnectionReuse;
  readonly idleConnectionMs: number;
  readonly connectionsMax: number;
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

  /**
   * For how long an idle connection may be kept: by the configuration, by what the endpoint said and was seen to do. A private one is kept
   * as long as its client's connection where the endpoint keeps it: with another one its user would have to log in again.
   */
  keepMs({ keepAliveTimeoutS, idleSince, group }: PooledConnection, settings: IdleSettings): number {
    const statedMs = keepAliveTimeoutS === null ? Infinity : keepAliveTimeoutS * 1000 - keepAliveMarginMs;
    const configuredMs = isPrivate(group) ? Infinity : settings.idleConnectionMs;
    return Math.min(configuredMs, statedMs, this.#idleLimit.keepMs(idleSince));
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

  /**
   * The connection for the next stream of the group; undefined where none will do. Of a private one it is enough that it was checked: another
   * one would not be authenticated.
   */
  find(reusePolicy: ReusePolicy, reuse: ConnectionReuse, group: ConnectionGroup): PooledConnection | undefined {
    const policy = isPrivate(group) ? 'checked' : reusePolicy;
    return this.#newestIdle(policy, reuse, group) ?? this.#newestBusy(group);
  }

  /** The idle connection of the group that was used last. */
  newestIdle(group: ConnectionGroup): PooledConnection | undefined {
    return this.#idle === 0
      ? undefined
      : this.#connections.findLast((one) => one.streamsOpen === 0 && one.group === group);
  }

  #newest(group: ConnectionGroup): PooledConnection | undefined {
    const last = this.#connections.at(-1);
    if (last === undefined || last.group === group) return last;
    return this.#connections.findLast((connection) => connection.group === group);
  }

  /** A connection that carries streams is in use at this moment: it is fresh enough for every request. */
  #newestBusy(group: ConnectionGroup): PooledConnection | undefined {
    if (this.#connections.length === this.#idle) return undefined;
    return this.#connections.findLast((one) => one.streamsOpen > 0 && one.group === group);
  }

  #newestIdle(reusePolicy: ReusePolicy, reuse: ConnectionReuse, group: ConnectionGroup): PooledConnection | undefined {
    if (reusePolicy === 'fresh') return undefined;
    for (;;) {
      const connection = this.#newest(group);
      const isTrusted = reuse === 'always' && reusePolicy !== 'quiet';
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

  /** Closes the connection that has been idle longest. One that is kept for a login closes a moment later. */
  closeOldestIdle({ connectionsMax }: IdleSettings, logins: Logins): void {
    const loginsSince = after(this.#clock.now(), -loginStepMs);
    let mayBeKept = loginsKept(connectionsMax);
    let oldest: PooledConnection | null = null;
    let oldestLogin: PooledConnection | null = null;
    for (const connection of this.#connections.toReversed()) {
      if (connection.streamsOpen > 0) continue;
      if (mayBeKept > 0 && isPrivate(connection.group) && logins.loginStepAt(connection) > loginsSince) {
        mayBeKept--;
        oldestLogin = connection;
      } else oldest = connection;
    }
    if (oldest !== null) this.close(oldest);
    else oldestLogin?.keepUntil(after(logins.loginStepAt(oldestLogin), loginStepMs));
  }

  /** The pool itself closes an idle connection: nothing is learned of the endpoint. */
  close(connection: PooledConnection): void {
    this.#isClosing = true;
    connection.close();
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
