import { durationBoundsMs, type ExchangeCount } from '../core/counters.ts';

/** A count of successes, to be given a number. */
export const noExchanges: ExchangeCount = {
  ...{ route: 'all', upstream: 'shop', statusClass: '2xx', shape: 'none', cause: 'none', end: 'forwarded' },
  ...{ grpcStatus: null, count: 0, durationMsSum: 0, durationMsMin: 0, durationMsMax: 0, bytesIn: 0, bytesOut: 0 },
  durations: new Array<number>(durationBoundsMs.length + 1).fill(0),
};

/** The histogram of so many requests of this duration. */
export function latencyOf(count: number, ms: number): number[] {
  const cell = durationBoundsMs.findIndex((bound) => ms <= bound);
  return noExchanges.durations.map((_, index) => (index === cell ? count : 0));
}
