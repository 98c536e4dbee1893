import type { EndpointResponses } from '../core/attempt-counts.ts';
import type { ExchangeCount } from '../core/counters.ts';
import { hasLatency, isFailedCount } from '../record/exchange-figures.ts';
import type { Amounts, UsageOwner } from './amounts.ts';

/** What of a worker's batch is counted here. */
export interface TrafficBatch {
  readonly exchanges: readonly ExchangeCount[];
  /** Attempts by endpoint, with the release that it runs. */
  readonly responses: readonly EndpointResponses[];
}

interface TrafficMeterParts {
  /** The application behind an upstream; null: none that the gateway runs. */
  readonly applicationOf: (upstream: string) => string | null;
  /** The static application whose files answer a route, and its release in force; null: none does. */
  readonly siteOf: (route: string) => Pick<UsageOwner, 'application' | 'release'> | null;
  readonly add: (owner: UsageOwner, amounts: Partial<Amounts>) => void;
}

/** Counts the requests of applications, by release as their attempts are counted. */
export class TrafficMeter {
  readonly #parts: TrafficMeterParts;
  /** The shares of the releases in the last batch of an upstream that had attempts. */
  readonly #shares = new Map<string, ReadonlyMap<string, number>>();

  constructor(parts: TrafficMeterParts) {
    this.#parts = parts;
  }

  onBatch({ exchanges, responses }: TrafficBatch): void {
    const { applicationOf, siteOf, add } = this.#parts;
    this.#noteShares(responses);
    for (const counted of exchanges) {
      const site = counted.upstream === '' ? siteOf(counted.route) : null;
      if (site !== null) add({ ...site, kind: 'instances', name: '' }, amountsOf(counted));
      const application = applicationOf(counted.upstream);
      if (application === null) continue;
      const amounts = amountsOf(counted);
      for (const [release, share] of this.#shares.get(counted.upstream) ?? [['', 1] as const])
        add({ application, kind: 'instances', name: '', release }, share === 1 ? amounts : partOf(amounts, share));
    }
  }

  #noteShares(responses: readonly EndpointResponses[]): void {
    const attempts = new Map<string, Map<string, number>>();
    for (const { upstream, release = '', count } of responses) {
      if (this.#parts.applicationOf(upstream) === null) continue;
      const known = attempts.get(upstream) ?? new Map<string, number>();
      attempts.set(upstream, known.set(release, (known.get(release) ?? 0) + count));
    }
    for (const [upstream, byRelease] of attempts) {
      const all = [...byRelease.values()].reduce((sum, one) => sum + one, 0);
      if (all > 0)
        this.#shares.set(upstream, new Map([...byRelease].map(([release, count]) => [release, count / all])));
    }
  }
}

type Traffic = Pick<Amounts, 'requests' | 'errors' | 'bytesIn' | 'bytesOut' | 'busyMs' | 'durations'>;

function amountsOf(counted: ExchangeCount): Traffic {
  const { count, bytesIn, bytesOut, durations, durationMsSum } = counted;
  const isTimed = hasLatency(counted);
  const cells = new Map<number, number>();
  if (isTimed) for (const [cell, number] of durations.entries()) if (number > 0) cells.set(cell, number);
  const errors = isFailedCount(counted) ? count : 0;
  return { requests: count, errors, bytesIn, bytesOut, busyMs: isTimed ? durationMsSum : 0, durations: cells };
}

function partOf({ requests, errors, bytesIn, bytesOut, busyMs, durations }: Traffic, share: number): Traffic {
  return {
    ...{ requests: requests * share, errors: errors * share, busyMs: busyMs * share },
    ...{ bytesIn: bytesIn * share, bytesOut: bytesOut * share },
    durations: new Map([...durations].map(([cell, count]) => [cell, count * share])),
  };
}
