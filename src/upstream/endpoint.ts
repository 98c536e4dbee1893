import {
  addressText,
  type EndpointState,
  hostPort,
  type InstanceExit,
  type ReadinessFinding,
} from '../core/endpoint.ts';
import type { Cause, Failure } from '../core/failure.ts';
import type { CheckSchedule, EndpointSnapshot } from '../core/snapshot.ts';
import type { PendingStream, ReusePolicy, StreamWaiter } from '../core/stream.ts';
import type { BalancedEndpoint } from '../policy/balancer.ts';
import { ConnectionPool, type PoolSettings } from './connection-pool.ts';
import type { DialLimits } from './dial.ts';
import type { UpstreamPorts } from './ports.ts';

/** One address that can answer requests: what main last said of it, and this worker's pool of connections to it. */
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
  exit: InstanceExit | null;
  /** Why nothing may be sent here; null where requests may. */
  failure: Failure | null;
  /** What its last check met, where a request would meet the same. */
  checkCause: Cause | null;
  /** What the checks of an instance that is not ready see. */
  finding: ReadinessFinding | null;
  readonly #pool: ConnectionPool;
  #spec: EndpointSnapshot;

  constructor(spec: EndpointSnapshot, settings: PoolSettings, ports: UpstreamPorts) {
    this.id = spec.id;
    this.address = addressText(spec.address);
    this.#spec = spec;
    this.#pool = new ConnectionPool(spec, settings, ports);
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

  /** What a request for this endpoint names as its host: the name that led to the address, where there is one. */
  get authority(): string {
    const { address, name } = this.#spec;
    if (address.kind === 'unix') return 'localhost';
    return name === undefined ? this.address : hostPort(name, address.port);
  }

  get load(): number {
    return this.#pool.load;
  }

  get hasRoom(): boolean {
    return this.#pool.hasRoom;
  }

  tryProbation(): boolean {
    return this.#pool.tryProbation();
  }

  update(spec: EndpointSnapshot, settings: PoolSettings): void {
    this.#spec = spec;
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
    this.#pool.update(spec, settings);
  }

  /** It is removed from its upstream. Requests in flight finish. */
  retire(): void {
    this.state = 'gone';
    this.#pool.retire();
  }

  closeIdle(): void {
    this.#pool.closeIdle();
  }

  acquire(waiter: StreamWaiter, limits: DialLimits, reusePolicy: ReusePolicy): PendingStream | null {
    return this.#pool.acquire(waiter, limits, reusePolicy);
  }
}
