import type { AttemptFacts } from '../core/exchange.ts';
import type { Instant } from '../core/time.ts';
import { mayBeStale } from './retry.ts';

/** A row of resets that is older than this says nothing about the next one. */
const rememberedMs = 10_000;

/** Endpoints that have resets at the same time; of more than this the oldest is forgotten. */
const endpointsMax = 1024;

interface Resets {
  readonly firstAt: number;
  latestAt: number;
}

/**
 * An endpoint may close an idle connection at any time (RFC 9112 §9.5), and a process that ends resets all of its connections at once: a request that
 * finds its connection closed says nothing about health. But an endpoint that also resets a request which began after such a reset, before it has
 * answered one on a connection that was used before, has more wrong with it than that.
 */
export class StaleConnections {
  readonly #resets = new Map<string, Resets>();

  /** Whether the failed attempt, of an exchange that began at `startedAt`, says nothing about the health of its endpoint. */
  excuses(attempt: AttemptFacts, startedAt: Instant): boolean {
    if (!mayBeStale(attempt)) return false;
    const { endpoint, startedMs, endedMs } = attempt;
    const endedAt = startedAt + endedMs;
    const known = this.#resets.get(endpoint);
    if (known === undefined || endedAt - known.latestAt > rememberedMs) {
      this.#begin(endpoint, endedAt);
      return true;
    }
    known.latestAt = Math.max(known.latestAt, endedAt);
    return startedAt + startedMs <= known.firstAt;
  }

  #begin(endpoint: string, at: number): void {
    this.#resets.delete(endpoint);
    const [oldest] = this.#resets.keys();
    if (oldest !== undefined && this.#resets.size >= endpointsMax) this.#resets.delete(oldest);
    this.#resets.set(endpoint, { firstAt: at, latestAt: at });
  }

  /** The endpoint has answered on a connection that was used before. */
  clear(endpoint: string): void {
    if (this.#resets.size > 0) this.#resets.delete(endpoint);
  }
}
