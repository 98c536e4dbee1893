import * as z from 'zod';
import { declare } from '../../schema/default.ts';
import { count, ms, share } from '../../schema/fallback.ts';
import { duration, percent, whole } from '../../schema/leaves.ts';
import { isLonger, longer, type EffectRule, sectionOf, warnWhere } from '../../schema/rules.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { circuitBreakerName, type RouteBreakerSpec } from './settings.ts';

const absent = {
  breaker: declare(
    'false',
    'Only the operator knows whether a 503 at once is better than a request that may yet succeed.',
  ),
  window: declare('30s', 'That of `outlier_detection`.'),
  requestsMin: declare('20', 'Half of fewer requests is chance.'),
  failuresMax: declare('50%', 'A route that answers half of its requests is worth more than one that answers none.'),
  consecutiveFailures: declare('10', 'A route half of whose requests fail has as many in a row once in a thousand.'),
  serverErrors: declare(
    'false',
    'A 500 may be the right answer to a wrong request, and tells its client more than a 503.',
  ),
  open: declare('500ms', 'Requests that wait for a timeout pile up; half a second lets them end.'),
  openMax: declare(
    '10s',
    'One request in ten seconds costs little, and clients do not wait longer than that for what works again.',
  ),
  probes: declare('1', 'One request shows whether the route works; the next ones wait for what it shows.'),
};

const routeBreaker = z.union([
  z.boolean(),
  section({
    window: key(duration, 'The time whose requests are counted.', absent.window),
    requests_min: key(whole(1, 1_000_000), 'Fewer requests than this decide nothing.', absent.requestsMin),
    failures_max: key(
      percent,
      'A larger share of failures opens the breaker: within the window, or within a newer part of it that has `requests_min` requests.',
      absent.failuresMax,
    ),
    consecutive_failures: key(whole(1, 10_000), 'So many failures in a row open it too.', absent.consecutiveFailures),
    server_errors: key(z.boolean(), 'Whether responses with a 5xx status are failures.', absent.serverErrors),
    open: key(duration, 'How long it is open; each further time is twice as long.', absent.open),
    open_max: key(duration, 'The longest time; as long as `open` if that is longer.', absent.openMax),
    probes: key(
      whole(1, 1000),
      'How many requests at a time are let through while it is half-open, over all workers. Three answers close it.',
      absent.probes,
    ),
  }),
]);

/** Of a route. */
const circuitBreakerKeys = {
  circuit_breaker: key(
    routeBreaker,
    'Whether its requests are answered with a 503 (`circuit_open`) at once for a short time when they fail at whatever endpoint; or when.',
    absent.breaker,
  ),
};

type RouteRead = z.output<z.ZodObject<typeof circuitBreakerKeys>>;

const rules: readonly EffectRule<RouteRead>[] = [
  {
    key: ['circuit_breaker', 'open'],
    holds: ({ circuit_breaker: read }) => isLonger(sectionOf(read).open, sectionOf(read).open_max),
    warning: '"open_max" has no effect: it is shorter',
    suggestion: longer('open_max'),
  },
  {
    key: ['circuit_breaker', 'failures_max'],
    holds: ({ circuit_breaker: read }) => sectionOf(read).failures_max === 1,
    warning: 'no share of failures is larger than 100%: only failures in a row open the breaker',
    suggestion: 'make it smaller, such as 90%',
  },
];

export const circuitBreaker: FeatureKeys = featureKeys<RouteRead, object>({
  name: circuitBreakerName,
  routeKeys: circuitBreakerKeys,
  forms: {
    circuit_breaker: {
      example: '{ open: 1s }',
      off: 'write false',
      on: 'write true',
      stands: ['open', 'failures_max', 'consecutive_failures'],
    },
  },
  needsUpstream: true,
  sharedBy: 'circuit_breaker',
  ofRoute({ circuit_breaker: read }): RouteBreakerSpec | null {
    if (read === undefined || read === false) return null;
    const either = read === true ? {} : read;
    return {
      windowMs: ms(either.window, absent.window),
      requestsMin: count(either.requests_min, absent.requestsMin),
      failureShareMax: share(either.failures_max, absent.failuresMax),
      consecutiveFailuresMax: count(either.consecutive_failures, absent.consecutiveFailures),
      countsServerErrors: either.server_errors ?? false,
      openMs: ms(either.open, absent.open),
      openMaxMs: ms(either.open_max, absent.openMax),
      probesMax: count(either.probes, absent.probes),
    };
  },
  review({ routes }, findings) {
    for (const { path, read, to } of routes) if (to !== null) warnWhere(rules, read, path, findings);
  },
});
