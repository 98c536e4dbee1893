import type { MinuteFigures } from '../core/schemas/status.ts';
import { durationBoundsMs, type ExchangeCount } from '../core/counters.ts';
import type { Clock } from '../core/time.ts';
import { emptyRange, type ValueRange, widen } from '../core/quantile.ts';
import { round } from '../core/round.ts';
import { hasLatency, isFailedCount, quantileMs } from './exchange-figures.ts';

const sliceMs = 5000;
const slices = 12;

/** Of a slice: requests, errors and abandoned requests, */
const sums = 3;
/** and a cell for each bound of the durations and one for the rest. */
const cells = sums + durationBoundsMs.length + 1;

/** As many upstreams, and as many routes, as are counted separately (`counters.ts`); with 7 KB each they need at most 28 MB. */
const ringsMax = 2000;

/** A ring of slices of one upstream or route. */
interface Ring {
  readonly counts: Uint32Array;
  /** The shortest and the longest duration of each slice. */
  readonly ranges: ValueRange[];
  /** The number of the slice that was last written; older slices are cleared when they are reached again. */
  newest: number;
}

/**
 * The last minute of each upstream, of each route and of the whole gateway, from the counts that workers send in any case. It costs the main thread some
 * additions per batch; nothing is kept per request.
 */
export class LastMinute {
  readonly #clock: Clock;
  readonly #beganAt: number;
  readonly #upstreams = new Map<string, Ring>();
  readonly #routes = new Map<string, Ring>();
  readonly #all: Ring = newRing();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#beganAt = clock.now();
  }

  add(delta: readonly ExchangeCount[]): void {
    const slice = this.#slice;
    for (const counted of delta) {
      addTo(this.#all, slice, counted);
      const [upstream, route] = [
        ringOf(this.#upstreams, counted.upstream, slice),
        ringOf(this.#routes, counted.route, slice),
      ];
      if (upstream !== null) addTo(upstream, slice, counted);
      if (route !== null) addTo(route, slice, counted);
    }
  }

  /** Of the whole gateway, including requests that reached no upstream. */
  get all(): MinuteFigures {
    return this.#figuresOf(this.#all);
  }

  of(upstream: string): MinuteFigures {
    return this.#figuresOf(this.#upstreams.get(upstream));
  }

  ofRoute(route: string): MinuteFigures {
    return this.#figuresOf(this.#routes.get(route));
  }

  /** Of a route. Costs less than its figures. */
  countsOfRoute(route: string): { readonly requests: number; readonly errors: number } {
    const ring = this.#routes.get(route);
    if (ring === undefined) return { requests: 0, errors: 0 };
    const [requests = 0, errors = 0] = sumOf(ring, this.#slice, 2);
    return { requests, errors };
  }

  get #slice(): number {
    return Math.floor((this.#clock.now() - this.#beganAt) / sliceMs);
  }

  #figuresOf(ring: Ring | undefined): MinuteFigures {
    const slice = this.#slice;
    const elapsedS = (this.#clock.now() - this.#beganAt) / 1000;
    const seconds = Math.max(1, Math.min(elapsedS, elapsedS - Math.max(0, slice - slices + 1) * (sliceMs / 1000)));
    const recentS = Math.max(1, Math.min(elapsedS, elapsedS - Math.max(0, slice - 1) * (sliceMs / 1000)));
    const sum = ring === undefined ? new Float64Array(cells) : sumOf(ring, slice, cells);
    const [requests = 0, errors = 0, abandoned = 0] = sum;
    const durations = sum.subarray(sums);
    const range = ring === undefined ? emptyRange() : rangeOf(ring, slice);
    return {
      seconds: round(seconds, 1),
      requests,
      requestsPerS: round(requests / seconds, 2),
      recentPerS: round(ring === undefined ? 0 : recentRequests(ring, slice) / recentS, 2),
      abandoned,
      errors,
      errorShare: requests === 0 ? null : round(errors / requests, 4),
      p50Ms: quantileMs(durations, 0.5, range),
      p99Ms: quantileMs(durations, 0.99, range),
    };
  }
}

/** Null: there are too many. */
function ringOf(rings: Map<string, Ring>, name: string, slice: number): Ring | null {
  const known = rings.get(name);
  if (known !== undefined) return known;
  // Mostly reloads have removed those without requests in the last minute.
  if (rings.size >= ringsMax)
    for (const [silent, { newest }] of rings) if (newest <= slice - slices) rings.delete(silent);
  if (rings.size >= ringsMax) return null;
  const ring = newRing();
  rings.set(name, ring);
  return ring;
}

function newRing(): Ring {
  return {
    counts: new Uint32Array(slices * cells),
    ranges: Array.from({ length: slices }, emptyRange),
    newest: 0,
  };
}

function addTo(ring: Ring, slice: number, counted: ExchangeCount): void {
  const { count, durations } = counted;
  for (let stale = Math.max(ring.newest + 1, slice - slices + 1); stale <= slice; stale++) clear(ring, stale);
  ring.newest = slice;
  const at = (slice % slices) * cells;
  const { counts } = ring;
  counts[at] = (counts[at] as number) + count;
  if (isFailedCount(counted)) counts[at + 1] = (counts[at + 1] as number) + count;
  if (counted.end === 'abandoned') counts[at + 2] = (counts[at + 2] as number) + count;
  if (!hasLatency(counted)) return;
  for (let cell = 0; cell < durations.length; cell++) {
    const here = at + sums + cell;
    counts[here] = (counts[here] as number) + (durations[cell] as number);
  }
  widen(ring.ranges[slice % slices] as ValueRange, { min: counted.durationMsMin, max: counted.durationMsMax });
}

function clear(ring: Ring, slice: number): void {
  const at = (slice % slices) * cells;
  ring.counts.fill(0, at, at + cells);
  ring.ranges[slice % slices] = emptyRange();
}

/** The sum of the slices that are not older than a minute, of their first `length` cells. */
function sumOf(ring: Ring, slice: number, length: number): Float64Array {
  const sum = new Float64Array(length);
  for (const one of recentSlices(ring, slice)) {
    const at = one * cells;
    for (let cell = 0; cell < length; cell++) sum[cell] = (sum[cell] as number) + (ring.counts[at + cell] as number);
  }
  return sum;
}

/** In this slice and the one before. */
function recentRequests(ring: Ring, slice: number): number {
  let requests = 0;
  for (let one = Math.max(0, slice - 1); one <= Math.min(ring.newest, slice); one++)
    requests += ring.counts[(one % slices) * cells] as number;
  return requests;
}

/** The shortest and the longest duration in these slices. */
function rangeOf(ring: Ring, slice: number): ValueRange {
  const range = emptyRange();
  for (const one of recentSlices(ring, slice)) widen(range, ring.ranges[one] as ValueRange);
  return range;
}

/** The places in the ring of the slices that are not older than a minute. */
function* recentSlices({ newest }: Ring, slice: number): Generator<number> {
  for (let one = Math.max(0, slice - slices + 1); one <= Math.min(newest, slice); one++) yield one % slices;
}
