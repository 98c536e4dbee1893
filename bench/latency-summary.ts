/** The latencies of requests at a fixed rate, in milliseconds, each from when the request was due. */
export interface Latencies {
  /** Requests in the figures: those for which the load generator was not late. */
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly mostMs: number;
}

/** What the load generator measured of the gateway, and of itself. */
export interface FixedRate extends Latencies {
  /** Requests that the generator sent, or whose answer it saw, more than `lateMsMax` late. They are in no figure. */
  readonly late: number;
  /** The 99.9th percentile of the generator's own lateness, of all requests. */
  readonly lateP999Ms: number;
  readonly cpuMicroseconds: number;
}

/** A generator that is later than this has itself been disturbed. */
export const lateMsMax = 1;

/** A run in which more requests than this were sent late says little about a percentile of 99.9. */
export const lateShareMax = 0.01;

/** `tookMs` and `lateMs` have one value for each request, in the same order. */
export function latencySummary(
  tookMs: ArrayLike<number>,
  lateMs: ArrayLike<number>,
): Omit<FixedRate, 'cpuMicroseconds'> {
  const onTime = Float64Array.from(tookMs)
    .filter((_, index) => (lateMs[index] as number) <= lateMsMax)
    .sort();
  const lateness = Float64Array.from(lateMs).sort();
  return {
    requests: onTime.length,
    p50Ms: percentile(onTime, 0.5),
    p99Ms: percentile(onTime, 0.99),
    p999Ms: percentile(onTime, 0.999),
    mostMs: onTime.at(-1) ?? 0,
    late: lateness.length - onTime.length,
    lateP999Ms: percentile(lateness, 0.999),
  };
}

/** The smallest value that at least this part of the values does not exceed; 0 if there are none. `sorted` is ascending. */
export function percentile(sorted: ArrayLike<number>, part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
}
