import { statusOf } from '../core/explain.ts';
import type { AttemptFacts } from '../core/exchange.ts';
import type { Failure } from '../core/failure.ts';
import { isRefusal } from '../core/refusal.ts';
import { hasNoContent } from '../core/message.ts';
import type { ReusePolicy } from '../core/stream.ts';
import { decideRetry, inVainFor, isIdempotent, type RetryDecision } from '../policy/retry.ts';
import type { Attempt } from './attempt.ts';
import type { Endpoint } from './ports.ts';
import type { ExchangeState } from './state.ts';

/** Decides whether an attempt that failed is followed by another. */
export function retryDecisionFor(exchange: ExchangeState, attempt: Attempt, failure: Failure): RetryDecision {
  const { attempts, committed, contentReadBegun, unsentContent, requestBuffer } = exchange;
  const upstream = exchange.requireUpstream();
  const decision = decideRetry({
    attemptsMade: attempts.length,
    attemptsMax: upstream.attemptsMax,
    committed,
    inVain: inVainFor(failure),
    delivery: attempt.delivery,
    retried: attempts.some(({ retryReason }) => retryReason === 'idempotent'),
    tookLong: statusOf(failure) === 504,
    method: methodOf(exchange),
    contentHeld: !contentReadBegun || unsentContent !== null || requestBuffer !== null,
    mayReturn: isRefusal(failure.cause) && upstream.mayReturn?.() === true,
    elsewhere: upstream.hasOther(endpointsTried(attempts)) || mayBeStale(attempt) || wasRefused(failure),
  });
  // A retry after a stale connection costs the endpoint no work and is no sign of trouble: the budget does not count it.
  const isCounted = decision.reason === 'idempotent' && !mayBeStale(attempt);
  return isCounted && !upstream.mayRetry() ? { retry: false, reason: 'budget_spent' } : decision;
}

/** Which connections will do for the attempt that has just begun. */
export function reusePolicyFor(exchange: ExchangeState): ReusePolicy {
  if (exchange.attempts.length > 1) return 'fresh';
  // A body is passed on as it comes, and cannot be sent a second time.
  if (!isIdempotent(methodOf(exchange)) || !hasNoContent(exchange.request.framing)) return 'recently_used';
  // Where the operator allows one attempt, a request lost with a stale connection cannot be retried.
  return exchange.requireUpstream().attemptsMax === 1 ? 'checked' : 'any';
}

/** A request for an upgrade does what CONNECT does, which is how HTTP/2 says it (RFC 8441): it is not retried. */
function methodOf({ method, request }: ExchangeState): string {
  return request.upgrade === null ? method : 'CONNECT';
}

/** The endpoints that have been tried. */
export function endpointsTried(attempts: readonly Attempt[]): readonly Endpoint[] {
  if (attempts.length === 0) return none;
  const targets: Endpoint[] = []; // `map` makes arrays of several hidden classes.
  for (const { chosenEndpoint: target } of attempts) targets.push(target);
  return targets;
}

const none: readonly Endpoint[] = [];

/**
 * Whether the connection may have been stale: the endpoint closed it while the request was
 * on its way (RFC 9112 §9.5). Then a fresh connection to the same endpoint counts as another target.
 */
export function mayBeStale(attempt: AttemptFacts): boolean {
  return attempt.reused && attempt.failure !== null && staleCauses.has(attempt.failure.cause);
}

/** The endpoint itself says that the request may be sent again (RFC 9113 §8.7), on another connection at least. */
function wasRefused({ cause }: Failure): boolean {
  return cause === 'stream_refused';
}

const staleCauses: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([
  'closed_before_response',
  'reset_before_response',
  'send_failed',
]);
