import type { ClientLimits } from '../core/listener-spec.ts';
import { Deadline } from '../core/deadline.ts';
import { after, type Clock, type Instant, never } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import type { SendQueueBytes } from '../core/send-queue-bytes.ts';
import { MinimumRate } from './minimum-rate.ts';
import { SendRate } from './send-rate.ts';

/** After the last response the gateway goes on reading, so that a reset does not destroy what the client has yet to read (RFC
 * 9112 §9.6): as long as the client sends and is not silent for this long, */
const lingerMs = 2000;

/** and no longer than this: a client that has not read the response by then never stops sending. nginx has the same limit. */
const lingerMsMax = 30_000;

/** The part of `write_timeout` after which the send queue is looked at first: late enough that few downloads reach it. */
const firstLookShare = 1 / 4;

/** What the gateway waits for: `head` is the first byte of a request head, `head-end` the rest of it. */
export type Awaited = 'nothing' | 'head' | 'head-end' | 'next-request' | 'body' | 'close';

/** The rate of a client that is slower than the minimum. */
export interface Slowness {
  readonly bytesPerS: number;
  readonly bytesPerSMin: number;
  /** The time over which `bytesPerS` was observed. */
  readonly overMs: number;
}

export interface ClientTimeoutsOwner {
  /** Bytes received of the head or body that is awaited. */
  bytesReceived(awaited: 'head-end' | 'body'): number;
  /** The client has sent nothing for too long, or sends too slowly. */
  onOverdue(awaited: Awaited, slowness: Slowness | null): void;
  /** The client has read nothing for too long, or reads too slowly. */
  onWriteStalled(slowness: Slowness | null): void;
}

/**
 * The timeouts of one client connection. Sending and reading have limits of their own, since a client that does one need not do
 * the other. Each has two limits: for silence, and for a rate below the minimum. Only time in which the gateway waits for
 * the client counts.
 */
export class ClientTimeouts extends Deadline {
  readonly #transport: Transport;
  readonly #limits: ClientLimits;
  readonly #clock: Clock;
  readonly #owner: ClientTimeoutsOwner;
  readonly #sendQueueBytes: SendQueueBytes;
  #awaited: Awaited = 'nothing';
  #awaitedAt: Instant = never;
  /** Bytes are pending for the client. */
  #isWatching = false;
  #writeAt: Instant = never;
  #pendingBefore = 0;
  #lingersUntil: Instant = never;
  /** The rate of the head or body that is being received; null where none applies. */
  #receiveRate: MinimumRate | null = null;
  #receiveRateAt: Instant = never;
  #sendRate: SendRate | null = null;
  #sendRateAt: Instant = never;
  /** When the client was last seen to read, by the transport or in the send queue. */
  #progressAt: Instant = never;
  #isTunnel = false;

  constructor(
    transport: Transport,
    limits: ClientLimits,
    clock: Clock,
    sendQueueBytes: SendQueueBytes,
    owner: ClientTimeoutsOwner,
  ) {
    super();
    this.#transport = transport;
    this.#limits = limits;
    this.#clock = clock;
    this.#sendQueueBytes = sendQueueBytes;
    this.#owner = owner;
  }

  /** The gateway waits for `awaited` from now on, until the next call. */
  await(awaited: Exclude<Awaited, 'close'>): void {
    if (this.#receiveRate !== null) this.#stopReceiveRate(awaited);
    this.#await(awaited);
  }

  #await(awaited: Exclude<Awaited, 'close'>): void {
    this.#awaited = awaited;
    this.#awaitedAt = awaited === 'nothing' ? never : after(this.#clock.now(), this.#limitOf(awaited));
    this.#arm();
  }

  /** As `await`, with a minimum rate. */
  awaitAtRate(awaited: 'head-end' | 'body'): void {
    const { headRateMin, bodyRateMin, rateGraceMs } = this.#limits;
    const rate = awaited === 'body' ? bodyRateMin : headRateMin;
    if (rate > 0) {
      const now = this.#clock.now();
      // A burst pays for a silence as long as the limit for silence allows, and no longer.
      this.#receiveRate ??= new MinimumRate(
        rate,
        rateGraceMs,
        this.#limitOf(awaited),
        this.#owner.bytesReceived(awaited),
      );
      this.#receiveRate.start(now);
      this.#receiveRateAt = this.#receiveRate.dueAt(now);
    }
    this.#await(awaited);
  }

  /** The body's rate goes on after a pause of the gateway; every other rate ends. */
  #stopReceiveRate(awaited: Awaited): void {
    this.#receiveRateAt = never;
    if (awaited !== 'nothing' || this.#awaited === 'head-end') this.#receiveRate = null;
    else if (this.#awaited === 'body') this.#receiveRate?.stop(this.#clock.now(), this.#owner.bytesReceived('body'));
  }

  /** The gateway discards what the client still sends and waits for it to close. Called at each read. */
  linger(): void {
    const now = this.#clock.now();
    if (this.#lingersUntil === never) this.#lingersUntil = after(now, lingerMsMax);
    this.#receiveRate = null;
    this.#receiveRateAt = never;
    this.#awaited = 'close';
    this.#awaitedAt = Math.min(after(now, lingerMs), this.#lingersUntil) as Instant;
    this.#arm();
  }

  #limitOf(awaited: Exclude<Awaited, 'nothing' | 'close'>): number {
    switch (awaited) {
      case 'head':
      case 'head-end':
        return this.#limits.headMs;
      case 'next-request':
        return this.#limits.keepAliveMs;
      case 'body':
        return this.#limits.bodyMs;
    }
  }

  /** The connection is a tunnel: its two ends decide how fast they send. */
  beginTunnel(): void {
    this.#isTunnel = true;
    this.#sendRate = null;
    this.#sendRateAt = never;
    // Pending bytes had an early look, for their rate; a tunnel has none.
    if (this.#isWatching) this.#noteProgress(this.#clock.now());
    else this.#arm();
  }

  /** Bytes are pending for the client. */
  watchWrite(): void {
    if (this.#isWatching) {
      // The timeout counts from the first pending byte; later bytes do not restart it.
      this.#pendingBefore = this.#transport.pendingBytes;
      return;
    }
    this.#isWatching = true;
    const now = this.#clock.now();
    if (this.#limits.writeRateMin > 0 && !this.#isTunnel) {
      this.#sendRate ??= new SendRate(this.#transport, this.#limits);
      this.#sendRate.start(now);
      this.#sendRateAt = this.#sendRate.dueAt(now);
    }
    this.#noteProgress(now);
  }

  /** The client has read. A full `write_timeout` follows, or less where the send queue is looked at first. */
  #noteProgress(now: Instant): void {
    this.#pendingBefore = this.#transport.pendingBytes;
    this.#progressAt = now;
    this.#writeAt = after(now, this.#limits.writeMs * (this.#sendRate === null ? 1 : firstLookShare));
    this.#arm();
  }

  endWriteWatch(): void {
    if (!this.#isWatching) return;
    this.#stopWatching();
    this.#sendRate?.stop(this.#clock.now());
  }

  #stopWatching(): void {
    this.#isWatching = false;
    this.#writeAt = never;
    this.#sendRateAt = never;
    this.#arm();
  }

  #arm(): void {
    this.at = Math.min(this.#awaitedAt, this.#writeAt, this.#receiveRateAt, this.#sendRateAt) as Instant;
  }

  override onExpired(now: Instant): void {
    if (this.#receiveRateAt <= now) this.#judgeReceiveRate(now);
    else if (this.#sendRateAt <= now) this.#judgeSendRate(now);
    else if (this.#writeAt > now) this.#overdue(null);
    else this.#judgeSilence(now);
  }

  #overdue(slowness: Slowness | null): void {
    const overdue = this.#awaited;
    this.#awaited = 'nothing';
    this.#awaitedAt = never; // Reported once; then only pending bytes are watched.
    this.#receiveRate = null;
    this.#receiveRateAt = never;
    this.#arm();
    this.#owner.onOverdue(overdue, slowness);
  }

  #judgeReceiveRate(now: Instant): void {
    const receiveRate = this.#receiveRate as MinimumRate;
    const { headRateMin, bodyRateMin } = this.#limits;
    const awaited = this.#awaited === 'body' ? 'body' : 'head-end';
    if (!receiveRate.isTooSlow(now, this.#owner.bytesReceived(awaited))) {
      this.#receiveRateAt = receiveRate.dueAt(now);
      return this.#arm();
    }
    this.#overdue(slownessOf(receiveRate, awaited === 'body' ? bodyRateMin : headRateMin));
  }

  #judgeSendRate(now: Instant): void {
    const sendRate = this.#sendRate as SendRate;
    if (sendRate.isTooSlow(now)) this.#look();
    else this.#sendRateAt = sendRate.dueAt(now);
    this.#arm();
  }

  #judgeSilence(now: Instant): void {
    const hasProgressed = this.#transport.pendingBytes < this.#pendingBefore;
    if (hasProgressed) return this.#noteProgress(now);
    if (this.#sendRate === null) return this.#writeStalled(null);
    this.#writeAt = never;
    this.#look();
    this.#arm();
  }

  /** Asks for the kernel's send queue, whose progress no event reports. */
  #look(): void {
    this.#sendRateAt = never;
    this.#sendQueueBytes.look(this.#transport.facts, this);
  }

  /** For `SendQueueBytes` alone: the bytes in the kernel; null where they are unknown. */
  onSendQueueBytes(bytes: number | null): void {
    const sendRate = this.#sendRate;
    if (sendRate === null || !this.#isWatching || this.index < 0) return; // The client has read everything, or has left.
    const now = this.#clock.now();
    const judgement = sendRate.judge(now, bytes);
    if (judgement === 'too-slow') return this.#writeStalled(slownessOf(sendRate, this.#limits.writeRateMin));
    // The silence counts from the first look on.
    if (judgement === 'progress' || judgement === 'first') this.#progressAt = now;
    this.#writeAt = after(this.#progressAt, this.#limits.writeMs);
    if (this.#writeAt <= now) return this.#writeStalled(null);
    this.#sendRateAt = sendRate.dueAt(now);
    this.#arm();
  }

  #writeStalled(slowness: Slowness | null): void {
    this.#stopWatching();
    this.#owner.onWriteStalled(slowness);
  }
}

function slownessOf({ bytesPerS, overMs }: Pick<MinimumRate, 'bytesPerS' | 'overMs'>, bytesPerSMin: number): Slowness {
  return { bytesPerS, overMs, bytesPerSMin };
}
