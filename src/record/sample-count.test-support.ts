import { durationBoundsMs, type ExchangeCount } from '../core/counters.ts';

/** A count of exchanges that succeeded, none so far, with the changes of the test. */
export function sampleCount(changes: Partial<ExchangeCount> = {}): ExchangeCount {
  return {
    route: '/',
    upstream: 'shop',
    statusClass: '2xx',
    shape: 'none',
    cause: 'none',
    end: 'forwarded',
    grpcStatus: null,
    count: 0,
    durationMsSum: 0,
    durationMsMin: 0,
    durationMsMax: Infinity,
    bytesIn: 0,
    bytesOut: 0,
    durations: new Array<number>(durationBoundsMs.length + 1).fill(0),
    ...changes,
  };
}
