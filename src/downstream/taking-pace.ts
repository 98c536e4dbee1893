import type { ClientLimits } from '../core/configuration.ts';
import type { Instant } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { Pace } from './pace.ts';

/**
 * How fast a client takes what we send, in time in which something waits for it to be taken.
 *
 * What the kernel takes off our hands is not yet taken by the client. The kernel keeps megabytes, and asks for more only
 * when a third of its room is free again: a client that takes 10 KiB a second may leave us without a sign for minutes.
 * So nobody is blamed by what we see; it only makes us look. The first look says how much lies there, the next ones what
 * has gone since.
 */
export class TakingPace {
  readonly #transport: Transport;
  readonly #limits: ClientLimits;
  #pace: Pace;
  /** As of the first look since something waits; null before it. */
  #untakenFirst: number | null = null;
  #untakenLast = 0;
  #takenBefore = 0;

  constructor(transport: Transport, limits: ClientLimits) {
    this.#transport = transport;
    this.#limits = limits;
    this.#pace = this.#newPace();
  }

  #newPace(): Pace {
    const { writeRateMin, rateGraceMs, writeMs } = this.#limits;
    return new Pace(writeRateMin, rateGraceMs, writeMs, this.#taken);
  }

  /** Octets that have left us, less those by which the kernel's store has grown since the first look. */
  get #taken(): number {
    const { sentOctets, pendingOctets } = this.#transport;
    return sentOctets - pendingOctets - (this.#untakenLast - (this.#untakenFirst ?? this.#untakenLast));
  }

  run(now: Instant): void {
    this.#pace.run(now);
  }

  dueAt(now: Instant): Instant {
    return this.#pace.dueAt(now);
  }

  /** Nothing waits any more: the kernel has room. */
  rest(now: Instant): void {
    this.#untakenFirst = null;
    this.#pace.rest(now, this.#taken);
  }

  /** Whether it seems so, and a look is called for. */
  isTooSlow(now: Instant): boolean {
    return this.#pace.isTooSlow(now, this.#taken);
  }

  /** What a look has found. 'first': with that the next one is compared; 'unknown': nobody can look. */
  judge(now: Instant, untaken: number | null): 'too-slow' | 'takes' | 'takes-little' | 'first' | 'unknown' {
    if (untaken === null || this.#untakenFirst === null) {
      this.#untakenFirst = untaken;
      this.#untakenLast = untaken ?? 0;
      this.#pace = this.#newPace();
      this.#pace.run(now);
      this.#takenBefore = this.#taken;
      return untaken === null ? 'unknown' : 'first';
    }
    this.#untakenLast = untaken;
    const before = this.#takenBefore;
    this.#takenBefore = this.#taken;
    if (this.#pace.isTooSlow(now, this.#taken)) return 'too-slow';
    return this.#taken > before ? 'takes' : 'takes-little';
  }

  get octetsPerS(): number {
    return this.#pace.octetsPerS;
  }

  get overMs(): number {
    return this.#pace.overMs;
  }
}
