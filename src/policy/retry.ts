import type { RetryReason } from '../core/exchange.ts';
import { shapeOf, specOf } from '#failures/failure-texts.ts';
import type { Failure } from '#failures/failure.ts';
import type { Delivery } from '#failures/shape.ts';

/** Everything that the decision depends on; the caller collects it, so that this file needs no clock. */
export interface RetryFacts {
  readonly attemptsMade: number;
  readonly attemptsMax: number;
  /** Part of a response was sent to the client. */
  readonly committed: boolean;
  /** Why no other attempt can help (`inVainFor`); null where one may. */
  readonly inVain: RetryReason | null;
  readonly delivery: Delivery;
  /** The request may have been executed, and was repeated as often as it may be. */
  readonly retried: boolean;
  /** The endpoint has sent a complete response, with a status that its route retries. */
  readonly retriableStatus: boolean;
  /** The time for the exchange lasts until the retry. */
  readonly timeLeft: boolean;
  /** A time limit ran out. */
  readonly tookLong: boolean;
  readonly method: string;
  /** The request has an Idempotency-Key, which its route trusts. */
  readonly hasKey: boolean;
  /** All of the request's body is still in memory. */
  readonly bodyHeld: boolean;
  /** There is another endpoint, or a fresh connection instead of a reused one. */
  readonly elsewhere: boolean;
  /** The request waits for an endpoint that has refused the connection and may accept connections soon. */
  readonly mayReturn: boolean;
}

/** Whether to retry, and why or why not: the record keeps the reason. */
export interface RetryDecision {
  readonly retry: boolean;
  readonly reason: RetryReason;
}

/**
 * Attempts beyond `attemptsMax` while nothing has been sent: a refused connection costs almost nothing, and two of a few
 * endpoints may be down at the same time. A connection that timed out is not cheap.
 */
const attemptsBeyondMax = 2;

/** Attempts while a request waits for an endpoint: the time of the wait limits them first. */
const attemptsWhileWaitingMax = 24;

/**
 * RFC 9110 §9.2.2: a proxy must not repeat a request by itself unless its method is idempotent, and must not repeat it a
 * second time. Where no byte was sent, or the peer said that it did not process the request, the next attempt is the
 * first one. `attemptsMax: 1` asks for no retries.
 */
export function decideRetry(facts: RetryFacts): RetryDecision {
  if (facts.committed) return no('committed');
  if (facts.inVain !== null) return no(facts.inVain);
  const harmless = facts.delivery === 'not_sent' || facts.delivery === 'refused_by_peer';
  if (facts.attemptsMade >= attemptsMaxFor(facts, harmless)) return no('attempts_spent');
  // Checked before the body: a POST is not repeated even where every byte of it was kept.
  if (!harmless && !facts.hasKey && !isIdempotent(facts.method)) return no('not_idempotent');
  if (!facts.bodyHeld) return no('body_not_held');
  if (!harmless && facts.retried) return no('attempts_spent');
  if (!facts.timeLeft) return no('no_time_left');
  if (!facts.elsewhere) return facts.mayReturn ? { retry: true, reason: 'may_return' } : no('nowhere_else');
  if (facts.delivery === 'not_sent') return { retry: true, reason: 'nothing_sent' };
  if (facts.retriableStatus) return { retry: true, reason: 'retriable_status' };
  return { retry: true, reason: harmless ? 'refused_by_peer' : 'idempotent' };
}

/** Why another attempt cannot help with this failure (`FailureSpec.retry`); null where one may. */
export function inVainFor(failure: Failure): RetryReason | null {
  if (specOf(failure).retry === 'elsewhere') return null;
  if (failure.cause === 'client_gone') return 'client_left';
  return shapeOf(failure) === 'too_slow' || failure.cause === 'queue_timeout' ? 'no_time_left' : 'fails_anywhere';
}

function attemptsMaxFor({ attemptsMax, tookLong, mayReturn }: RetryFacts, harmless: boolean): number {
  if (mayReturn && attemptsMax > 1) return attemptsMax + attemptsWhileWaitingMax;
  return harmless && !tookLong && attemptsMax > 1 ? attemptsMax + attemptsBeyondMax : attemptsMax;
}

/** RFC 9110 §9.2.2. An unknown method is not known to be idempotent. */
export function isIdempotent(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
    case 'TRACE':
    case 'PUT':
    case 'DELETE':
      return true;
    default:
      return false;
  }
}

const no = (reason: RetryReason): RetryDecision => ({ retry: false, reason });
