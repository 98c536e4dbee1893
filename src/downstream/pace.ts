import type { Instant } from '../core/time.ts';

/**
 * How fast a peer sends, or takes, while it is the one that is waited for.
 *
 * It is time that it has left, as credit: each octet buys some, waiting spends it, and there is never more of it than
 * `creditMsMax`. So a burst pays for a silence, and whoever only drips has none left soon. Nothing is done for an octet:
 * the account is drawn up when the credit may be spent, and when the peer ceases to be waited for.
 */
export class Pace {
  readonly #octetsPerSMin: number;
  readonly #creditMsMax: number;
  #creditMs: number;
  /** Since when it has been waited for; null while it is not. */
  #since: Instant | null = null;
  /** The octets as of the last account. */
  #octets: number;
  /** What the rate is told of: octets and time since the credit was last as large as it may be. */
  #octetsTold = 0;
  #msTold = 0;

  /** `graceMs` is the credit to begin with; `octets` is where the count of them stands. */
  constructor(octetsPerSMin: number, graceMs: number, creditMsMax: number, octets: number) {
    this.#octetsPerSMin = octetsPerSMin;
    this.#creditMs = graceMs;
    this.#creditMsMax = Math.max(graceMs, creditMsMax);
    this.#octets = octets;
  }

  get isRunning(): boolean {
    return this.#since !== null;
  }

  /** The peer is waited for from now on. What has come in between is its merit all the same. */
  run(now: Instant): void {
    this.#since ??= now;
  }

  /** It is not waited for any more. */
  rest(now: Instant, octets: number): void {
    if (this.#since === null) return;
    this.#account(now, octets);
    this.#since = null;
  }

  /** When the credit is spent if not an octet more comes; only while it runs. */
  dueAt(now: Instant): Instant {
    return ((this.#since ?? now) + Math.max(0, this.#creditMs)) as Instant;
  }

  /** Whether the peer has been too slow. Draws up the account. */
  isTooSlow(now: Instant, octets: number): boolean {
    this.#account(now, octets);
    return this.#creditMs <= 0;
  }

  /** As counted since it last had all the credit that it may have. */
  get octetsPerS(): number {
    return this.#msTold === 0 ? 0 : Math.round((this.#octetsTold * 1000) / this.#msTold);
  }

  /** Time over which `octetsPerS` was counted. */
  get overMs(): number {
    return Math.round(this.#msTold);
  }

  #account(now: Instant, octets: number): void {
    const waitedMs = this.#since === null ? 0 : now - this.#since;
    const come = octets - this.#octets;
    this.#octets = octets;
    if (this.#since !== null) this.#since = now;
    this.#octetsTold += come;
    this.#msTold += waitedMs;
    this.#creditMs += (come * 1000) / this.#octetsPerSMin - waitedMs;
    if (this.#creditMs < this.#creditMsMax) return;
    this.#creditMs = this.#creditMsMax;
    this.#octetsTold = 0;
    this.#msTold = 0;
  }
}
