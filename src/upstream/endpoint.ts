import type { UpstreamSpec } from '../core/configuration.ts';
import { addressText, type EndpointState, hostPort, type InstanceExit } from '../core/endpoint.ts';
import type { Cause, Failure } from '../core/failure.ts';
import { fail } from '../core/failure.ts';
import type { CheckRhythm, EndpointSnapshot } from '../core/snapshot.ts';
import type { ConnectionAge, PendingStream, StreamWaiter } from '../core/stream.ts';
import { after } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { responseLimits } from '../wire/limits.ts';
import { type ConnectionHome, UpstreamConnection } from './connection.ts';
import { LearnedIdleLimit } from './idle-limit.ts';
import { Opening, type OpeningLimits, type OpeningWaiter } from './opening.ts';
import type { UpstreamPorts } from './ports.ts';

/** What of an upstream's configuration its endpoints need. */
export type EndpointSettings = Pick<
  UpstreamSpec,
  'id' | 'tls' | 'idleConnectionsMax' | 'idleConnectionMs' | 'connectionsMax' | 'responseHeadOctetsMax'
>;

/** An endpoint says how long it keeps idle connections; we let go this much earlier. */
const keepAliveMarginMs = 1000;

/** Of a full pool's many exchanges one ends soon; sooner than this cannot be said in Retry-After. */
const exchangeEndsS = 1;

/**
 * A request that must not be repeated goes only on a connection that was in use this recently, or a fresh one. Few
 * servers keep idle connections for less than a second; the other half of it is for a close that is on its way.
 */
const justUsedMs = 500;

/**
 * Before a request that must not or may not be repeated goes on a connection that has been idle for longer than this, the
 * system is asked whether its end has come. Sooner there is little to see, and the look takes as long as the rest of the reuse.
 */
const lookedAtMs = 5;

/**
 * One address that can answer: its state as main last told it, and this worker's connections to it.
 *
 * The pool is newest first: the connection used last is the one least likely to have been closed meanwhile.
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
  readonly #ports: UpstreamPorts;
  #spec: EndpointSnapshot;
  #settings: EndpointSettings;
  #connections = 0;
  #openings = 0;
  readonly #idle: UpstreamConnection[] = [];
  readonly #idleLimit = new LearnedIdleLimit();
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
    this.state = spec.state;
    this.reason = spec.reason;
    this.addressStale = spec.addressStale === true;
    this.sinceInstant = spec.sinceInstant;
    this.checks = spec.checks;
    this.release = spec.release;
    this.exit = spec.exit;
    this.failure = spec.failure ?? null;
    this.checkCause = spec.checkCause ?? null;
  }

  /** What a request for this endpoint names as its host: the name where there is one. */
  get authority(): string {
    const { address, name } = this.#spec;
    if (address.kind === 'unix') return 'localhost';
    return name === undefined ? this.address : hostPort(name, address.port);
  }

  /** Exchanges under way here. */
  get load(): number {
    return this.#connections - this.#idle.length + this.#openings;
  }

  update(spec: EndpointSnapshot, settings: EndpointSettings): void {
    const sameTls = JSON.stringify(settings.tls) === JSON.stringify(this.#tls);
    if (!sameTls) this.#tls = settings.tls;
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
    if (!sameTls) this.#current = new WeakSet();
    if (!sameTls || spec.state === 'draining' || spec.state === 'gone') this.closeIdle();
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
    // Idle connections count; the one that has waited longest gives up its place.
    if (this.#isFull) this.#closeOldest();
    if (this.#isFull) {
      waiter.onNoStream(
        fail('pool_full', 'queue', {
          upstream: this.#settings.id,
          limit: this.#settings.connectionsMax,
          retryAfterS: exchangeEndsS,
        }),
      );
      return null;
    }
    return this.#open(waiter, limits);
  }

  get #isFull(): boolean {
    return this.#connections + this.#openings >= this.#settings.connectionsMax;
  }

  #takeIdle(age: ConnectionAge): UpstreamConnection | null {
    const connection = this.#newestIdle(age);
    if (connection === undefined) return null;
    const idleMs = this.#ports.clock.now() - connection.idleSince;
    this.#idle.pop();
    connection.idleMs = idleMs;
    this.#ports.counts.upstreamConnectionsIdle--;
    this.#ports.counts.upstreamReusesTotal++;
    return connection;
  }

  #newestIdle(age: ConnectionAge): UpstreamConnection | undefined {
    for (;;) {
      const connection = this.#idle.at(-1);
      if (connection === undefined || age === 'any') return connection;
      const idleMs = this.#ports.clock.now() - connection.idleSince;
      if (age === 'just_used' && idleMs >= justUsedMs) return undefined;
      if (idleMs < lookedAtMs || connection.transport.isQuiet()) return connection;
      this.#ports.counts.staleReusesAvoided++;
      connection.close();
    }
  }

  #open(waiter: StreamWaiter, limits: OpeningLimits): PendingStream {
    this.#openings++;
    let isPending = true;
    const done = (): void => {
      if (isPending) this.#openings--;
      isPending = false;
    };
    const opened: OpeningWaiter = {
      onStage: (stage) => waiter.onStage(stage),
      onOpened: (transport, place) => {
        done();
        waiter.onStream(this.#adopt(transport, place, tls));
      },
      onNotOpened: (failure: Failure) => {
        done();
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
        done();
        opening.cancel();
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
    const keeps = this.state !== 'draining' && this.state !== 'gone' && this.#current.has(connection);
    if (!keeps || this.#idle.length >= this.#settings.idleConnectionsMax) return connection.close();
    const idleMs = this.#keepMs(connection);
    if (idleMs <= 0) return connection.close();
    connection.at = after(connection.idleSince, idleMs);
    this.#idle.push(connection);
    this.#ports.counts.upstreamConnectionsIdle++;
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
    if (place < 0) return;
    this.#idle.splice(place, 1);
    this.#ports.counts.upstreamConnectionsIdle--;
    const now = this.#ports.clock.now();
    const idleMs = now - connection.idleSince;
    if (!this.#closesIdle && idleMs < this.#keepMs(connection)) this.#idleLimit.noteClose(idleMs, now);
  }
}
