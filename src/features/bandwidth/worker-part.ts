import type { Filter } from '../../core/filter.ts';
import type { Clock } from '../../core/time.ts';
import { ratePolicy } from '../../limits/gcra.ts';
import { rateTableBytes } from '../../limits/rate-layout.ts';
import { RateTable, type TablePolicy } from '../../limits/rate-table.ts';
import { SharedWords } from '../../limits/shared-words.ts';
import type { FeaturePart, FeaturePorts } from '../worker-feature.ts';
import type { FeatureScope } from '../../core/feature.ts';
import { bandwidthName, type BandwidthSpec, burstOf, countedBytes } from './settings.ts';
import { SlowedBody, type Speed } from './worker-slowed-body.ts';

/** At once, so that several responses of a route take turns. */
const sliceMax = 16 * 1024;
/** Smaller ones cost more than they smooth. */
const sliceMin = 4 * 1024;
/** What a response may send at once after a pause, as a time of its speed. */
const burstMs = 100;

interface RouteSpeed {
  readonly table: RateTable;
  readonly policy: TablePolicy;
  readonly route: string;
}

/** What one response may send: its own tokens, and those of its route. */
class ResponseSpeed implements Speed {
  waitMs = 0;
  readonly #clock: Clock;
  readonly #bytesPerMs: number | null;
  readonly #route: RouteSpeed | null;
  readonly #most: number;
  #tokens: number;
  #at: number;

  constructor({ responseBytesPerS, freeBytes }: BandwidthSpec, route: RouteSpeed | null, clock: Clock) {
    this.#clock = clock;
    this.#bytesPerMs = responseBytesPerS === null ? null : responseBytesPerS / 1000;
    this.#route = route;
    this.#most = Math.max(sliceMin, (this.#bytesPerMs ?? 0) * burstMs);
    this.#tokens = freeBytes + this.#most;
    this.#at = clock.now();
  }

  take(wanted: number): number {
    const nowMs = this.#clock.now();
    const count = this.#own(Math.min(wanted, sliceMax), nowMs);
    if (count === 0 || !this.#ofRoute(count, nowMs)) return 0;
    this.#tokens -= count;
    return count;
  }

  #own(wanted: number, nowMs: number): number {
    if (this.#bytesPerMs === null) return wanted;
    // What is free is used once, and not refilled.
    const refilled = this.#tokens + (nowMs - this.#at) * this.#bytesPerMs;
    this.#tokens = this.#tokens > this.#most ? this.#tokens : Math.min(this.#most, refilled);
    this.#at = nowMs;
    const least = Math.min(wanted, sliceMin);
    if (this.#tokens >= least) return Math.floor(Math.min(wanted, this.#tokens));
    this.waitMs = (least - this.#tokens) / this.#bytesPerMs;
    return 0;
  }

  #ofRoute(count: number, nowMs: number): boolean {
    if (this.#route === null) return true;
    const { table, policy, route } = this.#route;
    const used = table.take(policy, route, Math.ceil(count / countedBytes), nowMs);
    if (used >= 0) return true;
    this.waitMs = -used * policy.unitMs;
    return false;
  }
}

const aloneEntries = 64;

function routeSpeed(route: string, bytesPerS: number, shared: BandwidthSpec['shared']): RouteSpeed {
  const { rates, number } = shared ?? { rates: new SharedArrayBuffer(rateTableBytes(aloneEntries)), number: 1 };
  const table = new RateTable(new SharedWords(rates), rates.byteLength);
  const policy = ratePolicy(Math.ceil(bytesPerS / countedBytes), 1000, burstOf(bytesPerS));
  if (shared === undefined) table.setPolicy(number, policy);
  return { table, route, policy: { ...policy, number, salt: number } };
}

export function bandwidthPart(
  { id }: FeatureScope,
  spec: BandwidthSpec,
  { clock }: Pick<FeaturePorts, 'clock'>,
): FeaturePart {
  const { routeBytesPerS, shared } = spec;
  const route = routeBytesPerS === null ? null : routeSpeed(id, routeBytesPerS, shared);
  const filter: Filter = {
    name: bandwidthName,
    // What is sent counts, in whichever coding.
    stage: 'coding',
    changesResponseBody: () => false,
    responseBody: (_, __, sink) => new SlowedBody(new ResponseSpeed(spec, route, clock), sink, clock),
  };
  return { hooks: { filters: [filter] } };
}
