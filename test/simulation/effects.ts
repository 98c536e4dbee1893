import type { Cancellable, Connector, ConnectWaiter, ResolveWaiter, NetworkFault } from '../../src/core/connector.ts';
import type { Clock, Instant, Timer } from '../../src/core/time.ts';
import type { Transport, TransportListener, NextTurnListener, TurnEndListener } from '../../src/core/transport.ts';
import type { MemoryTransport } from '../../src/testing/memory-transport.ts';

/** The points at which the gateway affects the outside world. */
export type EffectPoint =
  | 'accept'
  | 'client read'
  | 'client write'
  | 'resolve'
  | 'connect'
  | 'handshake'
  | 'endpoint read'
  | 'endpoint write'
  | 'timer';

const read = ['ECONNRESET', 'ETIMEDOUT', 'fin', 'silence'] as const;
const write = ['EPIPE', 'ECONNRESET', 'half', 'stuck'] as const;

/**
 * Every way in which an effect point can fail. Errno and codes are those of the system; `fin`: the peer ends instead;
 * `silence`: no byte ever comes again; `half`: half of the bytes are sent, then the connection is reset; `stuck`: the
 * kernel accepts them and the peer never reads; `late` and `early`: the timer fires five seconds late, or after half of
 * its time.
 */
export const kindsOf: Readonly<Record<EffectPoint, readonly string[]>> = {
  accept: ['ECONNRESET', 'fin', 'silence'],
  'client read': read,
  'client write': write,
  resolve: ['ENOTFOUND', 'ESERVFAIL', 'ETIMEOUT', 'silence'],
  connect: ['ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EMFILE', 'silence'],
  handshake: [
    'ECONNRESET',
    'CERT_HAS_EXPIRED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
    'silence',
  ],
  'endpoint read': read,
  'endpoint write': write,
  timer: ['late', 'early'],
};

/** The effects that fail. Numbers count from 1, in the order in which they happen. */
export interface Plan {
  readonly from: number;
  /** Only the effect `from`, or all later effects of its point too. */
  readonly extent: 'one' | 'onwards';
  readonly kind: string;
}

/**
 * Stands between the gateway and the simulated world, numbers every effect, and makes the planned ones fail. Without a
 * plan it lists the effects.
 */
export class Effects {
  /** The point of each effect so far; the first is number 1. */
  readonly semaphores: EffectPoint[] = [];
  timersLive = 0;
  /** How many effects have failed on purpose. */
  failed = 0;
  readonly #plan: Plan | null;
  #place: EffectPoint | null = null;
  #watching = true;

  constructor(plan: Plan | null) {
    this.#plan = plan;
  }

  /** Effects from now on do not belong to the scenario: they are not numbered, and none fails. */
  stop(): void {
    this.#watching = false;
  }

  /** How this effect fails; null if it succeeds. */
  next(place: EffectPoint): string | null {
    if (!this.#watching) return null;
    this.semaphores.push(place);
    const plan = this.#plan;
    if (plan === null) return null;
    const number = this.semaphores.length;
    if (number === plan.from) this.#place = place;
    const fails = number === plan.from || (plan.extent === 'onwards' && number > plan.from && place === this.#place);
    if (!fails) return null;
    this.failed++;
    return plan.kind;
  }

  clock(real: Clock): Clock {
    return new FailingClock(real, this);
  }

  transport(real: MemoryTransport, side: 'client' | 'endpoint', clock: Clock): Transport {
    return new FailingTransport(real, side, clock, this);
  }

  connector(real: Connector, clock: Clock): Connector {
    return new FailingConnector(real, clock, this);
  }
}

const lateMs = 5000;

class FailingClock implements Clock {
  readonly #real: Clock;
  readonly #effects: Effects;

  constructor(real: Clock, effects: Effects) {
    this.#real = real;
    this.#effects = effects;
  }

  now(): Instant {
    return this.#real.now();
  }

  wallTime(): number {
    return this.#real.wallTime();
  }

  schedule<T>(at: Instant, fire: (subject: T) => void, subject: T): Timer {
    const kind = this.#effects.next('timer');
    const due = kind === 'late' ? at + lateMs : kind === 'early' ? (at + this.#real.now()) / 2 : at;
    let live = true;
    const over = (): void => {
      if (live) this.#effects.timersLive--;
      live = false;
    };
    this.#effects.timersLive++;
    const fired = (): void => {
      over();
      fire(subject);
    };
    const timer = this.#real.schedule(due as Instant, fired, null);
    return {
      cancel() {
        over();
        timer.cancel();
      },
    };
  }
}

/** The gateway's side of a connection. It breaks as a socket does: `onClosed` comes last, later, and once. */
class FailingTransport implements Transport, TransportListener {
  listener: TransportListener = this;
  readonly facts: Transport['facts'];
  readonly #real: MemoryTransport;
  readonly #side: 'client' | 'endpoint';
  readonly #clock: Clock;
  readonly #effects: Effects;
  #state: 'well' | 'silent' | 'ended' | 'broken' = 'well';
  #stuckBytes = 0;
  #closed = false;

  constructor(real: MemoryTransport, side: 'client' | 'endpoint', clock: Clock, effects: Effects) {
    this.#real = real;
    this.#side = side;
    this.#clock = clock;
    this.#effects = effects;
    this.facts = real.facts;
    real.listener = this;
    const kind = side === 'client' ? effects.next('accept') : null;
    if (kind !== null) this.#soon(() => this.#breakReading(kind));
  }

  get pendingBytes(): number {
    return this.#real.pendingBytes + this.#stuckBytes;
  }

  get sentBytes(): number {
    return this.#real.sentBytes;
  }

  notifyAtTurnEnd(listener: TurnEndListener): void {
    this.#real.notifyAtTurnEnd(listener);
  }

  notifyNextTurn(listener: NextTurnListener): void {
    this.#real.notifyNextTurn(listener);
  }

  reclaimUnsent(): Uint8Array {
    return this.#real.reclaimUnsent();
  }

  write(bytes: Uint8Array, start: number, end: number, ownership: 'borrowed' | 'owned'): boolean {
    if (this.#state === 'broken') return false;
    const kind = this.#effects.next(`${this.#side} write`);
    // The gateway cannot notice the end of a silent peer: the bytes for it stay in the kernel.
    const isUnheard = this.#state === 'silent' && this.#real.closed;
    if (kind === 'stuck' || isUnheard || this.#stuckBytes > 0) {
      this.#stuckBytes += Math.max(1, end - start);
      return false;
    }
    if (kind === null) return this.#real.write(bytes, start, end, ownership);
    if (kind === 'half') this.#real.write(bytes, start, start + ((end - start) >> 1), 'borrowed');
    this.#break(kind === 'half' ? 'ECONNRESET' : kind);
    return false;
  }

  isQuiet(): boolean {
    return this.#state === 'well' && this.#real.isQuiet();
  }

  hasUnread(): boolean {
    return this.#state === 'well' && this.#real.hasUnread();
  }

  pause(): void {
    this.#real.pause();
  }

  resume(): void {
    this.#real.resume();
  }

  readInBulk(bulk: boolean): void {
    this.#real.readInBulk(bulk);
  }

  end(then?: 'close'): void {
    this.#real.end(then);
    // The FIN of the peer has come already: with the gateway's own, both directions have ended.
    if (this.#state === 'ended') this.#soon(() => this.#real.close('close'));
  }

  close(how: 'close' | 'reset'): void {
    this.#real.close(how);
  }

  #break(errno: string): void {
    this.#state = 'broken';
    this.#soon(() => {
      this.#closedFor(errno);
      this.#real.close('reset');
    });
  }

  #breakReading(kind: string): void {
    if (this.#state !== 'well') return;
    if (kind === 'silence') this.#state = 'silent';
    else if (kind === 'fin') {
      this.#state = 'ended';
      this.listener.onEnd();
    } else this.#break(kind);
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#state !== 'well') return;
    const kind = this.#effects.next(`${this.#side} read`);
    if (kind === null) this.listener.onBytes(bytes, start, end);
    else this.#breakReading(kind);
  }

  onEnd(): void {
    if (this.#state === 'well') this.listener.onEnd();
  }

  onWritten(): void {
    if (this.#stuckBytes === 0 && this.#state !== 'broken') this.listener.onWritten();
  }

  onClosed(errno: string | null): void {
    // A silent peer sends no FIN either; the gateway's own close is reported all the same.
    if (this.#state === 'silent' && errno !== null) return;
    this.#closedFor(errno);
  }

  #closedFor(errno: string | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.listener.onClosed(errno);
  }

  #soon(what: () => void): void {
    this.#clock.schedule(this.#clock.now(), call, what);
  }
}

class FailingConnector implements Connector {
  readonly #real: Connector;
  readonly #clock: Clock;
  readonly #effects: Effects;

  constructor(real: Connector, clock: Clock, effects: Effects) {
    this.#real = real;
    this.#clock = clock;
    this.#effects = effects;
  }

  resolve(name: string, waiter: ResolveWaiter): Cancellable {
    const kind = this.#effects.next('resolve');
    if (kind === null) return this.#real.resolve(name, waiter);
    return this.#fail(kind, 'dns', (fault) => waiter.onResolveFailed(fault));
  }

  connect(target: Parameters<Connector['connect']>[0], waiter: ConnectWaiter): Cancellable {
    const kind = this.#effects.next('connect');
    if (kind !== null) return this.#fail(kind, 'connect', (fault) => waiter.onConnectFailed(fault));
    if (target.tls === null) return this.#real.connect(target, waiter);
    let step: Cancellable | null = null;
    step = this.#real.connect(target, {
      onTransportConnected: () => waiter.onTransportConnected(),
      onConnectFailed: (fault) => waiter.onConnectFailed(fault),
      onConnected: (transport) => {
        const handshakeKind = this.#effects.next('handshake');
        if (handshakeKind === null) return waiter.onConnected(transport);
        transport.close('reset');
        step = this.#fail(handshakeKind, 'tls', (fault) => waiter.onConnectFailed(fault));
      },
    });
    return { cancel: () => step?.cancel() };
  }

  #fail(kind: string, stage: NetworkFault['stage'], tell: (fault: NetworkFault) => void): Cancellable {
    if (kind === 'silence') return { cancel() {} };
    const alertId = kind.includes('_ALERT_') ? 40 : null;
    return this.#clock.schedule(this.#clock.now(), call, () => tell({ stage, code: kind, alertId }));
  }
}

function call(what: () => void): void {
  what();
}
