import type { RouteBreakerSpec } from '../core/upstream-spec.ts';
import { defaults } from './defaults.ts';
import { count, ms, share } from '../schema/fallback.ts';
import type { RouteBreakerRead } from './outlier-schema.ts';

/** Nothing where the route has none. */
export function buildRouteBreaker(read: RouteBreakerRead | undefined): { readonly circuitBreaker?: RouteBreakerSpec } {
  if (read === undefined || read === false) return {};
  const either = read === true ? {} : read;
  const absent = defaults.routeBreaker;
  return {
    circuitBreaker: {
      windowMs: ms(either.window, absent.window),
      requestsMin: count(either.requests_min, absent.requestsMin),
      failureShareMax: share(either.failures_max, absent.failuresMax),
      consecutiveFailuresMax: count(either.consecutive_failures, absent.consecutiveFailures),
      countsServerErrors: either.server_errors ?? false,
      openMs: ms(either.open, absent.open),
      openMaxMs: ms(either.open_max, absent.openMax),
      probesMax: count(either.probes, absent.probes),
    },
  };
}
