/** What may be written about endpoints whose requests fail. */
import * as z from 'zod';
import { defaults } from './defaults.ts';
import { duration, percent, whole } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';

const { outlierDetection: absent, circuitBreaker: absentOfBreaker } = defaults;

export const outlierDetection = z.union([
  z.enum(['none']),
  section({
    window: key(duration, 'The time whose requests are counted.', absent.window),
    requests_min: key(whole(1, 1_000_000), 'Fewer requests than this decide nothing.', absent.requestsMin),
    failures_max: key(
      percent,
      'A larger share of failures makes an endpoint an outlier: within the window, or within a newer part of it that has `requests_min` requests. Two thirds of it are enough where the other endpoints answer.',
      absent.failuresMax,
    ),
    consecutive_failures: key(
      whole(1, 10_000),
      'So many failures in a row make it one too, or half as many that come over a second or more while the other endpoints answer; of connections that cannot be made, five or this, whichever is less.',
      absent.consecutiveFailures,
    ),
    server_errors: key(
      z.boolean(),
      'Whether responses with a 5xx status count as failures. They do so over the whole window only, and not in a row.',
      absent.serverErrors,
    ),
    rate_limits: key(
      z.boolean(),
      'Whether responses 429 with `Retry-After` count as failures. The endpoint then rests as long as they say, 5 min at most, or for its `ejection` if that is longer.',
      absent.rateLimits,
    ),
    ejection: key(duration, 'How long an endpoint is ejected; each further time is twice as long.', absent.ejection),
    ejection_max: key(duration, 'The longest ejection.', absent.ejectionMax),
    ejected_max: key(
      percent,
      'How many of the endpoints whose checks pass may be ejected at once; one always stays.',
      absent.ejectedMax,
    ),
  }),
]);

export const circuitBreaker = z.union([
  z.boolean(),
  section({
    open: key(duration, 'How long it is open; each further time is twice as long.', absentOfBreaker.open),
    open_max: key(duration, 'The longest time.', absentOfBreaker.openMax),
    probes: key(
      whole(1, 1000),
      'How many requests at a time an endpoint gets while its breaker is half-open, over all workers. Three answers close it.',
      absentOfBreaker.probes,
    ),
  }),
]);
