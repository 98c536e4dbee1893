import type { ConcurrencySpec } from '../core/upstream-spec.ts';
import type { ConcurrencyRead } from './concurrency-schema.ts';
import { defaults } from './defaults.ts';
import { count, ms } from '../schema/fallback.ts';

function numberOnly(max: number): Exclude<ConcurrencyRead, number> {
  return { max };
}

/** Nothing where nothing is bounded. */
export function buildConcurrency(read: ConcurrencyRead | undefined): { readonly concurrency?: ConcurrencySpec } {
  if (read === undefined) return {};
  const {
    max: written,
    adaptive = false,
    queue_max,
    queue_timeout,
  } = typeof read === 'number' ? numberOnly(read) : read;
  const max = written === 'none' ? undefined : written;
  if (max === undefined && !adaptive) return {};
  const absent = defaults.concurrency;
  return {
    concurrency: {
      requestsMax: max ?? null,
      adaptive,
      queueMax: count(queue_max, absent.queueMax),
      queueMs: ms(queue_timeout, absent.queueTimeout),
    },
  };
}
