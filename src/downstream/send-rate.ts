import type { ClientLimits } from '../core/configuration.ts';
import type { Instant } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { MinimumRate } from './minimum-rate.ts';

/**
 * How fast a client takes what we send, in time in which something waits for it to be taken.
 *
 * What the kernel takes off our hands is not yet taken by the client. The kernel keeps megabytes, and asks for more only
 * when a third of its room is free again: a client that takes 10 KiB a second may leave us without a sign for minutes.
 * So nobody is blamed by what we see; it only makes us look. The first look says how much lies there, the next ones what
 * has gone since.
 */
export class SendRate {
  readonly #transport: Transport;
  readonly #limits: ClientLimits;
  #rate: MinimumRate;
  /** As of the first look since something waits; null before it. */
  #queuedFirst: number | null = null;
  #queuedLast = 0;
  #deliveredBefore = 0;

  constructor(transport: Transport, limits: ClientLimits) {
    this.#transport = transport;
    this.#limits = limits;
    this.#rate = this.#newRate();
  }

  #newRate(): MinimumRate {
    const { writeRateMin, rateGraceMs, writeMs } = this.#limits;
    return new MinimumRate(writeRateMin, rateGraceMs, writeMs, this.#deliveredBytes);
  }

  /** Bytes that have left us, less those by which the kernel's store has grown since the first look. */
  get #deliveredBytes(): number {
    const { sentBytes, pendingBytes } = this.#transport;
    return sentBytes - pendingBytes - (this.#queuedLast - (this.#queuedFirst ?? this.#queuedLast));
  }

  start(now: Instant): void {
    this.#rate.start(now);
  }

  dueAt(now: Instant): Instant {
    return this.#rate.dueAt(now);
  }

  /** Nothing waits any more: the kernel has room. */
  stop(now: Instant): void {
    this.#queuedFirst = null;
    this.#rate.stop(now, this.#deliveredBytes);
  }

  /** Whether it seems so, and a look is called for. */
  isTooSlow(now: Instant): boolean {
    return this.#rate.isTooSlow(now, this.#deliveredBytes);
  }

  /** What a look has found. 'first': with that the next one is compared; 'unknown': nobody can look. */
  judge(now: Instant, queuedBytes: number | null): 'too-slow' | 'progress' | 'no-progress' | 'first' | 'unknown' {
    if (queuedBytes === null || this.#queuedFirst === null) {
      this.#queuedFirst = queuedBytes;
      this.#queuedLast = queuedBytes ?? 0;
      this.#rate = this.#newRate();
      this.#rate.start(now);
      this.#deliveredBefore = this.#deliveredBytes;
      return queuedBytes === null ? 'unknown' : 'first';
    }
    this.#queuedLast = queuedBytes;
    const before = this.#deliveredBefore;
    this.#deliveredBefore = this.#deliveredBytes;
    if (this.#rate.isTooSlow(now, this.#deliveredBytes)) return 'too-slow';
    return this.#deliveredBytes > before ? 'progress' : 'no-progress';
  }

  get bytesPerS(): number {
    return this.#rate.bytesPerS;
  }

  get overMs(): number {
    return this.#rate.overMs;
  }
}
