import type { Instant } from '../core/time.ts';

/**
 * How fast a peer sends, or takes, while it is the one that is waited for.
 *
 * It is time that it has left, as credit: each byte buys some, waiting spends it, and there is never more of it than
 * `creditMsMax`. So a burst pays for a silence, and whoever only drips has none left soon. Nothing is done for a byte:
 * the account is drawn up when the credit may be spent, and when the peer ceases to be waited for.
 */
export class MinimumRate {
  readonly #bytesPerSMin: number;
  readonly #creditMsMax: number;
  #creditMs: number;
  /** Since when it has been waited for; null while it is not. */
  #since: Instant | null = null;
  /** The bytes as of the last account. */
  #bytes: number;
  /** What the rate is told of: bytes and time since the credit was last as large as it may be. */
  #bytesCounted = 0;
  #msCounted = 0;

  /** `graceMs` is the credit to begin with; `bytes` is where the count of them stands. */
  constructor(bytesPerSMin: number, graceMs: number, creditMsMax: number, bytes: number) {
    this.#bytesPerSMin = bytesPerSMin;
    this.#creditMs = graceMs;
    this.#creditMsMax = Math.max(graceMs, creditMsMax);
    this.#bytes = bytes;
  }

  get isRunning(): boolean {
    return this.#since !== null;
  }

  /** The peer is waited for from now on. What has come in between is its merit all the same. */
  start(now: Instant): void {
    this.#since ??= now;
  }

  /** It is not waited for any more. */
  stop(now: Instant, bytes: number): void {
    if (this.#since === null) return;
    this.#account(now, bytes);
    this.#since = null;
  }

  /** When the credit is spent if not a byte more comes; only while it runs. */
  dueAt(now: Instant): Instant {
    return ((this.#since ?? now) + Math.max(0, this.#creditMs)) as Instant;
  }

  /** Whether the peer has been too slow. Draws up the account. */
  isTooSlow(now: Instant, bytes: number): boolean {
    this.#account(now, bytes);
    return this.#creditMs <= 0;
  }

  /** As counted since it last had all the credit that it may have. */
  get bytesPerS(): number {
    return this.#msCounted === 0 ? 0 : Math.round((this.#bytesCounted * 1000) / this.#msCounted);
  }

  /** Time over which `bytesPerS` was counted. */
  get overMs(): number {
    return Math.round(this.#msCounted);
  }

  #account(now: Instant, bytes: number): void {
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
