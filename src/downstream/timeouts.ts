import type { ClientLimits } from '../core/configuration.ts';
import { Deadline } from '../core/deadline.ts';
import { after, type Clock, type Instant, never } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import type { SendQueueBytes } from '../core/send-queue-bytes.ts';
import { MinimumRate } from './minimum-rate.ts';
import { SendRate } from './send-rate.ts';

/** After our last response we go on reading, so that a reset does not destroy what the client has yet to read (RFC 9112
 * §9.6): as long as it still sends and does not rest for this long, */
const lingerMs = 2000;

/** and no longer than this: whoever has not looked for an answer by then sends for ever. As nginx. */
const lingerMsMax = 30_000;

/** Of a silence after which the kernel is asked for the first time: late enough that few downloads come so far. */
const firstLookShare = 1 / 4;

/** What is awaited of the client, if anything: 'head' before its first byte, 'head-end' after it. */
export type Awaited = 'nothing' | 'head' | 'head-end' | 'next-request' | 'content' | 'close';

/** A client that is slower than it may be. */
export interface Slowness {
  readonly bytesPerS: number;
  readonly bytesPerSMin: number;
  /** Counted over this. */
  readonly overMs: number;
}

export interface ClientTimeoutsOwner {
  /** Bytes of head or content that have come, as far as they are awaited. */
  bytesReceived(awaited: 'head-end' | 'content'): number;
  /** Nothing has come for too long; or what comes, comes too slowly. */
  onOverdue(awaited: Awaited, slowness: Slowness | null): void;
  /** The client has taken nothing of what we send for too long; or it takes it too slowly. */
  onWriteStalled(slowness: Slowness | null): void;
}

/**
 * How long a client may keep us waiting. What it sends says nothing of whether it takes what we send: the two have
 * limits of their own, side by side, and neither undoes the other. Each has two: for silence, and for a pace that is too
 * slow. Only time counts in which the client is the one that is waited for.
 */
export class ClientTimeouts extends Deadline {
  readonly #transport: Transport;
  readonly #limits: ClientLimits;
  readonly #clock: Clock;
  readonly #owner: ClientTimeoutsOwner;
  readonly #sendQueueBytes: SendQueueBytes;
  #awaited: Awaited = 'nothing';
  #awaitedAt: Instant = never;
  /** Something waits for the client to take it. */
  #isWatching = false;
  #writeAt: Instant = never;
  #pendingBefore = 0;
  #lingersUntil: Instant = never;
  /** Of the head or content that is coming; null where nothing is paced. */
  #receiveRate: MinimumRate | null = null;
  #receiveRateAt: Instant = never;
  #sendRate: SendRate | null = null;
  #sendRateAt: Instant = never;
  /** When it was last seen to take anything, by us or by the kernel. */
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

  /** From now on, and until something else is awaited. */
  await(awaited: Exclude<Awaited, 'close'>): void {
    if (this.#receiveRate !== null) this.#stopReceiveRate(awaited);
    this.#await(awaited);
  }

  #await(awaited: Exclude<Awaited, 'close'>): void {
    this.#awaited = awaited;
    this.#awaitedAt = awaited === 'nothing' ? never : after(this.#clock.now(), this.#limitOf(awaited));
    this.#arm();
  }

  /** As `await`; and what comes must come fast enough. */
  awaitAtRate(awaited: 'head-end' | 'content'): void {
    const { headRateMin, contentRateMin, rateGraceMs } = this.#limits;
    const rate = awaited === 'content' ? contentRateMin : headRateMin;
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

  /** Content may come again after a pause of ours; everything else is over. */
  #stopReceiveRate(awaited: Awaited): void {
    this.#receiveRateAt = never;
    if (awaited !== 'nothing' || this.#awaited === 'head-end') this.#receiveRate = null;
    else if (this.#awaited === 'content')
      this.#receiveRate?.stop(this.#clock.now(), this.#owner.bytesReceived('content'));
  }

  /** What the client still sends is read and forgotten; it is to close its connection. Again at each read. */
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
      case 'content':
        return this.#limits.contentMs;
    }
  }

  /** The connection is a tunnel: how fast anything goes is a matter of its two ends alone. */
  beginTunnel(): void {
    this.#isTunnel = true;
    this.#sendRate = null;
    this.#sendRateAt = never;
    // What waits already was to be looked at early, for its pace.
    if (this.#isWatching) this.#noteProgress(this.#clock.now());
    else this.#arm();
  }

  /** Something waits for the client to take it. */
  watchWrite(): void {
    if (this.#isWatching) {
      // Since the first byte that waits: what comes behind it makes nothing faster.
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

  /** It takes bytes, as far as we see. Where the kernel can be asked, it is before we believe in a silence. */
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
    this.#awaitedAt = never; // Said once, and then only what is sent is watched.
    this.#receiveRate = null;
    this.#receiveRateAt = never;
    this.#arm();
    this.#owner.onOverdue(overdue, slowness);
  }

  #judgeReceiveRate(now: Instant): void {
    const receiveRate = this.#receiveRate as MinimumRate;
    const { headRateMin, contentRateMin } = this.#limits;
    const awaited = this.#awaited === 'content' ? 'content' : 'head-end';
    if (!receiveRate.isTooSlow(now, this.#owner.bytesReceived(awaited))) {
      this.#receiveRateAt = receiveRate.dueAt(now);
      return this.#arm();
    }
    this.#overdue(slownessOf(receiveRate, awaited === 'content' ? contentRateMin : headRateMin));
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

  /** Whether the kernel, which keeps much, gets rid of anything: of that we hear only by asking. */
  #look(): void {
    this.#sendRateAt = never;
    this.#sendQueueBytes.look(this.#transport.facts, this);
  }

  /** For `UntakenBytes` alone: so many lie in the kernel; null where nobody knows. */
  onSendQueueBytes(bytes: number | null): void {
    const sendRate = this.#sendRate;
    if (sendRate === null || !this.#isWatching || this.index < 0) return; // It has taken all, or left.
    const now = this.#clock.now();
    const judgement = sendRate.judge(now, bytes);
    if (judgement === 'too-slow') return this.#writeStalled(slownessOf(sendRate, this.#limits.writeRateMin));
    // From the first look on, a whole silence is to be seen before it is one.
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
