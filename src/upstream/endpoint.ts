import type { UpstreamSpec } from '../core/configuration.ts';
import { addressText, type EndpointState, type InstanceExit } from '../core/endpoint.ts';
import type { Failure } from '../core/failure.ts';
import { fail } from '../core/failure.ts';
import type { CheckRhythm, EndpointSnapshot } from '../core/snapshot.ts';
import type { ConnectionAge, PendingStream, StreamWaiter } from '../core/stream.ts';
import { after } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { responseLimits } from '../wire/limits.ts';
import { type ConnectionHome, UpstreamConnection } from './connection.ts';
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

/** A request that must not be repeated goes only on a connection that was in use this recently, or a fresh one. */
const justUsedMs = 1000;

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
  sinceInstant: number;
  checks: CheckRhythm | null;
  release: string | null;
  exit: InstanceExit | null;
  readonly #ports: UpstreamPorts;
  #spec: EndpointSnapshot;
  #settings: EndpointSettings;
  #connections = 0;
  #openings = 0;
  readonly #idle: UpstreamConnection[] = [];
  /** Opened under the TLS settings in force: only these may serve another exchange. */
  #current = new WeakSet<UpstreamConnection>();

  constructor(spec: EndpointSnapshot, settings: EndpointSettings, ports: UpstreamPorts) {
    this.id = spec.id;
    this.address = addressText(spec.address);
    this.#spec = spec;
    this.#settings = settings;
    this.#ports = ports;
    this.state = spec.state;
    this.reason = spec.reason;
    this.sinceInstant = spec.sinceInstant;
    this.checks = spec.checks;
    this.release = spec.release;
    this.exit = spec.exit;
  }

  /** Exchanges under way here. */
  get load(): number {
    return this.#connections - this.#idle.length + this.#openings;
  }

  update(spec: EndpointSnapshot, settings: EndpointSettings): void {
    const sameTls = JSON.stringify(settings.tls) === JSON.stringify(this.#settings.tls);
    this.#spec = spec;
    this.#settings = settings;
    this.state = spec.state;
    this.reason = spec.reason;
    this.sinceInstant = spec.sinceInstant;
    this.checks = spec.checks;
    this.release = spec.release;
    this.exit = spec.exit;
    if (!sameTls) this.#current = new WeakSet();
    if (!sameTls || spec.state === 'draining' || spec.state === 'gone') this.closeIdle();
  }

  closeIdle(): void {
    // Each takes itself out of the list, and out of the count, when it is lost.
    for (const connection of [...this.#idle]) connection.close();
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
    if (this.#isFull) this.#idle[0]?.close();
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
    const connection = this.#idle.at(-1);
    if (connection === undefined) return null;
    const idleMs = this.#ports.clock.now() - connection.idleSince;
    if (age === 'just_used' && idleMs >= justUsedMs) return null;
    this.#idle.pop();
    connection.idleMs = idleMs;
    this.#ports.counts.upstreamConnectionsIdle--;
    this.#ports.counts.upstreamReusesTotal++;
    return connection;
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
      onOpened: (transport) => {
        done();
        waiter.onStream(this.#adopt(transport, tls));
      },
      onNotOpened: (failure: Failure) => {
        done();
        waiter.onNoStream(failure);
      },
    };
    const { address } = this.#spec;
    const { tls } = this.#settings;
    const target = { address, place: this.address, tls, limits };
    const opening = new Opening(target, this.#ports, opened);
    opening.begin();
    return {
      cancel: () => {
        done();
        opening.cancel();
      },
    };
  }

  #adopt(transport: Transport, tls: EndpointSettings['tls']): UpstreamConnection {
    const limits = { ...responseLimits, headOctetsMax: this.#settings.responseHeadOctetsMax };
    const connection = new UpstreamConnection(transport, this.address, limits, this.#ports, this);
    if (JSON.stringify(tls) === JSON.stringify(this.#settings.tls)) this.#current.add(connection);
    this.#connections++;
    this.#ports.deadlines.add(connection);
    this.#ports.counts.upstreamConnections++;
    this.#ports.counts.upstreamConnectionsTotal++;
    return connection;
  }

  gaveBack(connection: UpstreamConnection): void {
    const keeps = this.state !== 'draining' && this.state !== 'gone' && this.#current.has(connection);
    if (!keeps || this.#idle.length >= this.#settings.idleConnectionsMax) return connection.close();
    const saidMs =
      connection.keepAliveTimeoutS === null ? Infinity : connection.keepAliveTimeoutS * 1000 - keepAliveMarginMs;
    const idleMs = Math.min(this.#settings.idleConnectionMs, saidMs);
    if (idleMs <= 0) return connection.close();
    connection.at = after(connection.idleSince, idleMs);
    this.#idle.push(connection);
    this.#ports.counts.upstreamConnectionsIdle++;
  }

  lost(connection: UpstreamConnection): void {
    this.#connections--;
    this.#ports.counts.upstreamConnections--;
    this.#ports.deadlines.remove(connection);
    const place = this.#idle.indexOf(connection);
    if (place < 0) return;
    this.#idle.splice(place, 1);
    this.#ports.counts.upstreamConnectionsIdle--;
  }
}
