import type { ClientLimits } from '../core/configuration.ts';
import { Deadline } from '../core/deadline.ts';
import { after, type Clock, type Instant, never } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import type { UntakenOctets } from '../core/untaken-octets.ts';
import { Pace } from './pace.ts';
import { TakingPace } from './taking-pace.ts';

/** After our last response we go on reading, so that a reset does not destroy what the client has yet to read (RFC 9112
 * §9.6): as long as it still sends and does not rest for this long, */
const lingerMs = 2000;

/** and no longer than this: whoever has not looked for an answer by then sends for ever. As nginx. */
const lingerMostMs = 30_000;

/** Of a silence after which the kernel is asked for the first time: late enough that few downloads come so far. */
const firstLookShare = 1 / 4;

/** What is awaited of the client, if anything: 'head' before its first octet, 'head-end' after it. */
export type Awaited = 'nothing' | 'head' | 'head-end' | 'next-request' | 'content' | 'close';

/** A client that is slower than it may be. */
export interface Slowness {
  readonly octetsPerS: number;
  readonly octetsPerSMin: number;
  /** Counted over this. */
  readonly overMs: number;
}

export interface PatienceOwner {
  /** Octets of head or content that have come, as far as they are awaited. */
  octetsCome(awaited: 'head-end' | 'content'): number;
  /** Nothing has come for too long; or what comes, comes too slowly. */
  onOverdue(awaited: Awaited, slowness: Slowness | null): void;
  /** The client has taken nothing of what we send for too long; or it takes it too slowly. */
  onNotTaken(slowness: Slowness | null): void;
}

/**
 * How long a client may keep us waiting. What it sends says nothing of whether it takes what we send: the two have
 * limits of their own, side by side, and neither undoes the other. Each has two: for silence, and for a pace that is too
 * slow. Only time counts in which the client is the one that is waited for.
 */
export class Patience extends Deadline {
  readonly #transport: Transport;
  readonly #limits: ClientLimits;
  readonly #clock: Clock;
  readonly #owner: PatienceOwner;
  readonly #untaken: UntakenOctets;
  #awaited: Awaited = 'nothing';
  #awaitedAt: Instant = never;
  /** Something waits for the client to take it. */
  #isWatching = false;
  #writeAt: Instant = never;
  #pendingBefore = 0;
  #lingersUntil: Instant = never;
  /** Of the head or content that is coming; null where nothing is paced. */
  #coming: Pace | null = null;
  #comingAt: Instant = never;
  #taking: TakingPace | null = null;
  #takingAt: Instant = never;
  /** When it was last seen to take anything, by us or by the kernel. */
  #takenAt: Instant = never;
  #isTunnel = false;

  constructor(transport: Transport, limits: ClientLimits, clock: Clock, untaken: UntakenOctets, owner: PatienceOwner) {
    super();
    this.#transport = transport;
    this.#limits = limits;
    this.#clock = clock;
    this.#untaken = untaken;
    this.#owner = owner;
  }

  /** From now on, and until something else is awaited. */
  await(awaited: Exclude<Awaited, 'close'>): void {
    if (this.#coming !== null) this.#restComing(awaited);
    this.#await(awaited);
  }

  #await(awaited: Exclude<Awaited, 'close'>): void {
    this.#awaited = awaited;
    this.#awaitedAt = awaited === 'nothing' ? never : after(this.#clock.now(), this.#limitOf(awaited));
    this.#arm();
  }

  /** As `await`; and what comes must come fast enough. */
  awaitAtPace(awaited: 'head-end' | 'content'): void {
    const { headRateMin, contentRateMin, rateGraceMs } = this.#limits;
    const rate = awaited === 'content' ? contentRateMin : headRateMin;
    if (rate > 0) {
      const now = this.#clock.now();
      // A burst pays for a silence as long as the limit for silence allows, and no longer.
      this.#coming ??= new Pace(rate, rateGraceMs, this.#limitOf(awaited), this.#owner.octetsCome(awaited));
      this.#coming.run(now);
      this.#comingAt = this.#coming.dueAt(now);
    }
    this.#await(awaited);
  }

  /** Content may come again after a pause of ours; everything else is over. */
  #restComing(awaited: Awaited): void {
    this.#comingAt = never;
    if (awaited !== 'nothing' || this.#awaited === 'head-end') this.#coming = null;
    else if (this.#awaited === 'content') this.#coming?.rest(this.#clock.now(), this.#owner.octetsCome('content'));
  }

  /** What the client still sends is read and forgotten; it is to close its connection. Again at each read. */
  linger(): void {
    const now = this.#clock.now();
    if (this.#lingersUntil === never) this.#lingersUntil = after(now, lingerMostMs);
    this.#coming = null;
    this.#comingAt = never;
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
    this.#taking = null;
    this.#takingAt = never;
    // What waits already was to be looked at early, for its pace.
    if (this.#isWatching) this.#noteTaken(this.#clock.now());
    else this.#arm();
  }

  /** Something waits for the client to take it. */
  watchWrite(): void {
    if (this.#isWatching) {
      // Since the first octet that waits: what comes behind it makes nothing faster.
      this.#pendingBefore = this.#transport.pendingOctets;
      return;
    }
    this.#isWatching = true;
    const now = this.#clock.now();
    if (this.#limits.writeRateMin > 0 && !this.#isTunnel) {
      this.#taking ??= new TakingPace(this.#transport, this.#limits);
      this.#taking.run(now);
      this.#takingAt = this.#taking.dueAt(now);
    }
    this.#noteTaken(now);
  }

  /** It takes octets, as far as we see. Where the kernel can be asked, it is before we believe in a silence. */
  #noteTaken(now: Instant): void {
    this.#pendingBefore = this.#transport.pendingOctets;
    this.#takenAt = now;
    this.#writeAt = after(now, this.#limits.writeMs * (this.#taking === null ? 1 : firstLookShare));
    this.#arm();
  }

  endWriteWatch(): void {
    if (!this.#isWatching) return;
    this.#stopWatching();
    this.#taking?.rest(this.#clock.now());
  }

  #stopWatching(): void {
    this.#isWatching = false;
    this.#writeAt = never;
    this.#takingAt = never;
    this.#arm();
  }

  #arm(): void {
    this.at = Math.min(this.#awaitedAt, this.#writeAt, this.#comingAt, this.#takingAt) as Instant;
  }

  override onExpired(now: Instant): void {
    if (this.#comingAt <= now) this.#judgeComing(now);
    else if (this.#takingAt <= now) this.#judgeTaking(now);
    else if (this.#writeAt > now) this.#overdue(null);
    else this.#judgeSilence(now);
  }

  #overdue(slowness: Slowness | null): void {
    const overdue = this.#awaited;
    this.#awaited = 'nothing';
    this.#awaitedAt = never; // Said once, and then only what is sent is watched.
    this.#coming = null;
    this.#comingAt = never;
    this.#arm();
    this.#owner.onOverdue(overdue, slowness);
  }

  #judgeComing(now: Instant): void {
    const coming = this.#coming as Pace;
    const { headRateMin, contentRateMin } = this.#limits;
    const awaited = this.#awaited === 'content' ? 'content' : 'head-end';
    if (!coming.isTooSlow(now, this.#owner.octetsCome(awaited))) {
      this.#comingAt = coming.dueAt(now);
      return this.#arm();
    }
    this.#overdue(slownessOf(coming, awaited === 'content' ? contentRateMin : headRateMin));
  }

  #judgeTaking(now: Instant): void {
    const taking = this.#taking as TakingPace;
    if (taking.isTooSlow(now)) this.#look();
    else this.#takingAt = taking.dueAt(now);
    this.#arm();
  }

  #judgeSilence(now: Instant): void {
    const takes = this.#transport.pendingOctets < this.#pendingBefore;
    if (takes) return this.#noteTaken(now);
    if (this.#taking === null) return this.#notTaken(null);
    this.#writeAt = never;
    this.#look();
    this.#arm();
  }

  /** Whether the kernel, which keeps much, gets rid of anything: of that we hear only by asking. */
  #look(): void {
    this.#takingAt = never;
    this.#untaken.look(this.#transport.facts, this);
  }

  /** For `UntakenOctets` alone: so many lie in the kernel; null where nobody knows. */
  onUntaken(octets: number | null): void {
    const taking = this.#taking;
    if (taking === null || !this.#isWatching || this.place < 0) return; // It has taken all, or left.
    const now = this.#clock.now();
    const judgement = taking.judge(now, octets);
    if (judgement === 'too-slow') return this.#notTaken(slownessOf(taking, this.#limits.writeRateMin));
    // From the first look on, a whole silence is to be seen before it is one.
    if (judgement === 'takes' || judgement === 'first') this.#takenAt = now;
    this.#writeAt = after(this.#takenAt, this.#limits.writeMs);
    if (this.#writeAt <= now) return this.#notTaken(null);
    this.#takingAt = taking.dueAt(now);
    this.#arm();
  }

  #notTaken(slowness: Slowness | null): void {
    this.#stopWatching();
    this.#owner.onNotTaken(slowness);
  }
}

function slownessOf({ octetsPerS, overMs }: Pick<Pace, 'octetsPerS' | 'overMs'>, octetsPerSMin: number): Slowness {
  return { octetsPerS, overMs, octetsPerSMin };
}
