import type { EndpointOutcomes } from '../core/outcome.ts';

/** Connections on which nothing came back once they had been idle for some time. */
export interface SilentConnections {
  readonly endpoint: string;
  /** Requests that were sent on them. */
  readonly requests: number;
  /** The shortest time for which one of them had been idle. */
  readonly idleMs: number;
  /** Connections that had been idle for this time at most were answered on; 0: none that had been idle was. */
  readonly answeredMs: number;
}

const keptS = 300;
const endpointsMax = 200;

/** Fewer requests may have waited in vain by chance; those with whole seconds between them were idle. */
const requestsMin = 4;
const idleMinMs = 1000;

/** Of requests that waited in vain, so many were sent on such connections. */
const shareMin = 0.8;

interface EndpointSecond {
  readonly second: number;
  readonly resets: readonly number[];
  readonly silent: readonly number[];
  readonly answeredMs: number;
}

/**
 * For how long connections had been idle on which requests were answered, or waited in vain. A firewall or an address translation that forgets idle
 * connections drops what comes later without a word, and lets new connections pass.
 */
export class IdleConnections {
  readonly #endpoints = new Map<string, EndpointSecond[]>();

  add({ endpoint, silentIdleMs = [], resetIdleMs = [], answeredIdleMs = 0 }: EndpointOutcomes, second: number): void {
    if (silentIdleMs.length + resetIdleMs.length === 0 && answeredIdleMs < idleMinMs) return;
    const known = this.#endpoints.get(endpoint) ?? [];
    if (known.length === 0 && this.#endpoints.size >= endpointsMax) return;
    this.#endpoints.set(endpoint, known);
    known.push({ second, silent: silentIdleMs, resets: resetIdleMs, answeredMs: answeredIdleMs });
    while ((known[0] as EndpointSecond).second < second - keptS) known.shift();
  }

  /**
   * Of the connections that had served others and ended before a response, since a second: the share of those that had been idle for less than half as long as
   * others on which a response came. Null: none ended so.
   */
  quickResetsSince(second: number): number | null {
    let [all, quick] = [0, 0];
    for (const seconds of this.#endpoints.values()) {
      const recent = seconds.filter((one) => one.second >= second);
      const answeredMs = Math.max(0, ...recent.map((one) => one.answeredMs));
      const resets = recent.flatMap((one) => one.resets);
      all += resets.length;
      if (answeredMs >= idleMinMs) quick += resets.filter((ms) => ms < answeredMs / 2).length;
    }
    return all === 0 ? null : quick / all;
  }

  /** Since a second; null: requests that wait in vain have another reason. */
  silentSince(second: number): SilentConnections | null {
    const found = [...this.#endpoints].map(([endpoint, all]) => {
      const recent = all.filter((one) => one.second >= second);
      const answeredMs = Math.max(0, ...recent.map((one) => one.answeredMs));
      const silent = recent.flatMap((one) => one.silent);
      return {
        endpoint,
        answeredMs,
        all: silent.length,
        idle: silent.filter((ms) => ms > Math.max(answeredMs, idleMinMs)),
      };
    });
    const requests = found.reduce((sum, { all }) => sum + all, 0);
    const [worst] = found.toSorted((a, b) => b.idle.length - a.idle.length);
    const idle = found.reduce((sum, one) => sum + one.idle.length, 0);
    if (worst === undefined || idle < requestsMin || idle < shareMin * requests) return null;
    const { endpoint, answeredMs } = worst;
    return { endpoint, requests: idle, idleMs: Math.min(...worst.idle), answeredMs };
  }
}
