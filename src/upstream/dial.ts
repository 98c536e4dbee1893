import { isIP } from 'node:net';
import type {
  Cancellable,
  Connector,
  ConnectTarget,
  ConnectWaiter,
  ResolveWaiter,
  UnknownCode,
  NetworkFault,
} from '../core/connector.ts';
import type { UpstreamTls } from '../core/upstream-spec.ts';
import { Deadline, type Deadlines } from '../core/deadline.ts';
import { type EndpointAddress, hostPort } from '../core/endpoint.ts';
import { fail, type Failure } from '#failures/failure.ts';
import { after, type Clock, type Instant, never } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { unknownCode, misuse } from '../core/unknown-code.ts';
import { dnsFailure } from '../core/dns-failure.ts';
import { connectionEndsS, meaningOf } from '#failures/errno-meaning.ts';
import { tlsFailure } from './tls-failure.ts';
import type { DialedAddress } from './dialed-address.ts';

/**
 * Error codes of the system, of DNS and of TLS as failures. Returns null for an unknown code; the caller counts it as
 * unclassified, which is a defect to fix here.
 */
export function connectFailure(fault: NetworkFault, dialed: DialedAddress): Failure | null {
  switch (fault.stage) {
    case 'dns':
      return dnsFailure(fault.code, dialed.name);
    case 'connect':
      return tcpFailure(fault.code, dialed.address);
    case 'tls':
      return tlsFailure(fault, dialed);
  }
}

/** On Linux a port stays in TIME-WAIT this long after its connection (TCP_TIMEWAIT_LEN) before it can be used again. */
const portRestsS = 60;

function tcpFailure(code: string, address: string): Failure | null {
  switch (meaningOf(code)) {
    case null:
      return null;
    case 'refused': // EAGAIN: a unix socket's backlog is full
      return fail('connect_refused', 'connect', code === 'ECONNREFUSED' ? { address } : { address, isFull: true });
    case 'timed_out':
      // The system gave up before Candor's limit: it does after some two minutes of SYNs.
      return fail('connect_timeout', 'connect', { address, limitMs: 0 });
    case 'unroutable':
      return fail('connect_unroutable', 'connect', { address, errno: code });
    case 'missing':
      return fail('connect_socket_missing', 'connect', { path: address });
    case 'not_permitted':
      return fail('connect_not_permitted', 'connect', { address, errno: code });
    case 'reset':
      return fail('connect_reset', 'connect', { address, errno: code });
    case 'ports_spent':
      return fail('local_ports_exhausted', 'connect', { address, retryAfterS: portRestsS });
    case 'resources_spent':
      return fail('descriptors_exhausted', 'connect', { address, errno: code, retryAfterS: connectionEndsS });
    case 'misuse':
      return misuse({ stage: 'connect', code });
  }
}

export interface DialLimits {
  readonly dnsMs: number;
  readonly connectMs: number;
  readonly tlsMs: number;
}

export interface DialTarget {
  readonly address: EndpointAddress;
  /** The name that led to the address; null where it was written as it is. */
  readonly name: string | null;
  /** The address of the other family; null where there is none. */
  readonly secondAddress: string | null;
  /** The address as the record shows it. */
  readonly addressText: string;
  readonly tls: UpstreamTls | null;
  /** ALPN names that are offered within TLS, the preferred one first. */
  readonly protocols: readonly string[];
  /** The PROXY protocol header that the connection begins with; null: it has none. */
  readonly header: Uint8Array | null;
  readonly limits: DialLimits;
}

export interface DialWaiter {
  onStageDone(stage: 'dns' | 'connect' | 'tls'): void;
  /** `address` is where the connection leads, which may be another address of the same name. */
  onDialed(transport: Transport, address: string): void;
  onDialFailed(failure: Failure): void;
}

export interface DialPorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly connector: Connector;
  /** Called for an error code that no cause is known for. */
  readonly onUnclassified: (unknown: UnknownCode) => void;
}

/**
 * How long an address is tried alone before the next one is tried beside it: what RFC 8305 §5 recommends. After an
 * address that refuses or cannot be reached the next one is tried at once.
 */
const attemptDelayMs = 250;

/**
 * Makes a connection: name lookup, connect, handshake. Each stage has its own limit and its own failure.
 *
 *     dns ──▶ connect ──▶ tls ──▶ dialed
 *      └─────────┴─────────┴────▶ failed
 *
 * Several addresses are raced (RFC 8305, "Happy Eyeballs"): the first that connects wins, and the others are closed. Nothing
 * has been sent by then, so that nothing can be executed twice. A handshake that fails ends the dial: another address
 * would not help.
 */
export class Dial extends Deadline implements ResolveWaiter {
  #stage: 'dns' | 'connect' | 'tls' | 'over' = 'connect';
  /** Addresses that have not been tried. */
  #untried: string[] = [];
  #racing: DialAttempt[] = [];
  #lookup: Cancellable | null = null;
  #limitAt: Instant = never;
  /** Of the addresses that failed, the one whose failure says most. */
  #worst: FailedDialAttempt | null = null;

  readonly #target: DialTarget;
  readonly #ports: DialPorts;
  readonly #waiter: DialWaiter;

  constructor(target: DialTarget, ports: DialPorts, waiter: DialWaiter) {
    super();
    this.#target = target;
    this.#ports = ports;
    this.#waiter = waiter;
  }

  /** The server name that is sent, and that the certificate must have. */
  get #name(): string {
    const { address, name, tls } = this.#target;
    const written = tls?.serverName ?? name ?? (address.kind === 'tcp' ? address.host : 'localhost');
    // The trailing dot of a fully qualified name is for name servers: no certificate has it (RFC 6066 §3).
    return written.replace(/\.$/, '');
  }

  begin(): void {
    this.#ports.deadlines.add(this);
    const { address, secondAddress, limits } = this.#target;
    if (address.kind === 'tcp' && isIP(address.host) === 0) return this.#resolve(address.host);
    this.#enter('connect', limits.connectMs);
    if (address.kind === 'unix')
      return this.#startAttempt({ kind: 'unix', path: address.path }, this.#target.addressText);
    if (secondAddress !== null) this.#untried.push(secondAddress);
    this.#startAttempt({ kind: 'tcp', address: address.host, port: address.port }, this.#target.addressText);
  }

  cancel(): void {
    this.#finish();
    this.#cancelAttempts(null);
  }

  #resolve(host: string): void {
    this.#enter('dns', this.#target.limits.dnsMs);
    this.#lookup = this.#ports.connector.resolve(host, this);
  }

  onResolved(addresses: readonly string[]): void {
    if (this.#stage !== 'dns') return;
    this.#waiter.onStageDone('dns');
    this.#enter('connect', this.#target.limits.connectMs);
    this.#untried = [...addresses];
    this.#startNext();
  }

  onResolveFailed(fault: NetworkFault): void {
    if (this.#stage !== 'over') this.#end(fault, this.#target.addressText);
  }

  /** Tries the next address. False when there is none. */
  #startNext(): boolean {
    const { address } = this.#target;
    const next = this.#untried.shift();
    if (next === undefined || address.kind !== 'tcp') return false;
    this.#startAttempt({ kind: 'tcp', address: next, port: address.port }, hostPort(next, address.port));
    return true;
  }

  #startAttempt(to: DialAddress, address: string): void {
    const { tls, header, protocols } = this.#target;
    const secure = tls === null ? null : { serverName: this.#name, settings: tls, protocols };
    const target: ConnectTarget =
      to.kind === 'tcp'
        ? { kind: 'tcp', address: to.address, port: to.port, header, tls: secure }
        : { kind: 'unix', path: to.path, header, tls: secure };
    const racer = new DialAttempt(address, this);
    if (this.#racing.length === 0) this.#racing = [racer];
    else this.#racing.push(racer);
    this.at = this.#limitAt;
    if (this.#untried.length > 0) {
      this.at = Math.min(this.#limitAt, after(this.#ports.clock.now(), attemptDelayMs)) as Instant;
    }
    racer.step = this.#ports.connector.connect(target, racer);
  }

  /** For `DialAttempt` alone, like the next two. The first address has connected. */
  transportConnected(winner: DialAttempt): void {
    if (this.#stage !== 'connect') return;
    this.#untried.length = 0;
    this.#cancelAttempts(winner);
    this.#waiter.onStageDone('connect');
    this.at = this.#limitAt;
    if (this.#target.tls !== null) this.#enter('tls', this.#target.limits.tlsMs);
  }

  connected({ address }: DialAttempt, transport: Transport): void {
    if (this.#stage === 'over') return transport.close('close');
    if (this.#stage === 'tls') this.#waiter.onStageDone('tls');
    this.#finish();
    this.#waiter.onDialed(transport, address);
  }

  failed(loser: DialAttempt, fault: NetworkFault): void {
    if (this.#stage === 'over') return;
    this.#racing = this.#racing.filter((one) => one !== loser);
    if (this.#stage === 'tls') return this.#end(fault, loser.address);
    // A family that cannot be reached from this machine says less than the failure of an address that answered.
    const failed = { fault, address: loser.address };
    if (this.#worst === null || (this.#isUnroutable(this.#worst) && !this.#isUnroutable(failed))) this.#worst = failed;
    if (this.#startNext() || this.#racing.length > 0) return;
    this.#end(this.#worst.fault, this.#worst.address);
  }

  override onExpired(now: Instant): void {
    if (this.#stage === 'connect' && now < this.#limitAt) {
      this.at = this.#limitAt;
      this.#startNext();
      return;
    }
    const stage = this.#stage;
    const address = this.#racing[0]?.address ?? this.#target.addressText;
    this.cancel();
    const { dnsMs, connectMs, tlsMs } = this.#target.limits;
    const waiter = this.#waiter;
    if (stage === 'dns') waiter.onDialFailed(fail('dns_timeout', 'dns', { name: this.#name, limitMs: dnsMs }));
    if (stage === 'connect') waiter.onDialFailed(fail('connect_timeout', 'connect', { address, limitMs: connectMs }));
    if (stage === 'tls') waiter.onDialFailed(fail('tls_timeout', 'tls', { address, limitMs: tlsMs }));
  }

  #isUnroutable(failed: FailedDialAttempt): boolean {
    return this.#failureOf(failed)?.cause === 'connect_unroutable';
  }

  #failureOf({ fault, address }: FailedDialAttempt): Failure | null {
    return connectFailure(fault, { address, name: this.#name });
  }

  #end(fault: NetworkFault, address: string): void {
    this.cancel();
    const failure = this.#failureOf({ fault, address });
    if (failure !== null) return this.#waiter.onDialFailed(failure);
    this.#ports.onUnclassified(fault);
    this.#waiter.onDialFailed(unknownCode(fault));
  }

  #enter(stage: 'dns' | 'connect' | 'tls', limitMs: number): void {
    this.#stage = stage;
    this.#limitAt = after(this.#ports.clock.now(), limitMs);
    this.at = this.#limitAt;
  }

  /** Cancels all attempts but `winner`. */
  #cancelAttempts(winner: DialAttempt | null): void {
    this.#lookup?.cancel();
    this.#lookup = null;
    if (this.#racing.length === 1 && this.#racing[0] === winner) return;
    const losers = this.#racing.filter((one) => one !== winner);
    this.#racing = winner === null ? [] : [winner];
    for (const { step } of losers) step?.cancel();
  }

  #finish(): void {
    this.#stage = 'over';
    this.#ports.deadlines.remove(this);
  }
}

interface FailedDialAttempt {
  readonly fault: NetworkFault;
  readonly address: string;
}

type DialAddress =
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** One address in the race. */
class DialAttempt implements ConnectWaiter {
  readonly address: string;
  step: Cancellable | null = null;
  readonly #dial: Dial;

  constructor(address: string, dial: Dial) {
    this.address = address;
    this.#dial = dial;
  }

  onTransportConnected(): void {
    this.#dial.transportConnected(this);
  }

  onConnected(transport: Transport): void {
    this.#dial.connected(this, transport);
  }

  onConnectFailed(fault: NetworkFault): void {
    this.#dial.failed(this, fault);
  }
}
