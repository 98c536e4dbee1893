import type { ClientLimits } from '../core/listener-spec.ts';
import type { Instant } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { MinimumRate } from './minimum-rate.ts';

/**
 * Measures how fast a client reads what the gateway sends, while bytes are pending.
 *
 * Bytes that the kernel has accepted have not been read by the client yet. The kernel buffers megabytes, and accepts more only
 * when a third of its buffer is free again: with a client that reads 10 KiB a second it may accept nothing for minutes. So
 * what the gateway sees never convicts a client; it only causes a look at the kernel's send queue. The first look says how much
 * lies there, and the next ones how much has left since.
 */
export class SendRate {
  readonly #transport: Transport;
  readonly #limits: ClientLimits;
  #rate: MinimumRate;
  /** The send queue at the first look since bytes are pending; null before it. */
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

  /** Bytes sent, less those by which the send queue has grown since the first look. */
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

  /** Nothing is pending any more: the kernel has accepted all bytes. */
  stop(now: Instant): void {
    this.#queuedFirst = null;
    this.#rate.stop(now, this.#deliveredBytes);
  }

  /** Whether the client seems too slow, so that a look is due. */
  isTooSlow(now: Instant): boolean {
    return this.#rate.isTooSlow(now, this.#deliveredBytes);
  }

  /** Evaluates a look. `first`: the next look is compared with it; `unknown`: the system does not tell. */
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
