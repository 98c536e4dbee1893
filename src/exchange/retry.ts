import { shapeOf, statusOf } from '#failures/failure-texts.ts';
import type { AttemptFacts } from '../core/exchange.ts';
import type { Failure } from '#failures/failure.ts';
import { isRefusal } from '../core/refusal.ts';
import { hasNoBody } from '../core/message.ts';
import type { ReusePolicy } from '../core/stream.ts';
import { forwardedValue } from './forwarded-value.ts';
import { decideRetry, inVainFor, isIdempotent, type RetryDecision, type RetryFacts } from '../policy/retry.ts';
import type { Attempt } from './attempt.ts';
import type { Endpoint, Route } from './ports.ts';
import type { ExchangeState } from './state.ts';

/** Decides whether an attempt that failed is followed by another. `timeLeft`: the time for the exchange lasts until then. */
export function retryDecisionFor(
  exchange: ExchangeState,
  attempt: Attempt,
  failure: Failure,
  timeLeft: boolean,
): RetryDecision {
  const decision = decideRetry({
    ...factsOf(exchange, attempt, timeLeft),
    inVain: inVainFor(failure),
    tookLong: statusOf(failure) === 504,
    retriableStatus: false,
    mayReturn: isRefusal(failure.cause) && exchange.requireUpstream().mayReturn?.() === true,
    elsewhere: mayBeElsewhere(exchange, attempt, failure) || wasRefused(failure),
  });
  // A retry after a stale connection costs the endpoint no work and is no sign of trouble: the budget does not count it.
  return withinBudget(exchange, decision, decision.reason === 'idempotent' && !mayBeStale(attempt));
}

/** Decides whether a complete response, with a status that the route retries, is followed by another attempt. */
export function statusDecisionFor(exchange: ExchangeState, attempt: Attempt, timeLeft: boolean): RetryDecision {
  const decision = decideRetry({
    ...factsOf(exchange, attempt, timeLeft),
    inVain: null,
    tookLong: false,
    retriableStatus: true,
    mayReturn: false,
    elsewhere: true,
  });
  return withinBudget(exchange, decision, decision.retry);
}

type CommonFacts = Omit<RetryFacts, 'inVain' | 'tookLong' | 'retriableStatus' | 'mayReturn' | 'elsewhere'>;

function factsOf(exchange: ExchangeState, attempt: Attempt, timeLeft: boolean): CommonFacts {
  const { attempts, committed, bodyReadBegun, unsentBody, requestBuffer } = exchange;
  const { retry } = exchange.requireRoute();
  const lostWithProcess = hasLostBoth(exchange) && mayHaveEnded(exchange, attempt);
  return {
    attemptsMade: lostWithProcess ? 1 : attempts.length,
    attemptsMax: attemptsMaxOf(exchange),
    committed,
    delivery: attempt.delivery,
    // A route with `retry` repeats requests as often as its attempts allow.
    retried: retry === null && !lostWithProcess && attempts.some(({ retryReason }) => retryReason === 'idempotent'),
    timeLeft,
    method: methodOf(exchange),
    hasKey: hasIdempotencyKey(exchange),
    bodyHeld: !bodyReadBegun || unsentBody !== null || requestBuffer !== null,
  };
}

function withinBudget(exchange: ExchangeState, decision: RetryDecision, isCounted: boolean): RetryDecision {
  if (!isCounted || exchange.requireUpstream().mayRetry()) return decision;
  return { retry: false, reason: 'budget_spent' };
}

/** Attempts per exchange, including the first: what the route says, else its upstream. */
export function attemptsMaxOf(exchange: ExchangeState): number {
  return exchange.requireRoute().retry?.attemptsMax ?? exchange.requireUpstream().attemptsMax;
}

/**
 * Whether another attempt goes to another endpoint or connection. A route with `retry` uses the same endpoint where there is no other, unless
 * that has more requests than it may have: there a request that comes again while others wait makes the overload last. Nor where what came
 * on a fresh connection is no acceptable HTTP: the endpoint would say it again.
 */
function mayBeElsewhere(exchange: ExchangeState, attempt: Attempt, failure: Failure): boolean {
  const isLasting = shapeOf(failure) === 'garbage' && !attempt.reused;
  const mayRepeat = exchange.requireRoute().retry !== null && !isOverload(failure) && !isLasting;
  if (mayRepeat || hasUntried(exchange) || mayBeOfConnection(attempt) || mayHaveEnded(exchange, attempt)) return true;
  return routeBeside(exchange) !== null;
}

/**
 * Whether the process of the endpoint may have ended just now, where requests wait for one that restarts: the connection was lost without a
 * response, or reset before it was accepted. The next attempt, `processEndMs` later, is then usually refused, and waits.
 */
function mayHaveEnded(exchange: ExchangeState, attempt: Attempt): boolean {
  const hasEnded = isLost(attempt) || attempt.failure?.cause === 'connect_reset';
  return hasEnded && exchange.requireUpstream().mayReturn?.() === true;
}

/** Whether the next attempt waits for `processEndMs`: at once it would go to the process that may just have ended, whose listener may still accept it. */
export function waitsForProcessEnd(exchange: ExchangeState, attempt: Attempt): boolean {
  return !attempt.reused && !hasUntried(exchange) && mayHaveEnded(exchange, attempt);
}

/**
 * Whether the request has lost a used connection and the fresh one after it, at the same endpoint and without a wait between: both to the
 * same process, which was ending. They count as one attempt.
 */
function hasLostBoth({ attempts, waitedMs }: ExchangeState): boolean {
  const [first, second] = attempts;
  if (attempts.length !== 2 || first === undefined || second === undefined || waitedMs > 0) return false;
  return mayBeStale(first) && isLost(second) && first.endpoint === second.endpoint;
}

/** The gateway itself has not let the request through to the endpoint. */
function isOverload({ cause }: Failure): boolean {
  return cause === 'pool_full' || cause === 'tunnels_full';
}

/** There is an endpoint that has not been tried. */
export function hasUntried(exchange: ExchangeState): boolean {
  return exchange.requireUpstream().hasOther(endpointsTried(exchange.attempts));
}

/**
 * The route with another upstream, for a request that is sent again where none of the endpoints of its own is left, and not the connection alone was
 * at fault; null: it stays.
 */
export function routeBeside(exchange: ExchangeState): Route | null {
  const { split, attempts } = exchange;
  const last = attempts.at(-1);
  if (split === null || last === undefined || mayBeOfConnection(last) || hasUntried(exchange)) return null;
  return split.beside(endpointsTried(attempts));
}

/** Whether the release before may be asked for what the new one has not. */
export const asksPrevious = (route: Route): boolean => route.asksPrevious && route.upstream?.hasTwoReleases === true;

/** Whether executing the request twice does no harm. */
export function isRepeatable(exchange: ExchangeState): boolean {
  return isIdempotent(methodOf(exchange)) || hasIdempotencyKey(exchange);
}

/**
 * The route says that the application recognises a request that it gets twice by its Idempotency-Key. No application recognises an empty
 * one, nor two of them, nor one that it does not get.
 */
function hasIdempotencyKey({ matchedRoute, request, client }: ExchangeState): boolean {
  if (matchedRoute?.retry?.idempotencyKey !== true || request.upgrade !== null) return false;
  const { drop, dropOfTrusted } = matchedRoute.request;
  const key = forwardedValue(request.headers, 'idempotency-key', client.trusted ? dropOfTrusted : drop);
  return key !== null && !/^[\s",]*$/.test(key) && !/",\s*"/.test(key) && !/^[^"]*,/.test(key);
}

/** Which connections will do for the attempt that has just begun. */
export function reusePolicyFor(exchange: ExchangeState): ReusePolicy {
  if (exchange.attempts.some(hasFailed)) return 'fresh';
  // A body is passed on as it comes, and cannot be sent a second time.
  if (!isIdempotent(methodOf(exchange)) || !isEmpty(exchange)) return 'recently_used';
  if (exchange.requireRoute().asksForGateway) return 'quiet';
  // Where the operator allows one attempt, a request lost with a stale connection cannot be retried.
  return attemptsMaxOf(exchange) === 1 ? 'checked' : 'any';
}

function isEmpty({ request, requestBuffer }: ExchangeState): boolean {
  return hasNoBody(request.framing) || (requestBuffer !== null && hasNoBody(requestBuffer.framing));
}

/** Not of an overload, which says nothing about connections. A function of its own: an arrow function is allocated in each exchange. */
function hasFailed({ failure }: AttemptFacts): boolean {
  return failure !== null && !isOverload(failure);
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
 * on its way (RFC 9112 §9.5).
 */
export function mayBeStale(attempt: AttemptFacts): boolean {
  return attempt.reused && isLost(attempt);
}

/** Whether the connection alone may be at fault, so that a fresh one to the same endpoint counts as another target. */
export function mayBeOfConnection(attempt: AttemptFacts): boolean {
  return mayBeStale(attempt) || hasLeftOver(attempt) || mayBeOfOtherStream(attempt);
}

/** Whether what came in place of a response may be left over from an earlier one on the same connection. */
function hasLeftOver({ failure }: AttemptFacts): boolean {
  return failure?.cause === 'response_not_http' && failure.evidence.answeredBefore !== undefined;
}

/** Whether the frame that ended the connection with all its streams belongs to another request, or may be an effect of an earlier one. */
function mayBeOfOtherStream({ failure, reused }: AttemptFacts): boolean {
  if (failure?.cause !== 'response_frames') return false;
  const { frameOf, streams = 0 } = failure.evidence;
  return frameOf === 'another_stream' || (frameOf === 'connection' && (reused || streams > 1));
}

/** Whether the endpoint ended the connection before it responded. */
function isLost({ failure }: AttemptFacts): boolean {
  return failure !== null && lossCauses.has(failure.cause);
}

/** The endpoint itself says that the request may be sent again (RFC 9113 §8.7), on another connection at least. */
function wasRefused({ cause }: Failure): boolean {
  return cause === 'stream_refused';
}

const lossCauses: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([
  'closed_before_response',
  'reset_before_response',
  'send_failed',
]);
