import type { FeatureSpecs } from '../../core/feature.ts';

export const pricesName = 'prices';

/** What has a price for each unit. */
export type PricedUnit =
  | 'cpuHour'
  | 'memoryGbHour'
  | 'storageGbMonth'
  | 'bandwidthOutGb'
  | 'millionRequests'
  | 'requestHour';

/** By what a fixed price is divided among applications. */
export const sharings = ['cpu', 'memory', 'cpu_and_memory', 'requests'] as const;
export type Sharing = (typeof sharings)[number];

export interface PricesSpec {
  /** Three letters (ISO 4217). */
  readonly currency: string;
  /** Of a unit; absent: it costs nothing by itself. */
  readonly units: Readonly<Partial<Record<PricedUnit, number>>>;
  /** What everything costs a month, whatever is used; null: nothing. */
  readonly month: { readonly price: number; readonly sharedBy: Sharing } | null;
}

export function pricesOf(features: FeatureSpecs | undefined): PricesSpec | null {
  return (features?.[pricesName] as PricesSpec | undefined) ?? null;
}
