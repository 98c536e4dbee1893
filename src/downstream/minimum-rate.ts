import type { Instant } from '../core/time.ts';

/**
 * Enforces a minimum data rate on a peer, in the time in which the gateway waits for it.
 *
 * The peer has a credit of time: each byte adds to it, waiting reduces it, and it never exceeds `creditMsMax`. So a burst
 * pays for a silence, and a peer that sends a byte now and then soon has no credit left. There is no work per byte: the
 * credit is computed when it may be used up, and when the gateway stops waiting.
 */
export class MinimumRate {
  readonly #bytesPerSMin: number;
  readonly #creditMsMax: number;
  #creditMs: number;
  /** When the gateway began to wait; null while it does not. */
  #since: Instant | null = null;
  /** The count of bytes when the credit was last computed. */
  #bytes: number;
  /** For the observed rate: bytes and time since the credit was last full. */
  #bytesCounted = 0;
  #msCounted = 0;

  /** `graceMs` is the credit to begin with; `bytes` is the current count of bytes. */
  constructor(bytesPerSMin: number, graceMs: number, creditMsMax: number, bytes: number) {
    this.#bytesPerSMin = bytesPerSMin;
    this.#creditMs = graceMs;
    this.#creditMsMax = Math.max(graceMs, creditMsMax);
    this.#bytes = bytes;
  }

  get isRunning(): boolean {
    return this.#since !== null;
  }

  /** The gateway waits from now on. Bytes that came in between count too. */
  start(now: Instant): void {
    this.#since ??= now;
  }

  /** The gateway waits no more. */
  stop(now: Instant, bytes: number): void {
    if (this.#since === null) return;
    this.#update(now, bytes);
    this.#since = null;
  }

  /** When the credit is used up if no more bytes come; only while it runs. */
  dueAt(now: Instant): Instant {
    return ((this.#since ?? now) + Math.max(0, this.#creditMs)) as Instant;
  }

  /** Computes the credit, and returns whether it is used up. */
  isTooSlow(now: Instant, bytes: number): boolean {
    this.#update(now, bytes);
    return this.#creditMs <= 0;
  }

  /** The observed rate, since the credit was last full. */
  get bytesPerS(): number {
    return this.#msCounted === 0 ? 0 : Math.round((this.#bytesCounted * 1000) / this.#msCounted);
  }

  /** The time over which `bytesPerS` was observed. */
  get overMs(): number {
    return Math.round(this.#msCounted);
  }

  #update(now: Instant, bytes: number): void {
    const waitedMs = this.#since === null ? 0 : now - this.#since;
    const received = bytes - this.#bytes;
    this.#bytes = bytes;
    if (this.#since !== null) this.#since = now;
    this.#bytesCounted += received;
    this.#msCounted += waitedMs;
    this.#creditMs += (received * 1000) / this.#bytesPerSMin - waitedMs;
    if (this.#creditMs < this.#creditMsMax) return;
    this.#creditMs = this.#creditMsMax;
    this.#bytesCounted = 0;
    this.#msCounted = 0;
  }
}
