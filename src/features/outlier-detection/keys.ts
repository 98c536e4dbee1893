/** What may be written about endpoints whose requests fail. The detector in the main thread reads it (`discovery/endpoints.ts`). */
import * as z from 'zod';
import { declare, describe } from '../../schema/default.ts';
import { count, ms, share } from '../../schema/fallback.ts';
import { duration, percent, whole } from '../../schema/leaves.ts';
import { isLonger, longer, type EffectRule, sectionOf, warnWhere } from '../../schema/rules.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { outlierDetectionName, type OutlierDetectionSettings } from './settings.ts';

const absent = {
  window: declare(
    '30s',
    'Long enough for twenty requests of a quiet site, short enough to forget a fault that was fixed.',
  ),
  requestsMin: declare('20', 'Half of fewer requests is chance.'),
  failuresMax: declare('50%', 'An endpoint that serves half of its requests still carries load that others would get.'),
  consecutiveFailures: declare(
    '10',
    'An endpoint half of whose requests fail has as many in a row once in a thousand.',
  ),
  serverErrors: describe(
    'only where an endpoint sends clearly more of them than the others on the same routes',
    'A 500 of an application is the same on every endpoint more often than not.',
  ),
  latency: declare('true', 'One slow endpoint of three makes a third of all requests slow.'),
  rateLimits: declare('false', 'A quota is more often that of one client, who could take endpoints from all others.'),
  ejection: declare('10s', 'Two checks; most faults that pass by themselves have passed.'),
  ejectionMax: declare('5m', 'By then an operator has noticed.'),
  ejectedMax: declare('50%', 'What most endpoints fail at is seldom theirs, and the rest could not carry the load.'),
};

/** Of an upstream or an application. */
const upstreamKeys = {
  outlier_detection: key(
    z.union([
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
          'Whether responses with a 5xx status count as failures, over the whole window only, and not in a row.',
          absent.serverErrors,
        ),
        latency: key(
          z.boolean(),
          'Whether an endpoint whose responses begin clearly later than those of the others on the same routes is one too.',
          absent.latency,
        ),
        rate_limits: key(
          z.boolean(),
          'Whether responses 429 with `Retry-After` count as failures. The endpoint then rests as long as they say, 5 min at most, or for its `ejection` if that is longer.',
          absent.rateLimits,
        ),
        ejection: key(
          duration,
          'How long an endpoint is ejected; each further time is twice as long.',
          absent.ejection,
        ),
        ejection_max: key(
          duration,
          'The longest ejection; as long as `ejection` if that is longer.',
          absent.ejectionMax,
        ),
        ejected_max: key(
          percent,
          'How many of the endpoints whose checks pass may be ejected at once; one always stays.',
          absent.ejectedMax,
        ),
      }),
    ]),
    'When an endpoint whose checks pass gets no requests because its requests fail, or `none`: only checks decide.',
  ),
};

type UpstreamRead = z.output<z.ZodObject<typeof upstreamKeys>>;

const rules: readonly EffectRule<UpstreamRead>[] = [
  {
    key: ['outlier_detection', 'ejection'],
    holds: ({ outlier_detection: read }) => isLonger(sectionOf(read).ejection, sectionOf(read).ejection_max),
    warning: '"ejection_max" has no effect: it is shorter',
    suggestion: longer('ejection_max'),
  },
  {
    key: ['outlier_detection', 'failures_max'],
    holds: ({ outlier_detection: read }) => sectionOf(read).failures_max === 1,
    warning: 'no share of failures is larger than 100%: only failures in a row make an endpoint an outlier',
    suggestion: 'make it smaller, such as 90%',
  },
];

export const outlierDetection: FeatureKeys = featureKeys<object, UpstreamRead>({
  name: outlierDetectionName,
  upstreamKeys,
  forms: {
    outlier_detection: {
      example: '{ ejection: 30s, failures_max: 40% }',
      off: 'write none',
      on: 'remove the key: endpoints are watched without it',
      stands: ['ejection', 'failures_max', 'consecutive_failures'],
    },
  },
  ofUpstream({ outlier_detection: read }): OutlierDetectionSettings | null {
    if (read === undefined) return null;
    if (read === 'none') return { detection: null };
    return {
      detection: {
        windowMs: ms(read.window, absent.window),
        requestsMin: count(read.requests_min, absent.requestsMin),
        failureShareMax: share(read.failures_max, absent.failuresMax),
        consecutiveFailuresMax: count(read.consecutive_failures, absent.consecutiveFailures),
        countsServerErrors: read.server_errors ?? false,
        compared: [
          ...(read.server_errors === undefined ? (['server_error'] as const) : []),
          ...((read.latency ?? true) ? (['late'] as const) : []),
        ],
        countsRateLimits: read.rate_limits ?? false,
        firstPauseMs: ms(read.ejection, absent.ejection),
        longestPauseMs: ms(read.ejection_max, absent.ejectionMax),
        ejectedShareMax: share(read.ejected_max, absent.ejectedMax),
      },
    };
  },
  review({ upstreams }, findings) {
    for (const { path, read } of upstreams) warnWhere(rules, read, path, findings);
  },
});
