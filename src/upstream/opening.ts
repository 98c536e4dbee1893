import { isIP } from 'node:net';
import type {
  Cancellable,
  Connector,
  ConnectWaiter,
  ResolveWaiter,
  UnknownCode,
  WorldFault,
} from '../core/connector.ts';
import type { UpstreamTls } from '../core/configuration.ts';
import { Deadline, type Deadlines } from '../core/deadline.ts';
import { type EndpointAddress, hostPort } from '../core/endpoint.ts';
import { fail, type Failure } from '../core/failure.ts';
import { after, type Clock, type Instant, never } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { connectFailure } from './connect-failure.ts';
import { unknownCode } from './unknown-code.ts';

export interface OpeningLimits {
  readonly dnsMs: number;
  readonly connectMs: number;
  readonly tlsMs: number;
}

export interface OpeningTarget {
  readonly address: EndpointAddress;
  /** The name that led to the address; null where it was written as it is. */
  readonly name: string | null;
  /** The same in the other family; null where there is none. */
  readonly otherWay: string | null;
  /** The address as the record shows it. */
  readonly place: string;
  readonly tls: UpstreamTls | null;
  readonly limits: OpeningLimits;
}

export interface OpeningWaiter {
  onStage(stage: 'dns' | 'connect' | 'tls'): void;
  /** `place` is where the connection leads, which may be another address of the same name. */
  onOpened(transport: Transport, place: string): void;
  onNotOpened(failure: Failure): void;
}

export interface OpeningPorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly connector: Connector;
  /** Called for an error code that `connect-failure.ts` does not know. */
  readonly onUnclassified: (unknown: UnknownCode) => void;
}

/**
 * How long an address has to itself before the next one is tried beside it: what RFC 8305 §5 recommends. One that
 * refuses or cannot be reached ends its turn at once.
 */
const attemptDelayMs = 250;

/**
 * A connection on its way: look up, connect, handshake. Each stage has its own limit and its own failure.
 *
 *     dns ──▶ connect ──▶ tls ──▶ opened
 *      └─────────┴─────────┴────▶ not opened
 *
 * Where there are several addresses they are raced (RFC 8305, "Happy Eyeballs"): the first that connects is it, and the
 * others are closed. Nothing has been sent by then, so nothing can have been executed twice. A handshake that fails is
 * no matter of addresses: it ends the opening.
 */
export class Opening extends Deadline implements ResolveWaiter {
  #stage: 'dns' | 'connect' | 'tls' | 'over' = 'connect';
  /** Addresses that have not had their turn. */
  #waiting: string[] = [];
  #racing: Try[] = [];
  #lookup: Cancellable | null = null;
  #limitAt: Instant = never;
  /** Of the addresses that failed, what tells most. */
  #worst: FailedTry | null = null;

  readonly #target: OpeningTarget;
  readonly #ports: OpeningPorts;
  readonly #waiter: OpeningWaiter;
  /** What is asked for, and what the certificate must bear. */
  readonly #name: string;

  constructor(target: OpeningTarget, ports: OpeningPorts, waiter: OpeningWaiter) {
    super();
    this.#target = target;
    this.#ports = ports;
    this.#waiter = waiter;
    const { address, name, tls } = target;
    const written = tls?.serverName ?? name ?? (address.kind === 'tcp' ? address.host : 'localhost');
    // The dot that says "nothing is missing" is for name servers: no certificate has it (RFC 6066 §3).
    this.#name = written.replace(/\.$/, '');
  }

  begin(): void {
    this.#ports.deadlines.add(this);
    const { address, otherWay, limits } = this.#target;
    if (address.kind === 'tcp' && isIP(address.host) === 0) return this.#resolve(address.host);
    this.#enter('connect', limits.connectMs);
    if (address.kind === 'unix') return this.#try({ kind: 'unix', path: address.path }, this.#target.place);
    if (otherWay !== null) this.#waiting.push(otherWay);
    this.#try({ kind: 'tcp', address: address.host, port: address.port }, this.#target.place);
  }

  cancel(): void {
    this.#over();
    this.#giveUp(null);
  }

  #resolve(host: string): void {
    this.#enter('dns', this.#target.limits.dnsMs);
    this.#lookup = this.#ports.connector.resolve(host, this);
  }

  onResolved(addresses: readonly string[]): void {
    if (this.#stage !== 'dns') return;
    this.#waiter.onStage('dns');
    this.#enter('connect', this.#target.limits.connectMs);
    this.#waiting = [...addresses];
    this.#tryNext();
  }

  onResolveFailed(fault: WorldFault): void {
    if (this.#stage !== 'over') this.#end(fault, this.#target.place);
  }

  /** Begins with the address whose turn it is. False when there is none. */
  #tryNext(): boolean {
    const { address } = this.#target;
    const next = this.#waiting.shift();
    if (next === undefined || address.kind !== 'tcp') return false;
    this.#try({ kind: 'tcp', address: next, port: address.port }, hostPort(next, address.port));
    return true;
  }

  #try(to: Way, place: string): void {
    const { tls } = this.#target;
    const target = { ...to, tls: tls === null ? null : { serverName: this.#name, settings: tls } };
    const racer = new Try(place, this);
    this.#racing.push(racer);
    this.at = this.#limitAt;
    if (this.#waiting.length > 0) {
      this.at = Math.min(this.#limitAt, after(this.#ports.clock.now(), attemptDelayMs)) as Instant;
    }
    racer.step = this.#ports.connector.connect(target, racer);
  }

  /** For `Try` alone, like the two that follow. The race is won. */
  transportConnected(winner: Try): void {
    if (this.#stage !== 'connect') return;
    this.#waiting = [];
    this.#giveUp(winner);
    this.#waiter.onStage('connect');
    this.at = this.#limitAt;
    if (this.#target.tls !== null) this.#enter('tls', this.#target.limits.tlsMs);
  }

  connected({ place }: Try, transport: Transport): void {
    if (this.#stage === 'over') return transport.close('close');
    if (this.#stage === 'tls') this.#waiter.onStage('tls');
    this.#over();
    this.#waiter.onOpened(transport, place);
  }

  failed(loser: Try, fault: WorldFault): void {
    if (this.#stage === 'over') return;
    this.#racing = this.#racing.filter((one) => one !== loser);
    if (this.#stage === 'tls') return this.#end(fault, loser.place);
    // That a family cannot be reached from here says less than what an address answered.
    const failed = { fault, place: loser.place };
    if (this.#worst === null || (this.#isUnroutable(this.#worst) && !this.#isUnroutable(failed))) this.#worst = failed;
    if (this.#tryNext() || this.#racing.length > 0) return;
    this.#end(this.#worst.fault, this.#worst.place);
  }

  override onExpired(now: Instant): void {
    if (this.#stage === 'connect' && now < this.#limitAt) {
      this.at = this.#limitAt;
      this.#tryNext();
      return;
    }
    const stage = this.#stage;
    const address = this.#racing[0]?.place ?? this.#target.place;
    this.cancel();
    const { dnsMs, connectMs, tlsMs } = this.#target.limits;
    const waiter = this.#waiter;
    if (stage === 'dns') waiter.onNotOpened(fail('dns_timeout', 'dns', { name: this.#name, limitMs: dnsMs }));
    if (stage === 'connect') waiter.onNotOpened(fail('connect_timeout', 'connect', { address, limitMs: connectMs }));
    if (stage === 'tls') waiter.onNotOpened(fail('tls_timeout', 'tls', { address, limitMs: tlsMs }));
  }

  #isUnroutable(failed: FailedTry): boolean {
    return this.#failureOf(failed)?.cause === 'connect_unroutable';
  }

  #failureOf({ fault, place }: FailedTry): Failure | null {
    return connectFailure(fault, { address: place, name: this.#name });
  }

  #end(fault: WorldFault, place: string): void {
    this.cancel();
    const failure = this.#failureOf({ fault, place });
    if (failure !== null) return this.#waiter.onNotOpened(failure);
    this.#ports.onUnclassified(fault);
    this.#waiter.onNotOpened(unknownCode(fault));
  }

  #enter(stage: 'dns' | 'connect' | 'tls', limitMs: number): void {
    this.#stage = stage;
    this.#limitAt = after(this.#ports.clock.now(), limitMs);
    this.at = this.#limitAt;
  }

  /** Ends whatever is under way but `winner`. */
  #giveUp(winner: Try | null): void {
    const losers = this.#racing.filter((one) => one !== winner);
    this.#racing = winner === null ? [] : [winner];
    for (const { step } of losers) step?.cancel();
    this.#lookup?.cancel();
    this.#lookup = null;
  }

  #over(): void {
    this.#stage = 'over';
    this.#waiting = [];
    this.#ports.deadlines.remove(this);
  }
}

interface FailedTry {
  readonly fault: WorldFault;
  readonly place: string;
}

type Way =
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** One address in the race. */
class Try implements ConnectWaiter {
  readonly place: string;
  step: Cancellable | null = null;
  readonly #opening: Opening;

  constructor(place: string, opening: Opening) {
    this.place = place;
    this.#opening = opening;
  }

  onTransportConnected(): void {
    this.#opening.transportConnected(this);
  }

  onConnected(transport: Transport): void {
    this.#opening.connected(this, transport);
  }

  onConnectFailed(fault: WorldFault): void {
    this.#opening.failed(this, fault);
  }
}
