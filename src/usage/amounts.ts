import { durationBoundsMs, startOfDuration } from '../core/counters.ts';
import { quantile } from '../core/quantile.ts';

/** What a series is of: the instances of an application, one of its workers or jobs, what makes its releases, or its folders. */
export const usageKinds = ['instances', 'worker', 'job', 'build', 'storage'] as const;
export type UsageKind = (typeof usageKinds)[number];

/** What a series is named by. */
export interface UsageOwner {
  readonly application: string;
  readonly kind: UsageKind;
  /** Of the worker or job; '' of the others. */
  readonly name: string;
  /** '': it was never deployed. */
  readonly release: string;
}

/**
 * What was used in some time. All but the peak only add up, so that parts of it may come from several processes. Fractions are of requests
 * that two releases share.
 */
export interface Amounts {
  cpuMs: number;
  /** Memory times how long it was held; of folders, their size times how long it was so. */
  byteSeconds: number;
  /** The most memory at any sample; of folders, their largest size. */
  peakBytes: number;
  /** How long its programs have run, added up. */
  runMs: number;
  /** Programs that were started again after an end. */
  restarts: number;
  /** Programs that were started. */
  starts: number;
  requests: number;
  errors: number;
  /** From the clients of the gateway, and to them. */
  bytesIn: number;
  bytesOut: number;
  /** The sum of the durations of its requests, without tunnels and event streams. */
  busyMs: number;
  /** Requests by duration: cells of `durationBoundsMs` that are not empty, each with its count. */
  durations: Map<number, number>;
}

export const summed = [
  'cpuMs',
  'byteSeconds',
  'runMs',
  'restarts',
  'starts',
  'requests',
  'errors',
  'bytesIn',
  'bytesOut',
  'busyMs',
] as const;

export function noAmounts(): Amounts {
  return {
    ...{ cpuMs: 0, byteSeconds: 0, peakBytes: 0, runMs: 0, restarts: 0, starts: 0 },
    ...{ requests: 0, errors: 0, bytesIn: 0, bytesOut: 0, busyMs: 0, durations: new Map() },
  };
}

export function addAmounts(sum: Amounts, more: Readonly<Partial<Amounts>>): void {
  for (const key of summed) sum[key] += more[key] ?? 0;
  sum.peakBytes = Math.max(sum.peakBytes, more.peakBytes ?? 0);
  for (const [cell, count] of more.durations ?? []) sum.durations.set(cell, (sum.durations.get(cell) ?? 0) + count);
}

/** The duration below which `share` of the requests are; null: there were none. */
export function durationQuantileMs({ durations }: Pick<Amounts, 'durations'>, share: number): number | null {
  if (durations.size === 0) return null;
  const cells = new Float64Array(durationBoundsMs.length + 1);
  for (const [cell, count] of durations) cells[cell] = count;
  return quantile({ cells, startOf: startOfDuration, placement: 'spread', range: { min: 0, max: Infinity } }, share);
}

/** No name can hold a line feed. */
export function ownerKey({ application, kind, name, release }: UsageOwner): string {
  return `${application}\n${kind}\n${name}\n${release}`;
}
