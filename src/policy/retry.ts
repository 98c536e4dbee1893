import type { RetryReason } from '../core/exchange.ts';
import { shapeOf, specOf } from '../core/explain.ts';
import type { Failure } from '../core/failure.ts';
import type { Delivery } from '../core/shape.ts';

/** All that the decision may depend on; gathered by the caller, so that this file needs no clock. */
export interface RetryFacts {
  readonly attemptsMade: number;
  readonly attemptsMax: number;
  /** The client has been sent part of a response. */
  readonly committed: boolean;
  /** Why no other attempt can help (`inVainFor`); null where one may. */
  readonly inVain: RetryReason | null;
  readonly delivery: Delivery;
  /** A request that may have been executed has been repeated already. */
  readonly retried: boolean;
  /** A time limit ran out. */
  readonly tookLong: boolean;
  readonly method: string;
  /** All of the request content is still at hand. */
  readonly contentHeld: boolean;
  /** Another endpoint, or a fresh connection in place of a reused one. */
  readonly elsewhere: boolean;
}

/** Whether to try again, and why or why not: the record keeps the reason. */
export interface RetryDecision {
  readonly retry: boolean;
  readonly reason: RetryReason;
}

/**
 * Endpoints that are asked beyond `attemptsMax` while nothing has been sent: to be refused costs nobody anything, and two
 * of a few may be down at a time. What let a connection time out is not counted as cheap.
 */
const attemptsBeyondMax = 2;

/**
 * RFC 9110 §9.2.2: a proxy must not repeat a request by itself unless its method is idempotent, and not repeat a
 * repetition. Where no byte was sent the next attempt is the first sending; where the peer said that it did nothing, so
 * too. An `attemptsMax` of 1 is the wish that nothing is tried again.
 */
export function decideRetry(facts: RetryFacts): RetryDecision {
  if (facts.committed) return no('committed');
  if (facts.inVain !== null) return no(facts.inVain);
  const harmless = facts.delivery === 'not_sent' || facts.delivery === 'refused_by_peer';
  if (facts.attemptsMade >= attemptsMaxFor(facts, harmless)) return no('attempts_spent');
  // Before what became of its content: a POST would not be repeated if every byte of it had been kept.
  if (!harmless && !isIdempotent(facts.method)) return no('not_idempotent');
  if (!facts.contentHeld) return no('body_not_held');
  if (!harmless && facts.retried) return no('attempts_spent');
  if (!facts.elsewhere) return no('nowhere_else');
  if (facts.delivery === 'not_sent') return { retry: true, reason: 'nothing_sent' };
  return { retry: true, reason: harmless ? 'refused_by_peer' : 'idempotent' };
}

/** Why another attempt cannot help with this failure (`FailureSpec.retry`); null where one may. */
export function inVainFor(failure: Failure): RetryReason | null {
  if (specOf(failure).retry === 'elsewhere') return null;
  if (failure.cause === 'client_gone') return 'client_left';
  return shapeOf(failure) === 'too_slow' || failure.cause === 'queue_timeout' ? 'no_time_left' : 'fails_anywhere';
}

function attemptsMaxFor({ attemptsMax, tookLong }: RetryFacts, harmless: boolean): number {
  return harmless && !tookLong && attemptsMax > 1 ? attemptsMax + attemptsBeyondMax : attemptsMax;
}

/** RFC 9110 §9.2.2. An unknown method is not: nobody has said so. */
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
