/** Settings that are understood and have no effect, because of another one beside them. */
import { isIP } from 'node:net';
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { ms } from '../schema/fallback.ts';
import { defaults } from './defaults.ts';
import type { Path } from '../schema/findings.ts';
import { isLonger, longer, type EffectRule, sectionOf, warnWhere } from '../schema/rules.ts';
import type { RetryRead } from './retry-schema.ts';
import type { RouteRead } from './route-schema.ts';
import type { EndpointKeysRead } from './application-schema.ts';

/** Of an upstream or an application. */
const endpointRules: readonly EffectRule<EndpointKeysRead>[] = [
  {
    key: ['circuit_breaker'],
    holds: ({ circuit_breaker, outlier_detection }) =>
      circuit_breaker !== undefined && circuit_breaker !== false && outlier_detection === 'none',
    warning: 'with "outlier_detection: none" nothing opens the breaker',
    suggestion: 'remove "outlier_detection"',
  },
  {
    key: ['circuit_breaker', 'open'],
    holds: ({ circuit_breaker: read }) => isLonger(sectionOf(read).open, sectionOf(read).open_max),
    warning: 'it is never open for so long: "open_max" is shorter',
    suggestion: longer('open_max'),
  },
  {
    key: ['outlier_detection', 'ejection'],
    holds: ({ outlier_detection: read }) =>
      isLonger(sectionOf(read).ejection, ms(sectionOf(read).ejection_max, defaults.outlierDetection.ejectionMax)),
    warning: `no endpoint is ejected for so long: "ejection_max" is shorter (${defaults.outlierDetection.ejectionMax.written} without one)`,
    suggestion: longer('ejection_max'),
  },
  {
    key: ['outlier_detection', 'failures_max'],
    holds: ({ outlier_detection: read }) => sectionOf(read).failures_max === 1,
    warning: 'no share of failures is larger than 100%: only failures in a row make an endpoint an outlier',
    suggestion: 'make it smaller, such as 90%',
  },
  {
    key: ['sticky', 'lifetime'],
    holds: ({ sticky: read }) => isShort(sectionOf(read).lifetime),
    warning:
      'a session ends when its client has asked for nothing for so long, which is less than people need to read a page',
    suggestion: 'write session, or a time such as 1h',
  },
];

/** The `retry` of a route or of the file, and what is written beside it. */
interface RetryScope {
  readonly retry: Exclude<RetryRead, 'none'>;
  /** Null: `none`. */
  readonly commitDelayMs: number | null | undefined;
  readonly exchangeMs: number | null | undefined;
  readonly responseHeadMs: number;
  /** Every upstream that requests with it go to has one endpoint. */
  readonly hasOneEndpoint: boolean;
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

function isAtLeast(time: number | null | undefined, limit: number | null | undefined): boolean {
  return typeof time === 'number' && typeof limit === 'number' && time >= limit;
}

const shortestSessionMs = 60_000;

function isShort(lifetime: number | 'session' | undefined): boolean {
  return typeof lifetime === 'number' && lifetime < shortestSessionMs;
}

export function reviewIneffective(draft: Draft, collector: ErrorCollector): void {
  for (const [name, read] of draft.upstreams)
    if ('endpoints' in read) warnWhere(endpointRules, read, ['upstreams', name], collector);
  for (const [name, read] of draft.applications) warnWhere(endpointRules, read, ['applications', name], collector);
  reviewRetry(draft.plain.retry, {}, ['retry'], draft, collector);
  for (const [at, route] of draft.routes) {
    if (route.to === undefined) continue;
    reviewRetry(route.retry, route, ['routes', at, 'retry'], draft, collector);
  }
}

function reviewRetry(
  retry: RetryRead | undefined,
  { to, commit_delay, timeouts }: Partial<RouteRead>,
  path: Path,
  draft: Draft,
  collector: ErrorCollector,
): void {
  if (retry === undefined || retry === 'none') return;
  const { plain } = draft;
  const scope = {
    retry,
    commitDelayMs: commit_delay === undefined ? plain.commit_delay : commit_delay,
    exchangeMs: timeouts?.exchange === undefined ? plain.timeouts?.exchange : timeouts.exchange,
    responseHeadMs: timeouts?.response_head ?? ms(plain.timeouts?.response_head, defaults.timeouts.responseHead),
    hasOneEndpoint: hasOneEndpoint(draft, to),
  };
  warnWhere(retryRules, scope, path, collector);
}

/** `to`: absent: every upstream and application. A name may have several addresses. */
function hasOneEndpoint({ upstreams, applications }: Draft, to: string | undefined): boolean {
  const written = [...upstreams].filter(([name]) => to === undefined || name === to);
  const run = [...applications].filter(([name]) => to === undefined || name === to);
  if (written.length + run.length === 0) return false;
  return (
    run.every(([, { instances = 1 }]) => instances === 1) &&
    written.every(([, read]) => {
      const endpoints = 'endpoints' in read ? read.endpoints : read;
      return (
        endpoints.length === 1 && endpoints.every(({ address }) => address.kind === 'unix' || isAddress(address.host))
      );
    })
  );
}

function isAddress(host: string): boolean {
  return isIP(host) !== 0;
}
