import type { EndedExchange } from '../../core/exchange.ts';
import { rateTableBytes } from '../../limits/rate-layout.ts';
import { RateTable } from '../../limits/rate-table.ts';
import { atOnceBytes, RequestsAtOnce } from '../../limits/requests-at-once.ts';
import { SharedWords } from '../../limits/shared-words.ts';
import { ratePolicy } from '../../limits/gcra.ts';
import type { FeaturePart, FeaturePorts } from '../worker-feature.ts';
import type { FeatureScope } from '../../core/feature.ts';
import { partOfUser, type RateLimitSpec, type RateLimitsReport, type RateLimitsSpec } from './settings.ts';
import { type HeldRequests, RateLimitFilter, releaseHeld } from './worker-filter.ts';
import { Limiter } from './worker-limiter.ts';

export interface RateLimitsPart extends FeaturePart {
  readonly held: HeldRequests;
}

/** Without a main thread, such as in tests of the exchange, a worker counts alone. */
const aloneEntries = 4096;

type Shared = NonNullable<RateLimitsSpec['shared']>;

function alone(limits: readonly RateLimitSpec[]): Shared {
  const rates = new SharedArrayBuffer(rateTableBytes(aloneEntries));
  const table = new RateTable(new SharedWords(rates), rates.byteLength);
  for (const [number, { rate, burst }] of limits.entries())
    if (rate !== null) table.setPolicy(number, ratePolicy(rate.requests, rate.periodMs, burst));
  const bounds = limits.some(({ atOnce }) => atOnce !== null);
  return {
    rates,
    numbers: limits.map((_, number) => number),
    atOnce: bounds ? new SharedArrayBuffer(atOnceBytes) : null,
  };
}

export function rateLimitsPart(
  { id }: FeatureScope,
  { limits, shared = alone(limits) }: RateLimitsSpec,
  { clock, worker }: FeaturePorts,
  previous: RateLimitsPart | null,
): RateLimitsPart {
  const held: HeldRequests = previous?.held ?? new Map();
  const table = new RateTable(new SharedWords(shared.rates), shared.rates.byteLength);
  const atOnce = shared.atOnce === null ? null : new RequestsAtOnce(shared.atOnce, worker);
  const all = limits.map((spec, index) => new Limiter(spec, id, shared.numbers[index] ?? 0, table, atOnce));
  const isOfUser = ({ spec }: Limiter): boolean => partOfUser(spec.by) !== undefined;
  const [ofUser, others] = [all.filter(isOfUser), all.filter((one) => !isOfUser(one))];
  const filters = [
    ...(others.length === 0
      ? []
      : [
          new RateLimitFilter(
            'address_rate',
            others,
            held,
            clock,
            ofUser.some(({ spec }) => spec.announce),
          ),
        ]),
    ...(ofUser.length === 0 ? [] : [new RateLimitFilter('identity_rate', ofUser, held, clock)]),
  ];
  const release = ({ id: exchange }: Pick<EndedExchange, 'id'>): void => releaseHeld(held, exchange);
  return {
    held,
    hooks: { filters, ...(atOnce === null && held.size === 0 ? {} : { onEnded: release }) },
    // Nothing tells of the ends of exchanges any more.
    close: () => [...held.keys()].forEach((exchange) => releaseHeld(held, exchange)),
    report(): RateLimitsReport | null {
      const reports = all.flatMap((one) => one.report() ?? []);
      return reports.length === 0 ? null : { limits: reports };
    },
  };
}
