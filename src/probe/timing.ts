import type { SeriesReport, TimingReport } from './probe-report.ts';

/** Bounds of the histogram in milliseconds: 1, 2, 5 in each decade, as people read them. */
export const histogramBoundsMs: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/** To a microsecond: what a clock shows beyond that is noise. */
export function roundedMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** Null without values. Percentiles are values that occurred (nearest rank). */
export function timingOf(values: readonly number[]): TimingReport | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((one, other) => one - other);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { min: rank(0), median: rank(0.5), p90: rank(0.9), p99: rank(0.99), max: rank(1) };
}

export function histogramOf(values: readonly number[]): SeriesReport['histogram'] {
  const bounds: readonly (number | null)[] = [...histogramBoundsMs, null];
  return bounds.map((upToMs, index) => {
    const above = index === 0 ? -Infinity : (histogramBoundsMs[index - 1] ?? 0);
    return { upToMs, count: values.filter((value) => value > above && value <= (upToMs ?? Infinity)).length };
  });
}
