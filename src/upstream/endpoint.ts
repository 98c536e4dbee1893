import type { ConnectionReuse, UpstreamSpec } from '../core/configuration.ts';
import {
  addressText,
  type EndpointState,
  hostPort,
  type InstanceExit,
  type ReadinessFinding,
} from '../core/endpoint.ts';
import type { Cause, Failure } from '../core/failure.ts';
import { fail } from '../core/failure.ts';
import { localEndpointSemaphores } from '../core/local-semaphore.ts';
import type { EndpointSemaphores } from '../core/semaphores.ts';
import type { CheckSchedule, EndpointSnapshot } from '../core/snapshot.ts';
import type { ReusePolicy, PendingStream, StreamWaiter } from '../core/stream.ts';
import { after, type Instant } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { responseLimits } from '../wire/limits.ts';
import { type ConnectionOwner, UpstreamConnection } from './connection.ts';
import { LearnedIdleLimit } from './idle-limit.ts';
import { Dial, type DialLimits, type DialWaiter } from './dial.ts';
import type { UpstreamPorts } from './ports.ts';
import { isRefusal } from '../core/refusal.ts';
import { quietMs, refusedBefore } from './refusal.ts';
import { type QueueWaiter, ConnectionQueue } from './connection-queue.ts';

/** What of an upstream's configuration its endpoints need. */
export type EndpointSettings = Pick<
  UpstreamSpec,
  | 'id'
  | 'tls'
  | 'idleConnectionsMax'
  | 'idleConnectionMs'
  | 'connectionReuse'
  | 'connectionsMax'
  | 'queueMax'
  | 'queueMs'
  | 'responseHeadBytesMax'
>;

/** An endpoint says how long it keeps idle connections; we let go this much earlier. */
const keepAliveMarginMs = 1000;

/**
 * A request that must not be repeated goes only on a connection that was in use this recently, or a fresh one. Few
 * servers keep idle connections for less than a second; the other half of it is for a close that is on its way.
 */
const justUsedMs = 500;

/**
 * Before a request that must not or may not be repeated goes on a connection, the system is asked whether its end has come,
 * unless this endpoint has kept a connection open, behind an answer or when it was looked at, less than so long ago. A process
 * that ends closes all that are idle at once, so that what is known of one is known of the others. One that closes each after its
 * own time does not; that time is learned (`LearnedIdleLimit`), and a close that the look would still have seen is missed where
 * it falls into this turn of the loop.
 *
 * Measured: a look takes some 8 µs. One for each connection that had been idle for so long was 15 % of a POST of 10 KB.
 */
const lookedAtMs = 5;

const longAgo = Number.NEGATIVE_INFINITY as Instant;

/**
 * One address that can answer: its state as main last told it, and this worker's connections to it.
 *
 * The pool is newest first: the connection used last is the one least likely to have been closed meanwhile.
 *
 * Places for connections are counted over all workers, the idle ones included. An exchange that finds none waits in line;
 * whoever gives one back gives it to the one who has waited longest, in any worker (`core/semaphores.ts`).
 */
export class LiveEndpoint implements ConnectionOwner {
  readonly id: string;
  readonly address: string;
  state: EndpointState;
  reason: string;
  addressStale: boolean;
  weight: number;
  zone: string;
  priority: number;
  sinceInstant: number;
  checks: CheckSchedule | null;
  release: string | null;
  exit: InstanceExit | null;
  /** Nothing can be sent here, and why. */
  failure: Failure | null;
  /** What its last check met that a request would meet too. */
  checkCause: Cause | null;
  /** Of an instance that is not ready: what its checks see. */
  finding: ReadinessFinding | null;
  readonly #ports: UpstreamPorts;
  #spec: EndpointSnapshot;
  #settings: EndpointSettings;
  #connections = 0;
  #dials = 0;
  readonly #idle: UpstreamConnection[] = [];
  #semaphores: EndpointSemaphores;
  readonly #queue: ConnectionQueue;
  /** The one request at a time of an endpoint on trial is here. */
  #holdsProbation = false;
  readonly #idleLimit = new LearnedIdleLimit();
  /** When it was last known to keep its connections open. */
  #keptAt: Instant = longAgo;
  /** Idle connections are being closed by ourselves. */
  #closesIdle = false;
  /** The TLS settings in force: one object for as long as they say the same, however often they come anew. */
  #tls: EndpointSettings['tls'];
  /** Opened under the TLS settings in force: only these may serve another exchange. */
  #current = new WeakSet<UpstreamConnection>();

  constructor(spec: EndpointSnapshot, settings: EndpointSettings, ports: UpstreamPorts) {
    this.id = spec.id;
    this.address = addressText(spec.address);
    this.#spec = spec;
    this.#settings = settings;
    this.#tls = settings.tls;
    this.#ports = ports;
    this.#semaphores = this.#semaphoresFor(spec);
    this.#queue = new ConnectionQueue(
      ports.deadlines,
      () => this.#onWaiterRemoved(),
      (queued) => this.#onQueueTimeout(queued),
    );
    this.state = spec.state;
    this.reason = spec.reason;
    this.addressStale = spec.addressStale === true;
    this.weight = spec.weight ?? 1;
    this.zone = spec.zone ?? '';
    this.priority = spec.priority ?? 0;
    this.sinceInstant = spec.sinceInstant;
    this.checks = spec.checks;
    this.release = spec.release;
    this.exit = spec.exit;
    this.failure = spec.failure ?? null;
    this.checkCause = spec.checkCause ?? null;
    this.finding = spec.finding ?? null;
  }

  /** What a request for this endpoint names as its host: the name where there is one. */
  get authority(): string {
    const { address, name } = this.#spec;
    if (address.kind === 'unix') return 'localhost';
    return name === undefined ? this.address : hostPort(name, address.port);
  }

  get reuse(): ConnectionReuse {
    return this.#settings.connectionReuse;
  }

  /** Exchanges under way here, those included that wait. */
  get load(): number {
    return this.#connections - this.#idle.length + this.#dials + this.#queue.length;
  }

  /** Whether a request would not have to wait here, as far as that can be told. */
  get hasRoom(): boolean {
    if (this.#idle.length > 0) return true;
    if (this.#semaphores.gate.isClosed(this.#ports.clock, quietMs(this.#isChecked))) return false;
    return this.#queue.length === 0 && this.#semaphores.connections.hasRoom(this.#settings.connectionsMax);
  }

  /** Whether the next request is the only one here, in any worker. Then it is to come now. */
  tryProbation(): boolean {
    if (this.load > 0) return false;
    this.#holdsProbation ||= this.#semaphores.probation.tryAcquire(1, this.#ports.clock.now());
    return this.#holdsProbation;
  }

  update(spec: EndpointSnapshot, settings: EndpointSettings): void {
    const sameTls = JSON.stringify(settings.tls) === JSON.stringify(this.#tls);
    if (!sameTls) this.#tls = settings.tls;
    this.#moveSemaphores(spec);
    this.#spec = spec;
    this.#settings = settings;
    this.state = spec.state;
    this.reason = spec.reason;
    this.addressStale = spec.addressStale === true;
    this.weight = spec.weight ?? 1;
    this.zone = spec.zone ?? '';
    this.priority = spec.priority ?? 0;
    this.sinceInstant = spec.sinceInstant;
    this.checks = spec.checks;
    this.release = spec.release;
    this.exit = spec.exit;
    this.failure = spec.failure ?? null;
    this.checkCause = spec.checkCause ?? null;
    this.finding = spec.finding ?? null;
    if (this.state !== 'probation') this.#endProbation(true); // For a trial of another time, which may be another worker's.
    if (!sameTls) this.#current = new WeakSet();
    const isClosed = settings.connectionReuse === 'never' || spec.state === 'draining' || spec.state === 'gone';
    if (!sameTls || isClosed) this.closeIdle();
    if (this.#queue.length > 0) this.#serveQueue(); // There may be more places now.
  }

  /** It is no endpoint of the upstream any more. What is under way may end. */
  retire(): void {
    this.state = 'gone';
    this.closeIdle();
    this.#closeSemaphores();
  }

  /** Main gives the cells of an endpoint to another one only when nobody holds a place there. */
  #moveSemaphores(spec: EndpointSnapshot): void {
    const { semaphores: handle } = this.#spec;
    const isSame = spec.semaphores?.index === handle?.index && spec.semaphores?.generation === handle?.generation;
    if (isSame || this.#connections + this.#dials + this.#queue.length > 0 || this.#holdsProbation) return;
    this.#closeSemaphores();
    this.#semaphores = this.#semaphoresFor(spec);
  }

  #semaphoresFor({ semaphores: handle }: EndpointSnapshot): EndpointSemaphores {
    return handle === undefined
      ? localEndpointSemaphores()
      : this.#ports.semaphores.endpoint(handle, () => this.#onWake());
  }

  #closeSemaphores(): void {
    const { connections, queue, probation } = this.#semaphores;
    for (const semaphores of [connections, queue, probation]) semaphores.close();
  }

  closeIdle(): void {
    this.#closesIdle = true;
    // Each takes itself out of the list, and out of the count, when it is lost.
    for (const connection of [...this.#idle]) connection.close();
    this.#closesIdle = false;
  }

  #closeOldest(): void {
    this.#closesIdle = true;
    this.#idle[0]?.close();
    this.#closesIdle = false;
  }

  get hasIdle(): boolean {
    return this.#idle.length > 0;
  }

  /**
   * A stream for one exchange: an idle connection at once, or a new one later.
   */
  acquire(waiter: StreamWaiter, limits: DialLimits, reusePolicy: ReusePolicy): PendingStream | null {
    const idle = reusePolicy === 'fresh' ? null : this.#takeIdle(reusePolicy);
    if (idle !== null) {
      waiter.onStream(idle);
      return null;
    }
    const now = this.#ports.clock.now();
    const refusedAgoMs = this.#semaphores.gate.closedForMs(now, quietMs(this.#isChecked));
    if (refusedAgoMs !== null) {
      this.#endProbation();
      waiter.onNoStream(this.#refusedBefore(refusedAgoMs));
      return null;
    }
    if (this.#queue.length === 0 && this.#tryAcquire(now)) return this.#dial(waiter, limits);
    if (!this.#semaphores.queue.tryAcquire(this.#settings.queueMax, now)) {
      this.#endProbation();
      waiter.onNoStream(this.#full(now));
      return null;
    }
    const queued = this.#queue.join(waiter, limits, reusePolicy, now, this.#settings.queueMs);
    this.#serveQueue();
    return queued;
  }

  get #isChecked(): boolean {
    return this.state !== 'unchecked';
  }

  #refusedBefore(agoMs: number): Failure {
    return refusedBefore(this.address, this.#spec.address.kind === 'unix', agoMs);
  }

  /** A place for one more connection. Idle ones count: the one that has waited longest gives its place up. */
  #tryAcquire(since: Instant): boolean {
    const { connections } = this.#semaphores;
    if (connections.tryAcquire(this.#settings.connectionsMax, since)) return true;
    if (this.#idle.length === 0) return false;
    this.#closeOldest();
    return connections.tryAcquire(this.#settings.connectionsMax, since);
  }

  #full(now: Instant): Failure {
    const { id, connectionsMax, queueMax } = this.#settings;
    const retryAfterS = this.#queue.retryAfterS(now, this.#queue.length > 0);
    return fail('pool_full', 'queue', { upstream: id, limit: connectionsMax, queueMax, retryAfterS });
  }

  /** Gives places to those in line, as far as there are any, and says since when the first of the others waits. */
  #serveQueue(): void {
    const { connections } = this.#semaphores;
    for (;;) {
      const { first } = this.#queue;
      if (first !== null && this.#tryAcquire(first.since)) this.#serve(first);
      else if (!connections.reportOldestWaiter(first?.since ?? null, this.#settings.connectionsMax)) return;
    }
  }

  #serve(first: QueueWaiter): void {
    this.#dequeue(first);
    const refusedAgoMs = this.#semaphores.gate.closedForMs(this.#ports.clock.now(), quietMs(this.#isChecked));
    if (refusedAgoMs !== null) {
      this.#semaphores.connections.release(this.#settings.connectionsMax);
      return first.waiter.onNoStream(this.#refusedBefore(refusedAgoMs));
    }
    first.dial = this.#dial(first.waiter, first.limits);
  }

  #dequeue({ waiter }: QueueWaiter): void {
    this.#queue.shift(this.#ports.clock.now());
    this.#semaphores.queue.release(this.#settings.queueMax);
    waiter.onStage('queue');
  }

  /** Another worker has given back a place, or wants one that an idle connection holds. */
  #onWake(): void {
    this.#serveQueue();
    if (this.#queue.length === 0 && this.#semaphores.connections.hasWaiters) this.#closeOldest();
  }

  #onWaiterRemoved(): void {
    this.#semaphores.queue.release(this.#settings.queueMax);
    this.#serveQueue();
    this.#endProbation();
  }

  #onQueueTimeout({ waiter, since }: QueueWaiter): void {
    const now = this.#ports.clock.now();
    const { id: upstream, connectionsMax, queueMs } = this.#settings;
    const retryAfterS = this.#queue.retryAfterS(now, true);
    const waitedMs = Math.round(now - since);
    this.#onWaiterRemoved();
    waiter.onNoStream(
      fail('queue_timeout', 'queue', { upstream, limit: connectionsMax, waitedMs, limitMs: queueMs, retryAfterS }),
    );
  }

  #endProbation(force = false): void {
    if (!this.#holdsProbation || (this.load > 0 && !force)) return;
    this.#holdsProbation = false;
    this.#semaphores.probation.release(1);
  }

  #releaseConnection(): void {
    this.#semaphores.connections.release(this.#settings.connectionsMax);
    this.#endProbation();
    if (this.#queue.length > 0) this.#serveQueue();
  }

  #takeIdle(reusePolicy: ReusePolicy): UpstreamConnection | null {
    const connection = this.#newestIdle(reusePolicy);
    if (connection === undefined) return null;
    const idleMs = this.#ports.clock.now() - connection.idleSince;
    this.#idle.pop();
    this.#semaphores.connections.setIdle(this.#idle.length);
    connection.idleMs = idleMs;
    this.#ports.counts.upstreamConnectionsIdle--;
    this.#ports.counts.upstreamReusesTotal++;
    return connection;
  }

  #newestIdle(reusePolicy: ReusePolicy): UpstreamConnection | undefined {
    for (;;) {
      const connection = this.#idle.at(-1);
      const isTrusted = this.#settings.connectionReuse === 'always';
      if (connection === undefined || (reusePolicy === 'any' && isTrusted)) return connection;
      const now = this.#ports.clock.now();
      if (reusePolicy === 'recently_used' && now - connection.idleSince >= justUsedMs) return undefined;
      if (isTrusted && now - this.#keptAt < lookedAtMs) return connection;
      if (connection.transport.isQuiet()) {
        this.#keptAt = now;
        return connection;
      }
      this.#ports.counts.staleReusesAvoided++;
      connection.close();
    }
  }

  #dial(waiter: StreamWaiter, limits: DialLimits): PendingStream {
    this.#dials++;
    let isPending = true;
    const done = (): void => {
      isPending = false;
      this.#dials--;
    };
    const over = (): void => {
      if (!isPending) return;
      done();
      this.#releaseConnection();
    };
    const dialWaiter: DialWaiter = {
      onStage: (stage) => waiter.onStage(stage),
      onDialed: (transport, remoteAddress) => {
        done();
        this.#semaphores.gate.accepted();
        const connection = this.#adopt(transport, remoteAddress, tls);
        // What has come already is told before the request leaves, so that it is known for no answer to it.
        if (this.#settings.connectionReuse === 'after_check') transport.hasUnread();
        waiter.onStream(connection);
      },
      onDialFailed: (failure: Failure) => {
        if (isRefusal(failure.cause)) this.#semaphores.gate.refused(this.#ports.clock.now());
        else this.#semaphores.gate.accepted();
        over();
        waiter.onNoStream(failure);
      },
    };
    const { address, name = null, secondAddress = null } = this.#spec;
    const tls = this.#tls;
    const target = { address, name, secondAddress, addressText: this.address, tls, limits };
    const dial = new Dial(target, this.#ports, dialWaiter);
    dial.begin();
    return {
      cancel: () => {
        dial.cancel();
        over();
      },
    };
  }

  #adopt(transport: Transport, remoteAddress: string, tls: EndpointSettings['tls']): UpstreamConnection {
    const limits = { ...responseLimits, headBytesMax: this.#settings.responseHeadBytesMax };
    const connection = new UpstreamConnection(transport, remoteAddress, limits, this.#ports, this);
    if (tls === this.#tls) this.#current.add(connection);
    this.#connections++;
    this.#ports.deadlines.add(connection);
    this.#ports.counts.upstreamConnections++;
    this.#ports.counts.upstreamConnectionsTotal++;
    return connection;
  }

  onReturned(connection: UpstreamConnection): void {
    if (this.#settings.connectionReuse === 'never') return connection.close();
    const keeps = this.state !== 'draining' && this.state !== 'gone' && this.#current.has(connection);
    if (this.#queue.length > 0 && this.#current.has(connection)) return this.#passToWaiter(connection);
    if (!keeps || this.#idle.length >= this.#settings.idleConnectionsMax) return connection.close();
    const idleMs = this.#keepMs(connection);
    if (idleMs <= 0) return connection.close();
    connection.at = after(connection.idleSince, idleMs);
    this.#keptAt = connection.idleSince;
    this.#idle.push(connection);
    this.#semaphores.connections.setIdle(this.#idle.length);
    this.#ports.counts.upstreamConnectionsIdle++;
    this.#endProbation();
    // Seen only now: whoever began to wait before has not seen that this one is idle.
    if (this.#semaphores.connections.hasWaiters) this.#closeOldest();
  }

  /** Somebody waits here: they get the connection as it is, unless it must be a fresh one, or another worker's turn. */
  #passToWaiter(connection: UpstreamConnection): void {
    const { first } = this.#queue;
    const isUnverified = this.#settings.connectionReuse === 'after_check' && !connection.transport.isQuiet();
    if (
      first === null ||
      first.reusePolicy === 'fresh' ||
      isUnverified ||
      this.#semaphores.connections.isDueToOtherWorker(first.since)
    ) {
      return connection.close();
    }
    this.#dequeue(first);
    this.#serveQueue(); // It says since when the next one waits.
    connection.idleMs = this.#ports.clock.now() - connection.idleSince;
    this.#ports.counts.upstreamReusesTotal++;
    first.waiter.onStream(connection);
  }

  /** How long it may wait for its next exchange: our own limit, what the endpoint said, what it was seen to do. */
  #keepMs({ keepAliveTimeoutS, idleSince }: UpstreamConnection): number {
    const saidMs = keepAliveTimeoutS === null ? Infinity : keepAliveTimeoutS * 1000 - keepAliveMarginMs;
    return Math.min(this.#settings.idleConnectionMs, saidMs, this.#idleLimit.keepMs(idleSince));
  }

  onLost(connection: UpstreamConnection): void {
    this.#connections--;
    this.#ports.counts.upstreamConnections--;
    this.#ports.deadlines.remove(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#lostIdle(connection, index);
    this.#releaseConnection();
  }

  #lostIdle(connection: UpstreamConnection, index: number): void {
    this.#idle.splice(index, 1);
    this.#semaphores.connections.setIdle(this.#idle.length);
    this.#ports.counts.upstreamConnectionsIdle--;
    const now = this.#ports.clock.now();
    const idleMs = now - connection.idleSince;
    if (!this.#closesIdle && idleMs < this.#keepMs(connection)) this.#idleLimit.noteClose(idleMs, now);
  }
}
