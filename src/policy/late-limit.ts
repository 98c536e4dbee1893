import { latencyQuantileMs } from '../core/latency-cells.ts';
import { after, type Instant } from '../core/time.ts';

const usualShare = 0.95;
const times = 1.5;
const plusMs = 20;

/** The p95 of fewer responses is not known. */
const knownMin = 40;

/** Caches are cold, code is not compiled. */
const startingMs = 5000;

/** What took longer is late on a route, by the cells of the old release's responses of the last minute. Null: they are too few. */
export function lateLimitMs(latencies: readonly number[]): number | null {
  if (latencies.reduce((sum, count) => sum + count, 0) < knownMin) return null;
  const usualMs = latencyQuantileMs(latencies, usualShare);
  return usualMs === null ? null : times * usualMs + plusMs;
}

/** Whether responses of an instance that is ready since then may be called late. */
export function mayBeLate(readySince: Instant, now: Instant): boolean {
  return now >= after(readySince, startingMs);
}
