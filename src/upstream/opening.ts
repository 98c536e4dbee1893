import { isIP } from 'node:net';
import type { Cancellable, Connector, ConnectWaiter, ResolveWaiter, WorldFault } from '../core/connector.ts';
import type { UpstreamTls } from '../core/configuration.ts';
import { Deadline, type Deadlines } from '../core/deadline.ts';
import type { EndpointAddress } from '../core/endpoint.ts';
import { fail, type Failure } from '../core/failure.ts';
import { after, type Clock } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { connectFailure, type ConnectPlace } from './connect-failure.ts';

export interface OpeningLimits {
  readonly dnsMs: number;
  readonly connectMs: number;
  readonly tlsMs: number;
}

export interface OpeningTarget {
  readonly address: EndpointAddress;
  /** The address as the record shows it. */
  readonly place: string;
  readonly tls: UpstreamTls | null;
  readonly limits: OpeningLimits;
}

export interface OpeningWaiter {
  onStage(stage: 'dns' | 'connect' | 'tls'): void;
  onOpened(transport: Transport): void;
  onNotOpened(failure: Failure): void;
}

export interface OpeningPorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly connector: Connector;
  /** Called for an error code that `connect-failure.ts` does not know. */
  readonly onUnclassified: (fault: WorldFault) => void;
}

/**
 * A connection on its way: look up, connect, handshake. Each stage has its own limit and its own failure.
 *
 *     dns ──▶ connect ──▶ tls ──▶ opened
 *      └─────────┴─────────┴────▶ not opened
 */
export class Opening extends Deadline implements ResolveWaiter, ConnectWaiter {
  #stage: 'dns' | 'connect' | 'tls' | 'over' = 'connect';
  /** Of a name that was looked up: those not tried yet. */
  #addresses: string[] = [];
  #step: Cancellable | null = null;
  readonly #place: ConnectPlace;

  readonly #target: OpeningTarget;
  readonly #ports: OpeningPorts;
  readonly #waiter: OpeningWaiter;

  constructor(target: OpeningTarget, ports: OpeningPorts, waiter: OpeningWaiter) {
    super();
    this.#target = target;
    this.#ports = ports;
    this.#waiter = waiter;
    const { address, tls } = target;
    this.#place = {
      address: target.place,
      name: tls?.serverName ?? (address.kind === 'tcp' ? address.host : 'localhost'),
    };
  }

  begin(): void {
    this.#ports.deadlines.add(this);
    const { address } = this.#target;
    this.#enter('connect', this.#target.limits.connectMs);
    if (address.kind === 'unix') this.#connect({ kind: 'unix', path: address.path });
    else if (isIP(address.host) !== 0) this.#connect({ kind: 'tcp', address: address.host, port: address.port });
    else this.#resolve(address.host);
  }

  cancel(): void {
    this.#over();
    this.#step?.cancel();
  }

  #resolve(host: string): void {
    this.#enter('dns', this.#target.limits.dnsMs);
    this.#step = this.#ports.connector.resolve(host, this);
  }

  onResolved(addresses: readonly string[]): void {
    if (this.#stage !== 'dns' || this.#target.address.kind !== 'tcp') return;
    this.#waiter.onStage('dns');
    this.#enter('connect', this.#target.limits.connectMs);
    this.#addresses = [...addresses];
    this.#connectNext();
  }

  /**
   * One address of a name after the other, all within the one limit: `localhost` is two addresses on most machines, and
   * an application listens on one. False when none is left.
   */
  #connectNext(): boolean {
    const address = this.#addresses.shift();
    if (address === undefined || this.#target.address.kind !== 'tcp') return false;
    this.#connect({ kind: 'tcp', address, port: this.#target.address.port });
    return true;
  }

  onResolveFailed(fault: WorldFault): void {
    this.#failed(fault);
  }

  #connect(to: { kind: 'tcp'; address: string; port: number } | { kind: 'unix'; path: string }): void {
    const { tls } = this.#target;
    const tlsTarget = tls === null ? null : { serverName: this.#place.name, verify: tls.verify, ca: tls.ca };
    this.#step = this.#ports.connector.connect({ ...to, tls: tlsTarget }, this);
  }

  onTransportConnected(): void {
    if (this.#stage !== 'connect') return;
    this.#waiter.onStage('connect');
    if (this.#target.tls !== null) this.#enter('tls', this.#target.limits.tlsMs);
  }

  onConnected(transport: Transport): void {
    if (this.#stage === 'over') return transport.close('close');
    if (this.#stage === 'tls') this.#waiter.onStage('tls');
    this.#over();
    this.#waiter.onOpened(transport);
  }

  onConnectFailed(fault: WorldFault): void {
    // Nothing has been sent: another address of the same name may do. A handshake that fails is no matter of addresses.
    if (this.#stage === 'connect' && this.#connectNext()) return;
    this.#failed(fault);
  }

  override onExpired(): void {
    const stage = this.#stage;
    this.#step?.cancel();
    this.#over();
    const { address, name } = this.#place;
    if (stage === 'dns')
      this.#waiter.onNotOpened(fail('dns_timeout', 'dns', { name, limitMs: this.#target.limits.dnsMs }));
    if (stage === 'connect') {
      this.#waiter.onNotOpened(fail('connect_timeout', 'connect', { address, limitMs: this.#target.limits.connectMs }));
    }
    if (stage === 'tls')
      this.#waiter.onNotOpened(fail('tls_timeout', 'tls', { address, limitMs: this.#target.limits.tlsMs }));
  }

  #failed(fault: WorldFault): void {
    if (this.#stage === 'over') return;
    this.#over();
    const failure = connectFailure(fault, this.#place);
    if (failure !== null) return this.#waiter.onNotOpened(failure);
    this.#ports.onUnclassified(fault);
    // An unknown code is a hole in our own table, so the fault is ours; the code is kept to mend it.
    this.#waiter.onNotOpened(fail('gateway_fault', fault.stage, { invariant: `known error code, not ${fault.code}` }));
  }

  #enter(stage: 'dns' | 'connect' | 'tls', limitMs: number): void {
    this.#stage = stage;
    this.at = after(this.#ports.clock.now(), limitMs);
  }

  #over(): void {
    this.#stage = 'over';
    this.#ports.deadlines.remove(this);
  }
}
