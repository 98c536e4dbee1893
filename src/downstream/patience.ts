import type { ClientLimits } from '../core/configuration.ts';
import { Deadline } from '../core/deadline.ts';
import { after, type Clock, type Instant, never } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';

/** After our last response we go on reading, so that a reset does not destroy what the client has yet to read (RFC 9112
 * §9.6): as long as it still sends and does not rest for this long, */
const lingerMs = 2000;

/** and no longer than this: whoever has not looked for an answer by then sends for ever. As nginx. */
const lingerMostMs = 30_000;

/** What is awaited of the client, if anything. */
export type Awaited = 'nothing' | 'head' | 'next-request' | 'content' | 'close';

export interface PatienceOwner {
  onOverdue(awaited: Awaited): void;
  /** The client has taken nothing of what we send for too long. */
  onNothingTaken(): void;
}

/**
 * How long a client may keep us waiting. What it sends says nothing of whether it takes what we send: the two have
 * limits of their own, side by side, and neither undoes the other.
 */
export class Patience extends Deadline {
  readonly #transport: Transport;
  readonly #limits: ClientLimits;
  readonly #clock: Clock;
  readonly #owner: PatienceOwner;
  #awaited: Awaited = 'nothing';
  #awaitedAt: Instant = never;
  #writeAt: Instant = never;
  #pendingBefore = 0;
  #lingersUntil: Instant = never;

  constructor(transport: Transport, limits: ClientLimits, clock: Clock, owner: PatienceOwner) {
    super();
    this.#transport = transport;
    this.#limits = limits;
    this.#clock = clock;
    this.#owner = owner;
  }

  /** From now on, and until something else is awaited. */
  await(awaited: Exclude<Awaited, 'close'>): void {
    this.#awaited = awaited;
    this.#awaitedAt = awaited === 'nothing' ? never : after(this.#clock.now(), this.#limitOf(awaited));
    this.#arm();
  }

  /** What the client still sends is read and forgotten; it is to close its connection. Again at each read. */
  linger(): void {
    const now = this.#clock.now();
    if (this.#lingersUntil === never) this.#lingersUntil = after(now, lingerMostMs);
    this.#awaited = 'close';
    this.#awaitedAt = Math.min(after(now, lingerMs), this.#lingersUntil) as Instant;
    this.#arm();
  }

  #limitOf(awaited: Exclude<Awaited, 'nothing' | 'close'>): number {
    switch (awaited) {
      case 'head':
        return this.#limits.headMs;
      case 'next-request':
        return this.#limits.keepAliveMs;
      case 'content':
        return this.#limits.contentMs;
    }
  }

  /** Something waits for the client to take it. */
  watchWrite(): void {
    this.#pendingBefore = this.#transport.pendingOctets;
    if (this.#writeAt !== never) return; // Since the first octet that waits: what comes behind it makes nothing faster.
    this.#writeAt = after(this.#clock.now(), this.#limits.writeMs);
    this.#arm();
  }

  endWriteWatch(): void {
    if (this.#writeAt === never) return;
    this.#writeAt = never;
    this.#arm();
  }

  #arm(): void {
    this.at = Math.min(this.#awaitedAt, this.#writeAt) as Instant;
  }

  override onExpired(now: Instant): void {
    if (this.#writeAt > now) {
      const overdue = this.#awaited;
      this.#awaited = 'nothing';
      this.#awaitedAt = never; // Said once, and then only what is sent is watched.
      this.#arm();
      return this.#owner.onOverdue(overdue);
    }
    this.#writeAt = never;
    this.#arm();
    // It takes octets, if slowly: that is no reason to leave it.
    if (this.#transport.pendingOctets < this.#pendingBefore) this.watchWrite();
    else this.#owner.onNothingTaken();
  }
}
