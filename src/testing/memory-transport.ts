import { assert } from '../core/assert.ts';
import type { Ownership } from '../core/message.ts';
import type { Random } from '../core/random.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type {
  Transport,
  TransportFacts,
  TransportListener,
  TurnEndListener,
  NextTurnListener,
} from '../core/transport.ts';
import { MemoryPipe } from './memory-pipe.ts';

export interface TransportPairOptions {
  /** Its timers deliver everything, so nothing happens until time moves, if only by 0 ms. */
  readonly clock: Clock;
  /** How many bytes each direction's kernel holds before writes stay pending. Default 65,536. */
  readonly windowBytes?: number;
  /** From write to delivery, each direction. Default 0. */
  readonly latencyMs?: number;
  /** Delivers random slices of 1 to `bytesMax` bytes. By default, delivers all bytes that have arrived. */
  readonly slices?: { readonly random: Random; readonly bytesMax: number };
  /** Holds writes until every earlier delivery is done, as sockets hold small writes until the end of the turn. */
  readonly holds?: 'first' | 'both';
  readonly faults?: { readonly first?: TransportFaults; readonly second?: TransportFaults };
  readonly facts?: { readonly first?: Partial<TransportFacts>; readonly second?: Partial<TransportFacts> };
}

/** Faults at one end. Counts begin at 1. */
export interface TransportFaults {
  /** The nth `write` fails with `errno` and closes the connection; the peer sees a reset. */
  readonly write?: { readonly nth: number; readonly errno: string };
  /** Instead of the nth delivery, the connection fails with `errno`; the peer sees a reset. */
  readonly read?: { readonly nth: number; readonly errno: string };
  /** Both ends are reset after this many bytes have been delivered here. 0: before the first byte. */
  readonly resetAtByte?: number;
}

/**
 * Two connected transports, over memory and simulated time. They enforce the contract of `core/transport.ts` more strictly
 * than sockets do:
 *
 * - bytes lent to `onBytes` are overwritten with 0xdb when it returns. Those read in bulk lie in a buffer as large as that of sockets, and are
 *   overwritten at the next read, unless bulk reading was changed within the call: later than that, the next read still comes into the old buffer;
 * - lent bytes seldom begin at offset 0;
 * - bytes written as owned are compared when the peer takes them, and a change breaks an invariant;
 * - a close with unread bytes resets the peer, and so does a write to a closed peer, as on Linux.
 */
export function createTransportPair(options: TransportPairOptions): [MemoryTransport, MemoryTransport] {
  const windowBytes = options.windowBytes ?? 65_536;
  const there = new MemoryPipe(windowBytes);
  const back = new MemoryPipe(windowBytes);
  const { faults = {}, facts = {}, holds } = options;
  const first = new MemoryTransport(
    options,
    there,
    back,
    faults.first ?? {},
    { ...firstFacts, ...facts.first },
    holds !== undefined,
  );
  const second = new MemoryTransport(
    options,
    back,
    there,
    faults.second ?? {},
    { ...secondFacts, ...facts.second },
    holds === 'both',
  );
  first.meet(second);
  second.meet(first);
  return [first, second];
}

export class MemoryTransport implements Transport {
  readonly facts: TransportFacts;
  /** Set by the code that uses the transport, as with sockets. */
  heldBytes = 0;
  sentBytes = 0;
  listener: TransportListener = noListener;
  readonly #clock: Clock;
  readonly #latencyMs: number;
  readonly #slices: TransportPairOptions['slices'];
  readonly #faults: TransportFaults;
  readonly #holds: boolean;
  #held: Uint8Array[] = [];
  readonly #out: MemoryPipe;
  readonly #in: MemoryPipe;
  #peer: MemoryTransport = this;
  #delivery: Timer | null = null;
  #paused = false;
  #bulk = false;
  #isDelivering = false;
  #bulkBytes: Buffer | null = null;
  #closed = false;
  #ended = false;
  #closesAfterIt = false;
  #broken = false;
  #finSeen = false;
  #awaitsWritten = false;
  #writes = 0;
  #reads = 0;
  #bytesDelivered = 0;

  constructor(
    options: TransportPairOptions,
    out: MemoryPipe,
    into: MemoryPipe,
    faults: TransportFaults,
    facts: TransportFacts,
    holds: boolean,
  ) {
    this.#clock = options.clock;
    this.#latencyMs = options.latencyMs ?? 0;
    this.#slices = options.slices;
    this.#faults = faults;
    this.#holds = holds;
    this.#out = out;
    this.#in = into;
    this.facts = facts;
  }

  /** Called by `createTransportPair`. */
  meet(peer: MemoryTransport): void {
    this.#peer = peer;
    if (this.#faults.resetAtByte === 0) this.#soon(() => this.#fail('ECONNRESET'));
  }

  /** Whether an end has closed, or both have sent FIN. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes given to the listener so far. */
  get bytesDelivered(): number {
    return this.#bytesDelivered;
  }

  get pendingBytes(): number {
    return this.#closed ? 0 : this.#out.pendingBytes;
  }

  write(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    assert(start >= 0 && start <= end && end <= bytes.length, 'what is written lies within its bytes');
    assert(!this.#ended, 'nothing is written after end()');
    // No write succeeds after a failed one: bytes after a gap would be taken for the message.
    if (this.#closed || this.#broken) return false;
    if (!this.#holds || this.pendingBytes > 0) return this.#write(bytes, start, end, ownership);
    if (this.heldBytes === 0) this.#soon(() => this.#sendHeld());
    this.heldBytes += end - start;
    this.#held.push(new Uint8Array(bytes.subarray(start, end)));
    return true;
  }

  notifyAtTurnEnd(listener: TurnEndListener): void {
    this.#soon(() => {
      if (!this.#closed) listener.onTurnEnd();
    });
  }

  notifyNextTurn(listener: NextTurnListener): void {
    this.#soon(() => {
      if (!this.#closed) listener.onNextTurn();
    });
  }

  reclaimUnsent(): Uint8Array {
    const held = Buffer.concat(this.#held);
    this.#held = [];
    this.heldBytes = 0;
    return held;
  }

  #sendHeld(): void {
    const held = this.reclaimUnsent();
    if (held.length > 0 && !this.#closed && !this.#broken) this.#write(held, 0, held.length, 'owned');
  }

  #write(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    this.#writes++;
    if (this.#faults.write?.nth === this.#writes) {
      const { errno } = this.#faults.write;
      this.#broken = true;
      this.#soon(() => this.#fail(errno));
      return false;
    }
    this.sentBytes += end - start;
    this.#out.write(bytes, start, end, ownership, this.#arrival());
    if (this.#peer.#closed) this.#in.finish('reset', this.#arrival());
    this.#peer.#expect();
    this.#expect();
    this.#noticeReset();
    this.#awaitsWritten = this.#out.pendingBytes > 0;
    return !this.#awaitsWritten;
  }

  isQuiet(): boolean {
    const next = this.#in.nextArrival;
    return !this.#closed && (next === null || next > this.#clock.now());
  }

  hasUnread(): boolean {
    return !this.#closed && this.#in.arrivedBytes(this.#clock.now()) > 0;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#expect();
  }

  readInBulk(bulk: boolean): void {
    if (bulk === this.#bulk) return;
    this.#bulk = bulk;
    if (this.#isDelivering) this.#bulkBytes = null;
  }

  end(then?: 'close'): void {
    this.#closesAfterIt ||= then === 'close';
    if (this.#closed || (this.#ended && then !== 'close')) return;
    this.#sendHeld();
    this.#ended = true;
    if (this.#out.pendingBytes === 0) this.#sendFin();
  }

  close(how: 'close' | 'reset'): void {
    if (this.#closed) return;
    this.#sendHeld();
    // Linux answers a close with unread bytes by a reset, so that the peer learns that they were not read.
    const unread = this.#in.heldBytes > 0;
    this.#gone(null, how === 'reset' || unread ? 'reset' : 'fin');
  }

  #sendFin(): void {
    if (this.#closesAfterIt) return this.close('close');
    this.#out.finish('fin', this.#arrival());
    this.#peer.#expect();
    if (this.#finSeen) this.#gone(null, 'fin');
  }

  /** Schedules a delivery for the time at which the next bytes, FIN or RST arrive. */
  #expect(): void {
    if (this.#closed || this.#paused || this.#delivery !== null) return;
    const next = this.#in.nextArrival;
    if (next === null || (this.#finSeen && this.#in.ending === 'fin')) return;
    const now = this.#clock.now();
    this.#delivery = this.#clock.schedule(next > now ? next : now, deliver, this);
  }

  /** Called by `deliver`. */
  deliverNext(): void {
    this.#delivery = null;
    if (this.#closed || this.#paused) return;
    const arrived = this.#in.arrivedBytes(this.#clock.now());
    if (arrived > 0) this.#deliverBytes(arrived);
    else if (this.#in.ending === 'reset') this.#gone('ECONNRESET', null);
    else this.#deliverFin();
    this.#expect();
  }

  #deliverBytes(arrived: number): void {
    this.#reads++;
    if (this.#faults.read?.nth === this.#reads) return this.#fail(this.#faults.read.errno);
    const resetAt = this.#faults.resetAtByte ?? Number.POSITIVE_INFINITY;
    const size = Math.min(this.#sliceBytes(arrived), resetAt - this.#bytesDelivered);
    const start = this.#reads % 7;
    const isBulk = this.#bulk || this.#bulkBytes !== null;
    this.#bulkBytes?.fill(poison);
    // A Buffer, as from sockets. Its `slice` is a view, so code that copies with `slice` fails here.
    const lent = Buffer.allocUnsafeSlow(isBulk ? bulkBytes : start + size + 3).fill(poison);
    this.#bulkBytes = isBulk ? lent : null;
    this.#in.take(lent.subarray(start, start + size));
    this.#bytesDelivered += size;
    this.#isDelivering = true;
    this.listener.onBytes(lent, start, start + size);
    this.#isDelivering = false;
    if (!isBulk) lent.fill(poison);
    else if (!this.#bulk) this.#bulkBytes = null;
    this.#peer.#flush();
    if (this.#bytesDelivered === resetAt) this.#fail('ECONNRESET');
  }

  #sliceBytes(arrived: number): number {
    if (this.#slices === undefined) return Math.min(arrived, readBytesMax);
    const { random, bytesMax } = this.#slices;
    return 1 + Math.floor(random.next() * Math.min(arrived, bytesMax));
  }

  #deliverFin(): void {
    this.#finSeen = true;
    this.listener.onEnd();
    if (this.#out.ending === 'fin' && !this.#closed) this.#gone(null, 'fin');
  }

  /** The peer has read, so there may be room for pending bytes. */
  #flush(): void {
    if (this.#closed) return;
    const emptied = this.#out.flush(this.#arrival());
    this.#peer.#expect();
    if (!emptied) return;
    if (this.#ended) this.#sendFin();
    if (this.#awaitsWritten) this.#soon(() => this.#written());
  }

  #written(): void {
    if (this.#closed || !this.#awaitsWritten || this.#out.pendingBytes > 0) return;
    this.#awaitsWritten = false;
    this.listener.onWritten();
  }

  /** A paused end sees an RST only when it writes, as with sockets. */
  #noticeReset(): void {
    if (this.#in.ending !== 'reset' || !this.#paused) return;
    this.#soon(() => this.#gone('ECONNRESET', null));
  }

  #fail(errno: string): void {
    this.#gone(errno, 'reset');
  }

  /** Closes this end. The peer receives `farewell`; null if the peer closed first. */
  #gone(errno: string | null, farewell: 'fin' | 'reset' | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#delivery?.cancel();
    this.#delivery = null;
    if (farewell !== null && this.#out.ending === null) this.#out.finish(farewell, this.#arrival());
    else if (farewell === 'reset') this.#out.finish('reset', this.#arrival());
    this.#peer.#expect();
    if (farewell === 'reset' && this.#peer.pendingBytes > 0) this.#peer.#noticeReset();
    this.#soon(() => {
      this.#bulkBytes = null;
      this.listener.onClosed(errno);
    });
  }

  #arrival() {
    return after(this.#clock.now(), this.#latencyMs);
  }

  #soon(what: () => void): void {
    this.#clock.schedule(this.#clock.now(), call, what);
  }
}

/** As much as our own sockets read at once. */
const readBytesMax = 65_536;
const bulkBytes = 256 * 1024;

/** 0xdb is not ASCII and not a valid start of UTF-8, so bytes that are kept too long are conspicuous. */
const poison = 0xdb;

function deliver(transport: MemoryTransport): void {
  transport.deliverNext();
}

function call(what: () => void): void {
  what();
}

const noListener: TransportListener = {
  onBytes: () => assert(false, 'a listener is set before bytes come'),
  onEnd() {},
  onWritten() {},
  onClosed() {},
};

const firstFacts: TransportFacts = {
  kind: 'tcp',
  remoteAddress: '127.0.0.1',
  remotePort: 80,
  localAddress: '127.0.0.1',
  localPort: 40_000,
  tls: null,
};

const secondFacts: TransportFacts = { ...firstFacts, remotePort: 40_000, localPort: 80 };
