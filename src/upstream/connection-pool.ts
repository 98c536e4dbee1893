import { EndpointAnswers } from './endpoint-answers.ts';
import type { AwaitedResponses } from '../core/awaited-responses.ts';
import { addressText } from '../core/endpoint.ts';
import type { Failure } from '#failures/failure.ts';
import {
  type AddressUse,
  type ConnectionGroup,
  isPrivate,
  type PooledConnection,
  type PooledConnectionOwner,
} from '../core/pooled-connection.ts';
import { isRefusal } from '../core/refusal.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { ClientOfConnection, PendingStream, ReusePolicy, StreamWaiter, UpstreamStream } from '../core/stream.ts';
import { after, type Instant } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { hasComeBack } from '../policy/eligible-endpoints.ts';
import { ConnectionQueue, type QueueWaiter } from './connection-queue.ts';
import type { DialLimits } from './dial.ts';
import { AvailableConnections } from './available-connections.ts';
import { createConnection } from './create-connection.ts';
import type { DialDemand, DialShare, PoolDial, PoolDialOwner } from './pool-dial.ts';
import { PoolDials } from './pool-dials.ts';
import { PoolProbes, type PoolProbesOwner } from './pool-probes.ts';
import { poolFull, privateTimeout, queueTimeout } from './pool-failures.ts';
import { type PoolCondition, PoolPermits, type PermitUser } from './pool-permits.ts';
import { PoolShares } from './pool-shares.ts';
import { PrivateConnections, type PrivateConnectionsOwner } from './private-connections.ts';
import { dialSettingsOf, type PoolSettings, privateIdleMax } from './pool-settings.ts';
import type { CreateConnection, UpstreamPorts } from './ports.ts';
import { refusedBefore } from './refusal.ts';

/**
 * This worker's connections to one endpoint. A request asks for a stream and gets, in this order: a free stream of an existing
 * connection, a new connection, or a position in the queue. The pool depends on no protocol version: each connection decides how
 * many streams it carries (`core/pooled-connection.ts`).
 *
 * `connections.max` limits the connections of all workers together. Each connection holds a permit, also while it is idle. A
 * released permit goes to the request that has waited longest, in any worker (`core/semaphores.ts`). `connections.requests_max`
 * limits the requests in flight in the same way, however many of them a connection carries.
 *
 * A connection whose request has become a tunnel, or whose response is a stream, counts with the long-lived ones. While several
 * addresses use the endpoint, one of them gets a share of both (`policy/address-share.ts`); requests beyond it let others pass in the queue.
 *
 * A connection on which a client has authenticated itself is private: it carries requests of that connection of a client alone
 * (`private-connections.ts`).
 *
 * If the endpoint refuses a connection, its *connect gate* closes for a short time: requests fail at once instead of dialing.
 * An endpoint in *probation* is tested with one request at a time, over all workers; a breaker may let more of them through.
 */
export class ConnectionPool
  implements PooledConnectionOwner, PoolDialOwner, PoolProbesOwner, PrivateConnectionsOwner, PermitUser
{
  /** The functions that the pool needs of other folders of src/, such as the clock. */
  readonly #ports: UpstreamPorts;
  readonly #createConnection: CreateConnection;
  readonly #answers: EndpointAnswers;
  readonly #address: string;
  #snapshot: EndpointSnapshot;
  #settings: PoolSettings;
  readonly #permits: PoolPermits;
  /** Connections that have a free stream: idle ones, and ones that carry streams and can carry more. */
  readonly #available: AvailableConnections;
  readonly #queue: ConnectionQueue;
  readonly #connections = new Set<PooledConnection>();
  /** Without those on long-lived connections. */
  #streams = 0;
  readonly #shares: PoolShares;
  /** `#serveQueue` is under way. */
  #isServing = false;
  /** A timer runs, because all requests in the queue let others pass. */
  #looksAgain = false;
  /** Whether a connection stays open when it becomes idle. */
  #keepsIdle = true;
  readonly #dials: PoolDials;
  readonly #probes = new PoolProbes(this);
  readonly #private: PrivateConnections;
  /** Connections made with the current settings. Only these may carry another request. */
  #withCurrentSettings = new WeakSet<PooledConnection>();

  constructor(snapshot: EndpointSnapshot, settings: PoolSettings, ports: UpstreamPorts) {
    this.#ports = ports;
    this.#createConnection = ports.createConnection ?? createConnection;
    this.#answers = new EndpointAnswers(ports.clock);
    this.#address = addressText(snapshot.address);
    this.#snapshot = snapshot;
    this.#settings = settings;
    this.#dials = new PoolDials(dialSettingsOf(settings), ports.clock);
    this.#permits = new PoolPermits(snapshot, settings, ports, this);
    this.#shares = new PoolShares(this.#permits, ports);
    this.#available = new AvailableConnections(ports.clock, ports.counts);
    this.#private = new PrivateConnections(ports, this);
    this.#queue = new ConnectionQueue(
      () => this.#permits.semaphores,
      ports.deadlines,
      () => this.#onWaiterRemoved(),
      (queued) => this.#onQueueTimeout(queued),
      (use) => this.#shares.mustLeave(use, ports.clock.now()),
    );
  }

  /** Requests in flight, including requests that wait for a connection. */
  get load(): number {
    return this.shortLived + this.#shares.longLived;
  }

  /** The same without streams and tunnels. */
  get shortLived(): number {
    return this.inFlight + this.#queue.length;
  }

  /** Requests that have a stream, or wait for a connection that is being made or asked; none that is long-lived. */
  get inFlight(): number {
    return this.#streams + this.#dials.shares + this.#probes.shares + this.#private.shares;
  }

  get isEmpty(): boolean {
    return this.#connections.size + this.#dials.count + this.#queue.length === 0;
  }

  /** Requests that wait for a connection, or for that of their client. */
  get waiting(): number {
    return this.#queue.length + this.#private.shares;
  }

  get waitingSince(): Instant | null {
    const queued = this.#queue.oldest?.waitingSince ?? null;
    const own = this.#private.waitingSince;
    return queued === null || (own !== null && own < queued) ? own : queued;
  }

  /** Adds its requests whose responses have not begun. */
  addAwaited(awaited: AwaitedResponses): void {
    if (this.#streams === 0) return;
    for (const connection of this.#connections) connection.addAwaited?.(awaited);
  }

  /** Whether a request would get a connection without waiting, as far as this worker knows. */
  get hasRoom(): boolean {
    if (!this.#mightBegin) return false;
    if (this.#available.length > 0) return true;
    if (this.refuses()) return false;
    return this.#queue.next === null && this.#permits.hasConnection;
  }

  /** Whether a request would get a connection, or might wait for one. */
  get takesMore(): boolean {
    return this.hasRoom || this.#permits.mayWait;
  }

  /** Whether the endpoint refused the last connection, less than `withinMs` ago. */
  refuses(withinMs?: number): boolean {
    return this.#permits.refuses(withinMs);
  }

  get condition(): PoolCondition {
    return this.#permits.condition;
  }

  /** Whether it ever accepted a connection. */
  get hasAccepted(): boolean {
    return this.#permits.semaphores.connectGate.hasAccepted;
  }

  /** Whether a connection here is private to this connection of a client. */
  hasPrivate(client: ClientOfConnection): boolean {
    return this.#private.has(client);
  }

  get reusesConnections(): boolean {
    return this.#settings.connectionReuse !== 'never';
  }

  /** Tries to get a permit for a request that tests an endpoint in probation. If true, the caller must send it at once. */
  tryProbation(route: string | undefined): boolean {
    return this.#permits.tryProbation(route);
  }

  update(snapshot: EndpointSnapshot, settings: PoolSettings): void {
    const sameDials = !this.#dials.change(dialSettingsOf(settings));
    this.#permits.update(snapshot, settings);
    if (hasComeBack(this.#snapshot, snapshot)) this.#dials.forgetProtocol();
    const endsReuse = this.reusesConnections && settings.connectionReuse === 'never';
    this.#snapshot = snapshot;
    this.#settings = settings;
    this.#keepsIdle = snapshot.state !== 'draining' && snapshot.state !== 'gone';
    if (!sameDials) this.#withCurrentSettings = new WeakSet();
    if (!sameDials || endsReuse || !this.#keepsIdle) this.#available.withdrawAll();
    if (this.#queue.length > 0) this.#serveQueue(); // `connectionsMax` or `requestsMax` may be higher now.
  }

  /** The endpoint has been removed from its upstream. Requests in flight finish. */
  retire(): void {
    this.#snapshot = { ...this.#snapshot, state: 'gone' };
    this.#keepsIdle = false;
    this.#available.withdrawAll();
    this.#permits.close();
  }

  closeIdle(): void {
    this.#available.closeIdle();
  }

  /**
   * Gets a stream for one request: calls `onStream` or `onNoStream` of `waiter` once, now or later. The result can cancel the
   * wait; null if there is nothing left to cancel. `waitingSince`: since when the request has waited for a connection of its client.
   */
  acquire(
    waiter: StreamWaiter,
    limits: DialLimits,
    reusePolicy: ReusePolicy,
    waitingSince: Instant | null = null,
  ): PendingStream | null {
    const now = this.#ports.clock.now();
    const since = waitingSince ?? now;
    const use = this.#shares.of(waiter, now);
    this.#private.closeOfOthers(waiter.client);
    if (waiter.needsHttp1 && this.#shares.refusesTunnel(waiter, use, this.#settings, now)) return null;
    if (this.#shares.mustLeave(use, now) || !this.#tryBegin())
      return this.#enqueue({ waiter, limits, reusePolicy, use }, now, since);
    const group = this.#groupFor(waiter);
    const available = this.#available.find(reusePolicy, this.#settings.connectionReuse, group);
    if (available !== undefined) {
      waiter.onStream(this.#openAvailable(available, use, now));
      return null;
    }
    const demand = { waiter, limits, reusePolicy, use };
    const own = isPrivate(group) ? this.#private.join(group, demand, since, this.#settings.queueMs) : null;
    if (own !== null) return own;
    const idle = reusePolicy === 'recently_used' ? this.#available.newestIdle(group) : undefined;
    const probing = idle === undefined ? null : this.#probes.join(idle, demand);
    if (probing !== null) return probing;
    const refusedAgoMs = this.#permits.msSinceRefusal(now);
    if (refusedAgoMs !== null) {
      this.#permits.releaseUnused();
      waiter.onNoStream(this.#refusedFailure(refusedAgoMs));
      return null;
    }
    const joined = this.#dials.join(group, demand);
    if (joined !== null) return joined;
    if (this.#queue.next === null && this.#tryAcquirePermit(now)) return this.#dial(demand);
    return this.#enqueue(demand, now, since);
  }

  /** The group of connections that may carry the request. */
  #groupFor(waiter: StreamWaiter): ConnectionGroup {
    return this.#private.groupFor(waiter) ?? this.#dials.groupFor(waiter);
  }

  #enqueue(demand: DialDemand, now: Instant, since: Instant): PendingStream | null {
    const { waiter, use } = demand;
    const waits = this.#permits.tryWait(use, now);
    if (waits !== 'waits') {
      const addressMax = waits === 'address' ? this.#permits.addressMax(now) : this.#shares.addressMaxOf(use, now);
      this.#permits.releaseUnused();
      waiter.onNoStream(poolFull(this.#settings, this.#permits, this.#queue, now, this.#ports.random, addressMax));
      return null;
    }
    const queued = this.#queue.join(demand, now, this.#settings.queueMs - (now - since));
    this.#serveQueue();
    return queued;
  }

  /** Whether a request that comes now may be in flight: then it has its permit. */
  #tryBegin(): boolean {
    if (this.#settings.requestsMax === undefined) return true;
    return this.#queue.next === null && this.#permits.mayBegin(this.#ports.clock.now());
  }

  /** The same as far as this worker knows. */
  get #mightBegin(): boolean {
    return this.#settings.requestsMax === undefined || (this.#queue.next === null && this.#permits.mightBegin);
  }

  /** Whether the first request of the queue waits for a connection, and not for its turn. */
  get #wantsConnection(): boolean {
    return this.#queue.next !== null && this.#permits.hasTurn;
  }

  #refusedFailure(agoMs: number): Failure {
    return refusedBefore(this.#address, this.#snapshot.address.kind === 'unix', agoMs);
  }

  #openAvailable(connection: PooledConnection, use: AddressUse | null, now: Instant): UpstreamStream {
    const wasIdle = connection.streamsOpen === 0;
    const stream = this.#open(connection, use, now);
    if (wasIdle) this.#available.noteUse();
    if (connection.streamsFree === 0) this.#available.remove(connection);
    if (wasIdle) this.#permits.semaphores.connections.setIdleCount(this.#available.idleCount);
    return stream;
  }

  #open(connection: PooledConnection, use: AddressUse | null, now: Instant): UpstreamStream {
    this.#shares.begin(connection, use);
    this.#streams++;
    this.#ports.counts.upstreamReusesTotal++;
    return connection.openStream(now);
  }

  /** Tries to get a permit for one more connection. If none is free, closes the connection that has been idle longest. */
  #tryAcquirePermit(waitingSince: Instant): boolean {
    if (this.#permits.tryConnect(waitingSince)) return true;
    if (this.#available.idleCount === 0) return false;
    this.#available.closeOldestIdle(this.#settings, this.#private);
    return this.#permits.tryConnect(waitingSince);
  }

  // The queue.

  /**
   * Gives waiting requests streams or dials while there are permits. Then tells the other workers since when the first request still in the queue waits.
   * What is closed for the first request calls this again: the call under way goes on with what has become free, so that no request is served twice.
   */
  #serveQueue(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      while (this.#serveFirst() || this.#permits.reportOldestWaiter(this.#queue.next?.waitingSince ?? null));
    } finally {
      this.#isServing = false;
    }
    if (this.#queue.next !== null) return;
    this.#permits.releaseUnused();
    if (this.#queue.length > 0) this.#lookAgain();
  }

  /**
   * All that wait let others pass: what becomes free in this worker is offered to them at once, and what becomes free in others is not
   * reported to requests that do not ask for it.
   */
  #lookAgain(): void {
    const { clock } = this.#ports;
    if (this.#looksAgain) return;
    this.#looksAgain = true;
    clock.schedule(after(clock.now(), lookAgainMs), lookAgain, this as ConnectionPool);
  }

  /** Called by the timer of `#lookAgain` only. */
  onLookAgain(): void {
    this.#looksAgain = false;
    if (this.#queue.length > 0) this.#serveQueue();
  }

  #serveFirst(): boolean {
    const first = this.#queue.next;
    if (first === null || !this.#permits.mayBegin(first.waitingSince)) return false;
    this.#private.closeOfOthers(first.waiter.client);
    // Where requests wait for connections alone, `onStreamEnded` gives them the free streams, but for those of connections of their clients.
    const mayShare = this.#settings.requestsMax !== undefined || this.#private.has(first.waiter.client);
    if (mayShare && this.#shareWith(first)) return true;
    if (!this.#tryAcquirePermit(first.waitingSince)) return false;
    this.#serve(first);
    return true;
  }

  /** Gives the request a free stream, or lets it wait for the connection of its client or a dial, if there is one. */
  #shareWith(first: QueueWaiter): boolean {
    const group = this.#groupFor(first.waiter);
    const available = this.#available.find(first.reusePolicy, this.#settings.connectionReuse, group);
    const joined = available === undefined ? this.#joinOthers(group, first) : null;
    if (available === undefined && joined === null) return false;
    this.#dequeue(first);
    first.dial = joined;
    const now = this.#ports.clock.now();
    if (available !== undefined) first.waiter.onStream(this.#openAvailable(available, first.use, now));
    return true;
  }

  #joinOthers(group: ConnectionGroup, first: QueueWaiter): PendingStream | null {
    const { queueMs } = this.#settings;
    const own = isPrivate(group) ? this.#private.join(group, first, first.waitingSince, queueMs) : null;
    return own ?? this.#dials.join(group, first);
  }

  #serve(first: QueueWaiter): void {
    this.#dequeue(first);
    const refusedAgoMs = this.#permits.msSinceRefusal(this.#ports.clock.now());
    if (refusedAgoMs !== null) {
      this.#permits.releaseConnection();
      return first.waiter.onNoStream(this.#refusedFailure(refusedAgoMs));
    }
    first.dial = this.#dial(first);
  }

  #dequeue(queued: QueueWaiter): void {
    this.#queue.take(queued, this.#ports.clock.now());
    this.#permits.endWait();
    queued.waiter.onStageDone('queue');
  }

  /** Another worker has released a permit, or needs the permit of an idle connection of this worker. */
  onWake(): void {
    this.#serveQueue();
    if (!this.#wantsConnection) this.#makeRoomForOthers();
  }

  /** Closes an idle connection if a request in another worker waits for its permit. */
  #makeRoomForOthers(): void {
    if (this.#permits.semaphores.connections.hasWaiters) this.#available.closeOldestIdle(this.#settings, this.#private);
  }

  #onWaiterRemoved(): void {
    this.#permits.endWait();
    this.#serveQueue();
    this.#permits.releaseUnused();
  }

  #onQueueTimeout({ waiter, waitingSince: since, use }: QueueWaiter): void {
    const now = this.#ports.clock.now();
    const addressMax = this.#shares.addressMaxOf(use, now);
    const { random } = this.#ports;
    const failure = queueTimeout(this.#settings, this.#permits, this.#queue, now, since, random, addressMax);
    this.#onWaiterRemoved();
    waiter.onNoStream(failure);
  }

  // Dials.

  #dial(demand: DialDemand): PendingStream {
    const { address, name = null, secondAddress = null } = this.#snapshot;
    const target = { address, name, secondAddress, addressText: this.#address, limits: demand.limits };
    if (demand.use !== null) demand.use.connections++;
    const group = this.#groupFor(demand.waiter);
    return this.#dials.begin(target, demand, group, this.reusesConnections, this.#ports, this);
  }

  onDialed(dial: PoolDial, transport: Transport, remoteAddress: string): void {
    this.#permits.semaphores.connectGate.noteAccepted();
    const certificate = transport.facts.tls?.serverCertificate;
    if (certificate !== undefined) this.#ports.onServerCertificate?.(this.#snapshot.id, certificate);
    const connection = this.#createPooled(transport, remoteAddress, dial);
    const [first, ...others] = this.#dials.end(dial);
    if (first === undefined) return connection.close();
    this.#streams++;
    const stream = connection.openStream(this.#ports.clock.now());
    this.#private.add(connection, first.waiter.client.address); // Now, so that nothing that this closes or serves finds it idle.
    this.#dials.noteProtocol(dial, connection.streamsFree > 0);
    // Reads what the endpoint has sent unasked, before the request is sent, so that it is not taken for the response.
    if (this.#settings.connectionReuse === 'after_check') connection.checkUnread();
    first.waiter.onStream(stream);
    if (connection.streamsFree > 0) this.#offerFreeStreams(connection);
    this.onProbed(connection, others, true);
  }

  onProbed(connection: PooledConnection, shares: readonly DialShare[], isAlive: boolean): void {
    for (const share of shares) {
      if (isAlive && connection.isAvailable)
        share.waiter.onStream(this.#openAvailable(connection, share.use, this.#ports.clock.now()));
      else share.next = this.acquire(share.waiter, share.limits, share.reusePolicy, share.waitingSince);
    }
  }

  onDialFailed(dial: PoolDial, failure: Failure): void {
    this.#permits.noteFailedDial(failure);
    if (isRefusal(failure.cause)) this.#dials.forgetProtocol();
    const shares = this.#dials.end(dial);
    this.#endDial(dial);
    for (const { waiter } of shares) waiter.onNoStream(failure);
  }

  onDialCancelled(dial: PoolDial): void {
    this.#dials.end(dial);
    this.#endDial(dial);
  }

  #endDial({ user }: PoolDial): void {
    if (user !== null) user.connections--;
    this.#releaseConnectionPermit();
  }

  onDialShareCancelled(): void {
    this.#dials.shares--;
    this.#onShareCancelled();
  }

  onProbeShareCancelled(): void {
    this.#onShareCancelled();
  }

  onPrivateShareCancelled(): void {
    this.#onShareCancelled();
  }

  onPrivateTimeout({ waiter }: DialShare, waitedMs: number): void {
    this.#onShareCancelled();
    waiter.onNoStream(privateTimeout(this.#settings, waitedMs, this.#ports.random));
  }

  #onShareCancelled(): void {
    this.#permits.releaseUnused();
    if (this.#queue.length > 0) this.#serveQueue();
  }

  #createPooled(transport: Transport, address: string, dial: PoolDial): PooledConnection {
    const { responseHeadBytesMax } = this.#settings;
    const settings = { address, responseHeadBytesMax, protocol: dial.protocol, answers: this.#answers };
    const connection = this.#createConnection(transport, settings, this.#ports, this);
    connection.group = dial.group;
    connection.user = dial.user;
    if (dial.settings === this.#dials.settings) this.#withCurrentSettings.add(connection);
    this.#connections.add(connection);
    this.#ports.counts.upstreamConnections++;
    this.#ports.counts.upstreamConnectionsTotal++;
    return connection;
  }

  // Connections.

  onLongLived(connection: PooledConnection): void {
    if (!this.#shares.tryLongLived(connection)) return;
    this.#streams--;
    this.#permits.releaseUnused();
    if (this.#queue.length > 0) this.#serveQueue();
  }

  onStreamEnded(connection: PooledConnection): void {
    if (connection.streamsOpen === 0) this.#shares.end(connection);
    if (!connection.isLongLived) this.#streams--;
    else if (!this.#mayGoOn(connection)) return connection.close();
    this.#permits.releaseUnused();
    // The connection closes itself when its last stream has ended.
    if (connection.endReason !== null) return this.#queue.length > 0 ? this.#serveQueue() : undefined;
    if (connection.streamsOpen > 0) return this.#offerFreeStreams(connection);
    this.#available.remove(connection);
    this.#onIdle(connection);
  }

  /** The stream of a long-lived connection has ended: whether the connection can be one of `connections.max` again. */
  #mayGoOn(connection: PooledConnection): boolean {
    this.#shares.longLived--;
    if (connection.endReason !== null) return true;
    if (!this.#permits.tryConnect(this.#ports.clock.now())) return false;
    this.#shares.endLongLived(connection);
    return true;
  }

  onStreamsFreeChanged(connection: PooledConnection): void {
    if (connection.endReason === null) {
      if (connection.streamsOpen > 0) this.#offerFreeStreams(connection);
    } else if (connection.isAvailable && connection.streamsOpen === 0) this.#idleClosed(connection);
    else this.#available.remove(connection);
  }

  onReserved(connection: PooledConnection, client: ClientOfConnection, isLogin: boolean): void {
    if (connection.group !== client.connection) {
      connection.group = client.connection;
      this.#private.add(connection, client.address);
    }
    if (isLogin) this.#private.noteLoginStep(connection, this.#ports.clock.now());
  }

  closePrivate(connection: PooledConnection): void {
    this.#available.close(connection);
  }

  onHttp1Required(): void {
    this.#dials.noteHttp1Required();
  }

  onConnectionClosed(connection: PooledConnection): void {
    this.#connections.delete(connection);
    this.#ports.counts.upstreamConnections--;
    if (connection.isAvailable) this.#idleClosed(connection);
    this.#shares.end(connection);
    const waiting = this.#private.takeShares(connection);
    this.#private.remove(connection);
    if (connection.isLongLived) this.#shares.endLongLived(connection);
    else this.#releaseConnectionPermit();
    this.onProbed(connection, waiting, false);
  }

  #idleClosed(connection: PooledConnection): void {
    this.#available.idleClosed(connection, this.#settings);
    this.#permits.semaphores.connections.setIdleCount(this.#available.idleCount);
  }

  #releaseConnectionPermit(): void {
    this.#permits.releaseConnection();
    this.#permits.releaseUnused();
    if (this.#queue.length > 0) this.#serveQueue();
  }

  /** A connection that carries streams may have free streams. Waiting requests get them first; the rest is made available. */
  #offerFreeStreams(connection: PooledConnection): void {
    if (!this.reusesConnections || !this.#withCurrentSettings.has(connection)) return;
    for (let first = this.#queue.next; first !== null && connection.streamsFree > 0; first = this.#queue.next) {
      if (!this.#mayCarry(first, connection) || !this.#permits.mayBegin(first.waitingSince)) break;
      this.#giveToFirstWaiter(first, connection);
    }
    if (connection.streamsFree > 0 && this.#keepsIdle) this.#available.addBusy(connection);
    else this.#available.remove(connection);
  }

  #onIdle(connection: PooledConnection): void {
    if (isPrivate(connection.group)) return this.#onPrivateIdle(connection);
    const settings = this.#settings;
    const isCurrent = this.#withCurrentSettings.has(connection);
    if (settings.connectionReuse === 'never') return connection.close();
    if (this.#queue.length > 0) {
      this.#shares.inHand = 1;
      const first = this.#queue.next;
      this.#shares.inHand = 0;
      if (first !== null && isCurrent && this.#permits.mayBegin(first.waitingSince))
        return this.#giveIdleToFirstWaiter(connection, first);
    }
    if (!this.#keepsIdle || !isCurrent) return connection.close();
    // A connection that names a client can serve no other, and the client of the oldest one is the likeliest to have left.
    if (connection.group !== null && this.#isIdleFull) this.#available.closeOldestIdle(settings, this.#private);
    if (this.#isIdleFull) return connection.close();
    if (!this.#keepIdle(connection)) return;
    this.#permits.releaseUnused();
    // Must follow `setIdleCount`: a worker whose request began to wait earlier did not know of this idle connection, and could
    // not ask for it.
    this.#makeRoomForOthers();
  }

  /** Its client's next request gets it; others may need its permit. */
  #onPrivateIdle(connection: PooledConnection): void {
    const isCurrent = this.#keepsIdle && this.#withCurrentSettings.has(connection);
    if (!isCurrent || !this.#private.isKept(connection)) return connection.close();
    if (this.#isIdleFull) this.#available.closeOldestIdle(this.#settings, this.#private);
    if (this.#isIdleFull) return connection.close();
    if (!this.#keepIdle(connection)) return;
    const surplus = this.#private.surplus(privateIdleMax(this.#settings));
    if (surplus !== null) this.#available.close(surplus);
    this.onProbed(connection, this.#private.takeShares(connection), true);
    if (this.#queue.length > 0) this.#serveQueue();
    this.#permits.releaseUnused();
    this.#makeRoomForOthers();
  }

  /** False: the endpoint does not keep it, and it is closed. */
  #keepIdle(connection: PooledConnection): boolean {
    const keepMs = this.#available.keepMs(connection, this.#settings);
    if (keepMs <= 0) {
      connection.close();
      return false;
    }
    connection.keepUntil(after(connection.idleSince, keepMs));
    this.#available.addIdle(connection);
    this.#permits.semaphores.connections.setIdleCount(this.#available.idleCount);
    return true;
  }

  get #isIdleFull(): boolean {
    return this.#available.idleCount >= this.#settings.idleConnectionsMax;
  }

  #mayCarry({ waiter }: QueueWaiter, { group }: PooledConnection): boolean {
    return group === this.#groupFor(waiter) && (!isPrivate(group) || this.#private.has(waiter.client));
  }

  /**
   * Gives an idle connection to the first waiting request. If that request needs a fresh connection or is another client's than the
   * connection names, if the connection may have unread bytes, or if a request in another worker has waited longer, closes the connection instead: its permit then goes to
   * the request that is next.
   */
  #giveIdleToFirstWaiter(connection: PooledConnection, first: QueueWaiter): void {
    const mustBeQuiet = this.#settings.connectionReuse === 'after_check' || first.reusePolicy === 'quiet';
    const mayHaveUnreadBytes = mustBeQuiet && !connection.hasNoUnreadBytes();
    if (
      first.reusePolicy === 'fresh' ||
      !this.#mayCarry(first, connection) ||
      mayHaveUnreadBytes ||
      this.#permits.semaphores.connections.mustGoToOtherWorker(first.waitingSince)
    ) {
      return connection.close();
    }
    this.#giveToFirstWaiter(first, connection);
    if (connection.streamsFree > 0) this.#offerFreeStreams(connection);
  }

  #giveToFirstWaiter(first: QueueWaiter, connection: PooledConnection): void {
    this.#dequeue(first);
    const stream = this.#open(connection, first.use, this.#ports.clock.now());
    this.#serveQueue(); // Tells the other workers since when the next request waits.
    first.waiter.onStream(stream);
  }
}

/** How soon requests that let others pass look again for what has become free in other workers. */
const lookAgainMs = 20;

function lookAgain(pool: ConnectionPool): void {
  pool.onLookAgain();
}
