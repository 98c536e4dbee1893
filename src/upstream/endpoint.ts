import { addressText, type EndpointState, hostPort, type ReadinessFinding } from '../core/endpoint.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import type { AwaitedResponses } from '../core/awaited-responses.ts';
import type { Cause, Failure } from '#failures/failure.ts';
import type { EndpointCondition } from '../core/schemas/gateway-state.ts';
import { overlayEndpointOf } from '../core/overlay.ts';
import type { CheckSchedule, EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import type { ClientOfConnection, PendingStream, ReusePolicy, StreamWaiter } from '../core/stream.ts';
import type { EndpointRelease } from '../core/endpoint-release.ts';
import type { Clock, Instant } from '../core/time.ts';
import type { BalancedEndpoint } from '../policy/balancer.ts';
import { isReadyState } from '../policy/eligible-endpoints.ts';
import { FailureLoad } from '../policy/failure-load.ts';
import { PeakLatency } from '../policy/peak-latency.ts';
import { ConnectionPool } from './connection-pool.ts';
import type { PoolSettings } from './pool-settings.ts';
import type { DialLimits } from './dial.ts';
import type { UpstreamPorts } from './ports.ts';

/** A second attempt, and the record of both, come within this time. */
const refusedRecentlyMs = 1000;

/** A release that is to have no requests gets them only while no other may, like an endpoint without weight. */
const weightOf = ({ weight = 1, share }: EndpointSnapshot): number => (share === 0 ? 0 : weight);

type EndpointSettings = PoolSettings & Pick<UpstreamSnapshot, 'balance'>;

/** One address that can answer requests: its last snapshot from the main thread, and this worker's pool of connections to it. */
export class LiveEndpoint implements BalancedEndpoint {
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
  share: number | null | undefined;
  /** For records. */
  runs: EndpointRelease | null;
  exit: InstanceExit | null;
  /** All processes of its instance that a signal has stopped; null where some may answer, or it is not known. */
  stoppedPids: readonly number[] | null;
  /** The failure of a request that is meant for this endpoint; null if requests may be sent to it. */
  failure: Failure | null;
  /** The cause with which the last check failed, if a request would fail with the same cause; otherwise null. */
  checkCause: Cause | null;
  /** The last result of the readiness checks, if this is an instance that is not ready; otherwise null. */
  finding: ReadinessFinding | null;
  /** Null where the balancer does not go by it. */
  latency: PeakLatency | null;
  /** When it became ready; absent while it is not. */
  readySince: Instant | undefined;
  /** Null until an attempt fails. */
  #failures: FailureLoad | null = null;
  readonly #clock: Clock;
  readonly #pool: ConnectionPool;
  #snapshot: EndpointSnapshot;

  constructor(snapshot: EndpointSnapshot, settings: EndpointSettings, ports: UpstreamPorts) {
    this.id = snapshot.id;
    this.address = addressText(snapshot.address);
    this.#snapshot = snapshot;
    this.#clock = ports.clock;
    this.#pool = new ConnectionPool(snapshot, settings, ports);
    this.latency = latencyFor(settings, null);
    this.state = snapshot.state;
    this.readySince = isReadyState(snapshot) ? (snapshot.sinceInstant as Instant) : undefined;
    this.reason = snapshot.reason;
    this.addressStale = snapshot.addressStale === true;
    this.weight = weightOf(snapshot);
    this.zone = snapshot.zone ?? '';
    this.priority = snapshot.priority ?? 0;
    this.sinceInstant = snapshot.sinceInstant;
    this.checks = snapshot.checks;
    this.release = snapshot.release;
    this.share = snapshot.share;
    this.runs = releaseOf(snapshot, null);
    this.exit = snapshot.exit;
    this.stoppedPids = snapshot.stoppedPids ?? null;
    this.failure = snapshot.failure ?? null;
    this.checkCause = snapshot.checkCause ?? null;
    this.finding = snapshot.finding ?? null;
  }

  get isDrainedByOperator(): boolean {
    return this.state === 'draining' && this.#snapshot.takenOutBy !== undefined;
  }

  get nameInOverlay(): string {
    return overlayEndpointOf(this.#snapshot);
  }

  /** The host and port in requests to this endpoint: the configured name, if the endpoint has one, otherwise its address. */
  get authority(): string {
    const { address, name } = this.#snapshot;
    if (address.kind === 'unix') return 'localhost';
    return name === undefined ? this.address : hostPort(name, address.port);
  }

  /** Whether Candor runs it. */
  get isInstance(): boolean {
    return this.#snapshot.instance !== undefined;
  }

  get load(): number {
    return this.#pool.load;
  }

  get failureLoad(): number {
    return this.#failures === null ? 0 : this.#failures.at(this.#clock.now());
  }

  get hasRoom(): boolean {
    return this.#pool.hasRoom;
  }

  /** Whether one more request would get a connection, or wait for one. */
  get takesMore(): boolean {
    return this.#pool.takesMore;
  }

  /** Whether it refused the last connection, less than `withinMs` ago; by default, so short ago that no request may connect. */
  refuses(withinMs?: number): boolean {
    return this.#pool.refuses(withinMs);
  }

  /** Requests that wait for a connection, and since when the first of them does; null if none does. */
  get waiting(): number {
    return this.#pool.waiting;
  }

  get waitingSince(): Instant | null {
    return this.#pool.waitingSince;
  }

  /** Adds its requests whose responses have not begun. */
  addAwaited(awaited: AwaitedResponses): void {
    awaited.endpoint = this.id;
    this.#pool.addAwaited(awaited);
  }

  /** Whether it ever accepted a connection. */
  get hasAccepted(): boolean {
    return this.#pool.hasAccepted;
  }

  /** Whether it refused the last connection, a moment ago: for records, not for the choice of an endpoint. */
  get isRefusing(): boolean {
    return this.refuses(refusedRecentlyMs);
  }

  get condition(): EndpointCondition {
    const { id: endpoint, state, reason } = this;
    const since_ms = Math.max(0, Math.round(this.#clock.now() - this.sinceInstant));
    const refusing = this.isRefusing ? { refusing: true as const } : {};
    return { endpoint, state, since_ms, reason, ...refusing, ...this.#pool.condition };
  }

  tryProbation(route: string | undefined): boolean {
    return this.#pool.tryProbation(route);
  }

  update(snapshot: EndpointSnapshot, settings: EndpointSettings): void {
    this.#snapshot = snapshot;
    this.state = snapshot.state;
    // Not since its state began: an ejected endpoint is then healthy for as long as its checks have passed.
    if (!isReadyState(snapshot)) this.readySince = undefined;
    else this.readySince ??= this.#clock.now();
    this.reason = snapshot.reason;
    this.addressStale = snapshot.addressStale === true;
    this.weight = weightOf(snapshot);
    this.zone = snapshot.zone ?? '';
    this.priority = snapshot.priority ?? 0;
    this.sinceInstant = snapshot.sinceInstant;
    this.checks = snapshot.checks;
    this.release = snapshot.release;
    this.share = snapshot.share;
    this.runs = releaseOf(snapshot, this.runs);
    this.exit = snapshot.exit;
    this.stoppedPids = snapshot.stoppedPids ?? null;
    this.failure = snapshot.failure ?? null;
    this.checkCause = snapshot.checkCause ?? null;
    this.finding = snapshot.finding ?? null;
    this.latency = latencyFor(settings, this.latency);
    this.#pool.update(snapshot, settings);
  }

  /** The endpoint has been removed from its upstream. Requests in flight finish. */
  retire(): void {
    this.state = 'gone';
    this.#pool.retire();
  }

  /** An attempt here has taken so long until the head of its response came, or until it failed. */
  noteLatency(latencyMs: number, failed: boolean): void {
    this.latency?.note(latencyMs, failed, this.#clock.now());
    if (failed) this.noteFailure();
  }

  /** An attempt here has failed, or was answered with a status of 500 or above. */
  noteFailure(): void {
    const now = this.#clock.now();
    this.#failures ??= new FailureLoad(now);
    this.#failures.note(now);
  }

  /** Whether a connection here is private to this connection of a client. */
  hasPrivate(client: ClientOfConnection): boolean {
    return this.#pool.hasPrivate(client);
  }

  closeIdle(): void {
    this.#pool.closeIdle();
  }

  acquire(waiter: StreamWaiter, limits: DialLimits, reusePolicy: ReusePolicy): PendingStream | null {
    return this.#pool.acquire(waiter, limits, reusePolicy);
  }
}

function latencyFor({ balance }: EndpointSettings, known: PeakLatency | null): PeakLatency | null {
  return balance?.kind === 'peak_ewma' ? (known ?? new PeakLatency()) : null;
}

const weightOfShare = (share: number | null): number | null => share && Math.round(share * 1e4) / 1e4;

/** `known`: what was recorded until now, which stays if nothing has changed. */
function releaseOf(
  { release, share, arm: name }: EndpointSnapshot,
  known: EndpointRelease | null,
): EndpointRelease | null {
  if (release === null) return null;
  const arm = name === undefined || share === undefined ? null : { name, weight: weightOfShare(share) };
  if (known === null || known.name !== release) return { name: release, arm };
  return known.arm?.name === arm?.name && known.arm?.weight === arm?.weight ? known : { name: release, arm };
}
