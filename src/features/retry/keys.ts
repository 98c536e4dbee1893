import * as z from 'zod';
import type { RetrySpec } from '../../core/route-spec.ts';
import { declare, describe } from '../../schema/default.ts';
import { ms, msOrNone } from '../../schema/fallback.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { duration, durationOrNone, whole } from '../../schema/leaves.ts';
import { type EffectRule, isLonger, longer, warnWhere } from '../../schema/rules.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys, type SettingsBeside } from '../feature-keys.ts';
import { retryName } from './settings.ts';

const absent = {
  attempts: describe('that of the upstream or application', 'It knows how much it can bear.'),
  statuses: declare('[]', 'A response is an answer; only the operator knows which ones another attempt may change.'),
  attemptTimeout: declare('none', 'A slow application would do the same work twice.'),
  backoff: declare('25ms', 'Enough to spread requests that failed at the same moment; people do not notice it.'),
  backoffMax: declare('250ms', 'The client waits meanwhile.'),
  idempotencyKey: declare('false', 'The header alone does not show that the application reads it.'),
  attemptHeaders: declare('false', 'Nobody reads them who does not know of them.'),
  hedge: declare('false', 'One request of twenty is then sent twice, which applications must be able to bear.'),
};

const retry = z.union([
  z.literal('none'),
  section({
    attempts: key(
      whole(1, 10),
      'How often an exchange is tried, the first time included. A request that may have been executed is repeated so often only if its method is idempotent.',
      absent.attempts,
    ),
    statuses: key(
      z.array(whole(400, 599)).min(1),
      'Statuses of the application after which another attempt is made, such as `[502, 503, 504, 429]`, while the response is held (`commit_delay`). If no attempt gets another response, the client gets this one.',
      absent.statuses,
    ),
    attempt_timeout: key(
      durationOrNone,
      'From the time when a request has its connection until the head of the response has come; then the attempt fails (`attempt_timeout`), and the next one is made. Or `none`.',
      absent.attemptTimeout,
    ),
    backoff: key(
      duration,
      'The longest wait before the first retry that waits, twice as long for each further one; each waits for a random part of it. The first retry at another endpoint is sent at once. A `Retry-After` is waited for in any case.',
      absent.backoff,
    ),
    backoff_max: key(duration, 'The longest wait that it grows to; `backoff` if that is longer.', absent.backoffMax),
    idempotency_key: key(
      z.boolean(),
      'Whether a request with an `Idempotency-Key` is retried as if its method were idempotent: only for applications that recognise a key which they have seen. A key that is not forwarded does not count.',
      absent.idempotencyKey,
    ),
    attempt_headers: key(
      z.boolean(),
      'Whether endpoints get `X-Envoy-Attempt-Count`, the number of the attempt, and `X-Envoy-Expected-Rq-Timeout-Ms`, how long its response is waited for.',
      absent.attemptHeaders,
    ),
    hedge: key(
      z.boolean(),
      'Whether a GET or HEAD that takes longer than 95 % of the latest ones is sent to a second endpoint too. The response that begins first is used, and the other attempt is cancelled.',
      absent.hedge,
    ),
  }),
]);

/** Of a route. */
const retryRouteKeys = {
  retry: key(retry, 'How its exchanges are retried, if it differs from the file; or `none`: each is tried once.'),
};

/** Of the file. */
const retryFileKeys = {
  retry: key(
    retry,
    'How exchanges are retried, for every route that does not say otherwise; `none`: each is tried once. Without it, a request that may have been executed is retried only if its method is idempotent, and once, as `attempts` of its upstream or application counts.',
  ),
};

type RetryRead = z.output<typeof retry>;
type RouteRead = z.output<z.ZodObject<typeof retryRouteKeys>>;
type FileRead = z.output<z.ZodObject<typeof retryFileKeys>>;

interface RetryScope extends SettingsBeside {
  readonly retry: Exclude<RetryRead, 'none'>;
}

const retryRules: readonly EffectRule<RetryScope>[] = [
  {
    key: ['statuses'],
    holds: ({ retry, commitDelayMs }) => retry.statuses !== undefined && commitDelayMs === null,
    warning: 'with "commit_delay: none" no response is held, so that none is followed by another attempt',
    suggestion: 'remove "commit_delay"',
  },
  {
    key: ['attempts'],
    holds: ({ retry }) => retry.attempts === 1 && (retry.statuses !== undefined || retry.hedge === true),
    warning: 'with one attempt there is no other',
    suggestion: 'make it 2',
  },
  {
    key: ['attempt_timeout'],
    holds: ({ retry, exchangeMs }) => isAtLeast(retry.attempt_timeout, exchangeMs),
    warning: 'this limit is never reached: "timeouts.exchange" ends the exchange before',
    suggestion: 'make it shorter than "exchange"',
  },
  {
    key: ['attempt_timeout'],
    holds: ({ retry, exchangeMs, responseHeadMs }) =>
      isAtLeast(retry.attempt_timeout, responseHeadMs) && !isAtLeast(retry.attempt_timeout, exchangeMs),
    warning: 'this limit is never reached: "timeouts.response_head" ends the exchange before, without another attempt',
    suggestion: 'make it shorter than "response_head"',
  },
  {
    key: ['backoff'],
    holds: ({ retry }) => isLonger(retry.backoff, retry.backoff_max),
    warning: '"backoff_max" has no effect: it is shorter',
    suggestion: longer('backoff_max'),
  },
  {
    key: ['hedge'],
    holds: ({ retry, hasOneEndpoint }) => retry.hedge === true && hasOneEndpoint,
    warning: 'there is one endpoint, and a second attempt goes to another one alone',
    suggestion: 'add an endpoint, or remove it',
  },
];

export const retries: FeatureKeys = featureKeys<RouteRead, object, FileRead>({
  name: retryName,
  routeKeys: retryRouteKeys,
  fileKeys: retryFileKeys,
  forms: {
    retry: {
      example: '{ attempts: 3, statuses: [502, 503] }',
      off: 'write none',
      stands: ['attempts', 'attempt_timeout'],
    },
  },
  needsUpstream: true,
  ofRoute: ({ retry: ofRoute }, { retry: ofFile }) => specOf(ofRoute, ofFile),
  review({ routes, file }, findings) {
    reviewOne(file.read.retry, file.beside, ['retry'], findings);
    for (const { path, read, to, beside } of routes)
      if (to !== null) reviewOne(read.retry, beside, [...path, 'retry'], findings);
  },
});

/** What a route says, then what the file says, then the defaults. Null where neither says anything. */
function specOf(ofRoute: RetryRead | undefined, ofFile: RetryRead | undefined): RetrySpec | null {
  const nearest = ofRoute ?? ofFile;
  if (nearest === undefined) return null;
  const read = nearest === 'none' ? { attempts: 1 } : { ...(ofFile === 'none' ? {} : ofFile), ...nearest };
  const backoffMs = ms(read.backoff, absent.backoff);
  return {
    attemptsMax: read.attempts ?? null,
    statuses: read.statuses ?? [],
    attemptMs: msOrNone(read.attempt_timeout, absent.attemptTimeout),
    backoffMs,
    backoffMaxMs: Math.max(backoffMs, ms(read.backoff_max, absent.backoffMax)),
    idempotencyKey: read.idempotency_key ?? false,
    attemptHeaders: read.attempt_headers ?? false,
    hedge: read.hedge ?? false,
  };
}

function reviewOne(read: RetryRead | undefined, beside: SettingsBeside, path: Path, findings: Findings): void {
  if (read !== undefined && read !== 'none') warnWhere(retryRules, { retry: read, ...beside }, path, findings);
}

function isAtLeast(time: number | null | undefined, limit: number | null | undefined): boolean {
  return typeof time === 'number' && typeof limit === 'number' && time >= limit;
}
