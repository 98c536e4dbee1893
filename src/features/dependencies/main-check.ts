/** One check of a dependency: a connection, its conversation, and what that says. */
import type { Cancellable, Connector, ConnectTarget, ConnectWaiter, NetworkFault } from '../../core/connector.ts';
import { healthAdvice, healthStatus } from '../../core/health-json.ts';
import type { HealthChecker, HealthCheckResult } from '../../core/health-checker.ts';
import type { Random } from '../../core/random.ts';
import { after, type Clock, type Timer } from '../../core/time.ts';
import { tlsNotAgreed } from '../../core/tls-codes.ts';
import type { Transport, TransportListener } from '../../core/transport.ts';
import type { UpstreamTls } from '../../core/upstream-spec.ts';
import type { Cause, Failure } from '#failures/failure.ts';
import { shapeOf } from '#failures/failure-texts.ts';
import type { Shape } from '#failures/shape.ts';
import { meaningOf } from '#failures/errno-meaning.ts';
import { type DependencyFault, faulty, type DependencyFinding, up } from './finding.ts';
import { answerBytesMax, type Conversation, textOf } from './main-conversation.ts';
import { MysqlConversation } from './main-mysql.ts';
import { PostgresConversation, startTls } from './main-postgres.ts';
import { RedisConversation } from './main-redis.ts';
import type { DependencyKind, DependencyTarget } from './settings.ts';

export interface DependencyCheckPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly connector: Connector;
  readonly checker: HealthChecker;
}

export interface CheckOrder extends DependencyTarget {
  readonly timeoutMs: number;
  readonly readOnly: boolean;
}

/** Null: the gateway itself had no descriptor or port left, which says nothing of the dependency. */
export type CheckResult = DependencyFinding | null;

/** Calls `onResult` exactly once, within the timeout, unless the caller cancels first. */
export function checkDependency(
  order: CheckOrder,
  ports: DependencyCheckPorts,
  onResult: (result: CheckResult) => void,
): Cancellable {
  if (order.kind === 'http') return checkOverHttp(order, ports.checker, onResult);
  const check = new DependencyCheck(order, ports, onResult);
  check.begin();
  return check;
}

const trusting: UpstreamTls = { serverName: null, verify: false, ca: null, certificate: null, key: null };
const verifying: UpstreamTls = { ...trusting, verify: true };

/** So many addresses of a name are tried. */
const addressesMax = 4;

class DependencyCheck implements ConnectWaiter, TransportListener, Cancellable {
  readonly #order: CheckOrder;
  readonly #ports: DependencyCheckPorts;
  readonly #onResult: (result: CheckResult) => void;
  readonly #conversation: Conversation | null;
  #timer: Timer | null = null;
  #running: Cancellable | null = null;
  #transport: Transport | null = null;
  #addresses: readonly string[] = [];
  #held: Uint8Array = new Uint8Array(0);
  #received = 0;
  /** The TCP connection is there. */
  #isAccepted = false;
  #isOver = false;

  constructor(order: CheckOrder, ports: DependencyCheckPorts, onResult: (result: CheckResult) => void) {
    this.#order = order;
    this.#ports = ports;
    this.#onResult = onResult;
    this.#conversation = conversations[order.kind]?.(order, ports.random) ?? null;
  }

  begin(): void {
    const { clock, connector } = this.#ports;
    const { address, timeoutMs } = this.#order;
    this.#timer = clock.schedule(after(clock.now(), timeoutMs), () => this.#onTimeout(), null);
    if (address.kind === 'unix') return this.#connect({ kind: 'unix', path: address.path, tls: null });
    if (isLiteral(address.host)) return this.#onAddresses([address.host]);
    this.#running = connector.resolve(address.host, {
      onResolved: (addresses) => this.#onAddresses(addresses.slice(0, addressesMax)),
      onResolveFailed: ({ code }) => this.#end(faulty('name', code === '' ? null : code)),
    });
  }

  cancel(): void {
    this.#close(undefined);
  }

  #onAddresses(addresses: readonly string[]): void {
    const [next, ...rest] = addresses;
    const { address, tls, kind } = this.#order;
    if (this.#isOver || next === undefined || address.kind === 'unix') return;
    this.#addresses = rest;
    if (!tls) return this.#connect({ kind: 'tcp', address: next, port: address.port, tls: null });
    const isAsked = kind === 'postgres';
    // A password is for the server alone that the certificate names; PostgreSQL never gets it, only proofs.
    const settings = isAsked || this.#order.password === null ? trusting : verifying;
    const target = { serverName: address.host, settings, protocols: [], ...(isAsked ? { startTls } : {}) };
    this.#connect({ kind: 'tcp', address: next, port: address.port, tls: target });
  }

  #connect(target: ConnectTarget): void {
    this.#running = this.#ports.connector.connect(target, this);
  }

  onTransportConnected(): void {
    this.#isAccepted = true;
  }

  onConnected(transport: Transport): void {
    this.#running = null;
    if (this.#isOver) return transport.close('close');
    this.#isAccepted = true;
    this.#transport = transport;
    transport.listener = this;
    if (this.#conversation === null) return this.#end(up('accepts connections'));
    this.#send(this.#conversation.begin());
  }

  onConnectFailed(fault: NetworkFault): void {
    this.#running = null;
    if (this.#isOver) return;
    if (this.#addresses.length > 0) return this.#onAddresses(this.#addresses);
    if (fault.stage === 'tls') return this.#end(findingOfTls(fault));
    const meaning = meaningOf(fault.code);
    if (meaning === 'resources_spent' || meaning === 'ports_spent') return this.#end(null);
    this.#end(faulty(faultOfMeaning[meaning ?? ''] ?? 'unreachable', fault.code === '' ? null : fault.code));
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isOver) return;
    this.#received += end - start;
    this.#held = Buffer.concat([this.#held, bytes.subarray(start, end)]);
    if (this.#received > answerBytesMax) return this.#end(faulty('garbage', 'it says too much'));
    let taken: number;
    do {
      taken = 0;
      const turn = this.#conversation?.onBytes(this.#held, (count) => (taken = count)) ?? null;
      this.#held = this.#held.subarray(taken);
      if (turn === null) continue;
      if (turn.send !== undefined) this.#send(turn.send);
      if ('finding' in turn) return this.#end(turn.finding);
    } while (taken > 0 && this.#held.length > 0);
  }

  #send(bytes: Uint8Array | null): void {
    if (bytes !== null) this.#transport?.write(bytes, 0, bytes.length, 'owned');
  }

  onEnd(): void {
    this.#end(faulty('closed'));
  }

  onWritten(): void {}

  onClosed(errno: string | null): void {
    this.#end(faulty('closed', errno));
  }

  #onTimeout(): void {
    this.#timer = null;
    const limit = `${this.#order.timeoutMs / 1000} s`;
    this.#end(faulty(this.#isAccepted ? 'no_answer' : 'no_connection', limit));
  }

  #end(result: CheckResult): void {
    this.#close(result);
  }

  /** Undefined: it was cancelled. */
  #close(result: CheckResult | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#running?.cancel();
    // A farewell is sent; whatever else the peer would say is not waited for.
    if (result?.fault === null) this.#transport?.end('close');
    else this.#transport?.close('close');
    if (result !== undefined) this.#onResult(result);
  }
}

function findingOfTls({ code, firstBytes = '' }: NetworkFault): DependencyFinding {
  if (code !== tlsNotAgreed) return faulty('tls', code === '' ? null : code);
  if (firstBytes === '4e') return faulty('tls', 'it has no TLS');
  // An error in clear text, which PostgreSQL sends where it cannot begin a session.
  return firstBytes.startsWith('45') ? faulty('error') : faulty('garbage', 'not that of PostgreSQL');
}

const faultOfMeaning: Readonly<Record<string, DependencyFault>> = {
  refused: 'refused',
  missing: 'refused',
  timed_out: 'no_connection',
  reset: 'closed',
};

/** Null: the connection alone is looked at, or the health checker asks. */
const conversations: Readonly<Record<DependencyKind, ((order: CheckOrder, random: Random) => Conversation) | null>> = {
  postgres: (order, random) => new PostgresConversation(order, random),
  mysql: (order) => new MysqlConversation(order),
  redis: (order) => new RedisConversation(order),
  http: null,
  tcp: null,
};

const isLiteral = (host: string): boolean => host.includes(':') || /^\d+(?:\.\d+){3}$/.test(host);

function checkOverHttp(
  order: CheckOrder,
  checker: HealthChecker,
  onResult: (result: CheckResult) => void,
): Cancellable {
  const { address, host, path, timeoutMs, tls } = order;
  const probe = { kind: 'http', path, host, userAgent: 'candor-dependency-check', reads: 'advice' } as const;
  return checker.check({ address, tls: tls ? verifying : null, probe, timeoutMs }, (result) =>
    onResult(findingOf(result, timeoutMs)),
  );
}

function findingOf(result: HealthCheckResult, limitMs: number): CheckResult {
  if (result.kind === 'connected') return up('accepts connections');
  if (result.kind === 'timed_out')
    return faulty(result.connected ? 'no_answer' : 'no_connection', `${limitMs / 1000} s`);
  if (result.kind === 'failed') return findingOfFailure(result.failure);
  const text = textOf(result.firstBytes);
  const advice = healthAdvice(text);
  if (result.status >= 400)
    return faulty('status', advice === null ? `${result.status}` : `${result.status}: ${advice}`);
  return healthStatus(text) === 'warn' ? faulty('warns', advice) : up(`answers with ${result.status}`);
}

/** By the cause; others by their shape. */
const faultOfCause: Readonly<Partial<Record<Cause, DependencyFault>>> = {
  connect_refused: 'refused',
  connect_socket_missing: 'refused',
  connect_timeout: 'no_connection',
  dns_not_found: 'name',
  dns_failed: 'name',
  dns_timeout: 'name',
};
const faultOfShape: Readonly<Partial<Record<Shape, DependencyFault>>> = {
  unreachable: 'unreachable',
  too_slow: 'no_answer',
  reset: 'closed',
  garbage: 'garbage',
};

function findingOfFailure(failure: Failure): CheckResult {
  const { cause, stage } = failure;
  if (cause === 'descriptors_exhausted' || cause === 'local_ports_exhausted') return null;
  if (stage === 'tls') return faulty('tls');
  return faulty(faultOfCause[cause] ?? faultOfShape[shapeOf(failure)] ?? 'error');
}
