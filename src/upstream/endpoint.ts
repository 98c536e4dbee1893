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
import { localEndpointPlaces } from '../core/local-places.ts';
import type { EndpointPlaces } from '../core/places.ts';
import type { CheckRhythm, EndpointSnapshot } from '../core/snapshot.ts';
import type { ConnectionAge, PendingStream, StreamWaiter } from '../core/stream.ts';
import { after, type Instant } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { responseLimits } from '../wire/limits.ts';
import { type ConnectionHome, UpstreamConnection } from './connection.ts';
import { LearnedIdleLimit } from './idle-limit.ts';
import { Opening, type OpeningLimits, type OpeningWaiter } from './opening.ts';
import type { UpstreamPorts } from './ports.ts';
import { isRefusal, quietMs, refusedBefore } from './refusal.ts';
import { type Waiting, WaitingLine } from './waiting-line.ts';

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
  | 'responseHeadOctetsMax'
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
 * whoever gives one back gives it to the one who has waited longest, in any worker (`core/places.ts`).
 */
export class LiveEndpoint implements ConnectionHome {
  readonly id: string;
  readonly address: string;
  state: EndpointState;
  reason: string;
  addressStale: boolean;
  sinceInstant: number;
  checks: CheckRhythm | null;
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
  #openings = 0;
  readonly #idle: UpstreamConnection[] = [];
  #places: EndpointPlaces;
  readonly #line: WaitingLine;
  /** The one request at a time of an endpoint on trial is here. */
  #hasTrial = false;
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
    this.#places = this.#placesIn(spec);
    this.#line = new WaitingLine(
      ports.deadlines,
      () => this.#onLeft(),
      (waiting) => this.#onTooLate(waiting),
    );
    this.state = spec.state;
    this.reason = spec.reason;
    this.addressStale = spec.addressStale === true;
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
    return this.#connections - this.#idle.length + this.#openings + this.#line.length;
  }

  /** Whether a request would not have to wait here, as far as that can be told. */
  get hasRoom(): boolean {
    if (this.#idle.length > 0) return true;
    if (this.#places.gate.isClosed(this.#ports.clock, quietMs(this.#isChecked))) return false;
    return this.#line.length === 0 && this.#places.connections.hasRoom(this.#settings.connectionsMax);
  }

  /** Whether the next request is the only one here, in any worker. Then it is to come now. */
  tryTrial(): boolean {
    if (this.load > 0) return false;
    this.#hasTrial ||= this.#places.trial.tryTake(1, this.#ports.clock.now());
    return this.#hasTrial;
  }

  update(spec: EndpointSnapshot, settings: EndpointSettings): void {
    const sameTls = JSON.stringify(settings.tls) === JSON.stringify(this.#tls);
    if (!sameTls) this.#tls = settings.tls;
    this.#moveTo(spec);
    this.#spec = spec;
    this.#settings = settings;
    this.state = spec.state;
    this.reason = spec.reason;
    this.addressStale = spec.addressStale === true;
    this.sinceInstant = spec.sinceInstant;
    this.checks = spec.checks;
    this.release = spec.release;
    this.exit = spec.exit;
    this.failure = spec.failure ?? null;
    this.checkCause = spec.checkCause ?? null;
    this.finding = spec.finding ?? null;
    if (this.state !== 'on_trial') this.#endTrial(true); // For a trial of another time, which may be another worker's.
    if (!sameTls) this.#current = new WeakSet();
    const isClosed = settings.connectionReuse === 'never' || spec.state === 'draining' || spec.state === 'gone';
    if (!sameTls || isClosed) this.closeIdle();
    if (this.#line.length > 0) this.#serveLine(); // There may be more places now.
  }

  /** It is no endpoint of the upstream any more. What is under way may end. */
  leave(): void {
    this.state = 'gone';
    this.closeIdle();
    this.#closePlaces();
  }

  /** Main gives the cells of an endpoint to another one only when nobody holds a place there. */
  #moveTo(spec: EndpointSnapshot): void {
    const { slot } = this.#spec;
    const isSame = spec.slot?.index === slot?.index && spec.slot?.generation === slot?.generation;
    if (isSame || this.#connections + this.#openings + this.#line.length > 0 || this.#hasTrial) return;
    this.#closePlaces();
    this.#places = this.#placesIn(spec);
  }

  #placesIn({ slot }: EndpointSnapshot): EndpointPlaces {
    return slot === undefined ? localEndpointPlaces() : this.#ports.places.endpoint(slot, () => this.#onCalled());
  }

  #closePlaces(): void {
    const { connections, queue, trial } = this.#places;
    for (const places of [connections, queue, trial]) places.close();
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
  acquire(waiter: StreamWaiter, limits: OpeningLimits, age: ConnectionAge): PendingStream | null {
    const idle = age === 'fresh' ? null : this.#takeIdle(age);
    if (idle !== null) {
      waiter.onStream(idle);
      return null;
    }
    const now = this.#ports.clock.now();
    const refusedAgoMs = this.#places.gate.closedForMs(now, quietMs(this.#isChecked));
    if (refusedAgoMs !== null) {
      this.#endTrial();
      waiter.onNoStream(this.#refusedBefore(refusedAgoMs));
      return null;
    }
    if (this.#line.length === 0 && this.#tryTake(now)) return this.#open(waiter, limits);
    if (!this.#places.queue.tryTake(this.#settings.queueMax, now)) {
      this.#endTrial();
      waiter.onNoStream(this.#full(now));
      return null;
    }
    const waiting = this.#line.join(waiter, limits, age, now, this.#settings.queueMs);
    this.#serveLine();
    return waiting;
  }

  get #isChecked(): boolean {
    return this.state !== 'unchecked';
  }

  #refusedBefore(agoMs: number): Failure {
    return refusedBefore(this.address, this.#spec.address.kind === 'unix', agoMs);
  }

  /** A place for one more connection. Idle ones count: the one that has waited longest gives its place up. */
  #tryTake(since: Instant): boolean {
    const { connections } = this.#places;
    if (connections.tryTake(this.#settings.connectionsMax, since)) return true;
    if (this.#idle.length === 0) return false;
    this.#closeOldest();
    return connections.tryTake(this.#settings.connectionsMax, since);
  }

  #full(now: Instant): Failure {
    const { id, connectionsMax, queueMax } = this.#settings;
    const retryAfterS = this.#line.lastsS(now, this.#line.length > 0);
    return fail('pool_full', 'queue', { upstream: id, limit: connectionsMax, queueMax, retryAfterS });
  }

  /** Gives places to those in line, as far as there are any, and says since when the first of the others waits. */
  #serveLine(): void {
    const { connections } = this.#places;
    for (;;) {
      const { first } = this.#line;
      if (first !== null && this.#tryTake(first.since)) this.#serve(first);
      else if (!connections.waiting(first?.since ?? null, this.#settings.connectionsMax)) return;
    }
  }

  #serve(first: Waiting): void {
    this.#endWaiting(first);
    const refusedAgoMs = this.#places.gate.closedForMs(this.#ports.clock.now(), quietMs(this.#isChecked));
    if (refusedAgoMs !== null) {
      this.#places.connections.giveBack(this.#settings.connectionsMax);
      return first.waiter.onNoStream(this.#refusedBefore(refusedAgoMs));
    }
    first.opening = this.#open(first.waiter, first.limits);
  }

  #endWaiting({ waiter }: Waiting): void {
    this.#line.shift(this.#ports.clock.now());
    this.#places.queue.giveBack(this.#settings.queueMax);
    waiter.onStage('queue');
  }

  /** Another worker has given back a place, or wants one that an idle connection holds. */
  #onCalled(): void {
    this.#serveLine();
    if (this.#line.length === 0 && this.#places.connections.isWanted) this.#closeOldest();
  }

  #onLeft(): void {
    this.#places.queue.giveBack(this.#settings.queueMax);
    this.#serveLine();
    this.#endTrial();
  }

  #onTooLate({ waiter, since }: Waiting): void {
    const now = this.#ports.clock.now();
    const { id: upstream, connectionsMax, queueMs } = this.#settings;
    const retryAfterS = this.#line.lastsS(now, true);
    const waitedMs = Math.round(now - since);
    this.#onLeft();
    waiter.onNoStream(
      fail('queue_timeout', 'queue', { upstream, limit: connectionsMax, waitedMs, limitMs: queueMs, retryAfterS }),
    );
  }

  #endTrial(anyhow = false): void {
    if (!this.#hasTrial || (this.load > 0 && !anyhow)) return;
    this.#hasTrial = false;
    this.#places.trial.giveBack(1);
  }

  #giveBackPlace(): void {
    this.#places.connections.giveBack(this.#settings.connectionsMax);
    this.#endTrial();
    if (this.#line.length > 0) this.#serveLine();
  }

  #takeIdle(age: ConnectionAge): UpstreamConnection | null {
    const connection = this.#newestIdle(age);
    if (connection === undefined) return null;
    const idleMs = this.#ports.clock.now() - connection.idleSince;
    this.#idle.pop();
    this.#places.connections.idle(this.#idle.length);
    connection.idleMs = idleMs;
    this.#ports.counts.upstreamConnectionsIdle--;
    this.#ports.counts.upstreamReusesTotal++;
    return connection;
  }

  #newestIdle(age: ConnectionAge): UpstreamConnection | undefined {
    for (;;) {
      const connection = this.#idle.at(-1);
      const isTrusted = this.#settings.connectionReuse === 'always';
      if (connection === undefined || (age === 'any' && isTrusted)) return connection;
      const now = this.#ports.clock.now();
      if (age === 'just_used' && now - connection.idleSince >= justUsedMs) return undefined;
      if (isTrusted && now - this.#keptAt < lookedAtMs) return connection;
      if (connection.transport.isQuiet()) {
        this.#keptAt = now;
        return connection;
      }
      this.#ports.counts.staleReusesAvoided++;
      connection.close();
    }
  }

  #open(waiter: StreamWaiter, limits: OpeningLimits): PendingStream {
    this.#openings++;
    let isPending = true;
    const done = (): void => {
      isPending = false;
      this.#openings--;
    };
    const over = (): void => {
      if (!isPending) return;
      done();
      this.#giveBackPlace();
    };
    const opened: OpeningWaiter = {
      onStage: (stage) => waiter.onStage(stage),
      onOpened: (transport, place) => {
        done();
        this.#places.gate.accepted();
        const connection = this.#adopt(transport, place, tls);
        // What has come already is told before the request leaves, so that it is known for no answer to it.
        if (this.#settings.connectionReuse === 'after_check') transport.hasUnread();
        waiter.onStream(connection);
      },
      onNotOpened: (failure: Failure) => {
        if (isRefusal(failure.cause)) this.#places.gate.refused(this.#ports.clock.now());
        else this.#places.gate.accepted();
        over();
        waiter.onNoStream(failure);
      },
    };
    const { address, name = null, otherWay = null } = this.#spec;
    const tls = this.#tls;
    const target = { address, name, otherWay, place: this.address, tls, limits };
    const opening = new Opening(target, this.#ports, opened);
    opening.begin();
    return {
      cancel: () => {
        opening.cancel();
        over();
      },
    };
  }

  #adopt(transport: Transport, place: string, tls: EndpointSettings['tls']): UpstreamConnection {
    const limits = { ...responseLimits, headOctetsMax: this.#settings.responseHeadOctetsMax };
    const connection = new UpstreamConnection(transport, place, limits, this.#ports, this);
    if (tls === this.#tls) this.#current.add(connection);
    this.#connections++;
    this.#ports.deadlines.add(connection);
    this.#ports.counts.upstreamConnections++;
    this.#ports.counts.upstreamConnectionsTotal++;
    return connection;
  }

  gaveBack(connection: UpstreamConnection): void {
    if (this.#settings.connectionReuse === 'never') return connection.close();
    const keeps = this.state !== 'draining' && this.state !== 'gone' && this.#current.has(connection);
    if (this.#line.length > 0 && this.#current.has(connection)) return this.#passOn(connection);
    if (!keeps || this.#idle.length >= this.#settings.idleConnectionsMax) return connection.close();
    const idleMs = this.#keepMs(connection);
    if (idleMs <= 0) return connection.close();
    connection.at = after(connection.idleSince, idleMs);
    this.#keptAt = connection.idleSince;
    this.#idle.push(connection);
    this.#places.connections.idle(this.#idle.length);
    this.#ports.counts.upstreamConnectionsIdle++;
    this.#endTrial();
    // Seen only now: whoever began to wait before has not seen that this one is idle.
    if (this.#places.connections.isWanted) this.#closeOldest();
  }

  /** Somebody waits here: they get the connection as it is, unless it must be a fresh one, or another worker's turn. */
  #passOn(connection: UpstreamConnection): void {
    const { first } = this.#line;
    const isDoubted = this.#settings.connectionReuse === 'after_check' && !connection.transport.isQuiet();
    if (first === null || first.age === 'fresh' || isDoubted || this.#places.connections.isDueElsewhere(first.since)) {
      return connection.close();
    }
    this.#endWaiting(first);
    this.#serveLine(); // It says since when the next one waits.
    connection.idleMs = this.#ports.clock.now() - connection.idleSince;
    this.#ports.counts.upstreamReusesTotal++;
    first.waiter.onStream(connection);
  }

  /** How long it may wait for its next exchange: our own limit, what the endpoint said, what it was seen to do. */
  #keepMs({ keepAliveTimeoutS, idleSince }: UpstreamConnection): number {
    const saidMs = keepAliveTimeoutS === null ? Infinity : keepAliveTimeoutS * 1000 - keepAliveMarginMs;
    return Math.min(this.#settings.idleConnectionMs, saidMs, this.#idleLimit.keepMs(idleSince));
  }

  lost(connection: UpstreamConnection): void {
    this.#connections--;
    this.#ports.counts.upstreamConnections--;
    this.#ports.deadlines.remove(connection);
    const place = this.#idle.indexOf(connection);
    if (place >= 0) this.#lostIdle(connection, place);
    this.#giveBackPlace();
  }

  #lostIdle(connection: UpstreamConnection, place: number): void {
    this.#idle.splice(place, 1);
    this.#places.connections.idle(this.#idle.length);
    this.#ports.counts.upstreamConnectionsIdle--;
    const now = this.#ports.clock.now();
    const idleMs = now - connection.idleSince;
    if (!this.#closesIdle && idleMs < this.#keepMs(connection)) this.#idleLimit.noteClose(idleMs, now);
  }
}
