import type { Instant } from '../core/time.ts';

/** After this time without requests, 63 % of what was measured is forgotten (as in Finagle and Linkerd). */
const forgetMs = 10_000;

/** What a failed attempt counts at least: an endpoint that fails quickly must not look like a quick one. */
const failureMs = 1000;

/** The estimate of an endpoint that has not answered its first request. */
const unknownMs = 1000;

/** Below this, differences are noise of this machine. */
const leastMs = 0.1;

/**
 * How long requests at an endpoint wait for the head of their response, as an estimate that rises at once and falls slowly
 * (peak EWMA): one slow response is noticed with the next request, and many quick ones are needed to forget it.
 */
export class PeakLatency {
  #estimateMs = 0;
  #notedAt: Instant | null = null;

  /** An attempt has taken so long until the head of its response came, or until it failed. */
  note(latencyMs: number, failed: boolean, now: Instant): void {
    const ms = failed ? Math.max(latencyMs, failureMs) : latencyMs;
    const rest = this.#restAt(now);
    this.#estimateMs = ms >= this.#estimateMs ? ms : this.#estimateMs * rest + ms * (1 - rest);
    this.#notedAt = now;
  }

  /**
   * The estimate, which falls while nothing is measured. An endpoint of which nothing is known gets one request soon, and is
   * taken for a slow one until that is answered. `load`: its requests in flight.
   */
  estimateMs(now: Instant, load: number): number {
    if (this.#notedAt === null && load > 0) return unknownMs;
    return Math.max(leastMs, this.#estimateMs * this.#restAt(now));
  }

  #restAt(now: Instant): number {
    return this.#notedAt === null ? 0 : Math.exp(-Math.max(0, now - this.#notedAt) / forgetMs);
  }
}
