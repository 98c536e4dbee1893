import { attemptsBeyond } from '#client/network-codes.ts';
import type { CallFailure } from './call-failure.ts';
import type { RetryWhy } from './gateway-error.ts';

/** Everything that the decision depends on, but the budget, which is asked last. */
export interface DecisionFacts {
  readonly failure: CallFailure;
  readonly method: string;
  /** Attempts that were sent, this one included. */
  readonly attempts: number;
  readonly attemptsMax: number;
  /** The caller's word that executing the call twice does no harm. */
  readonly idempotent: boolean;
  /** The request has a key, and its origin is declared to execute a key once. */
  readonly keyHonoured: boolean;
  readonly replayable: boolean;
  readonly statuses: readonly number[];
  readonly leftMs: number;
  /** The wait before the next attempt, without the one that the answer asks for. */
  readonly backoffMs: number;
}

export type NextStep =
  | { readonly retry: true; readonly delayMs: number; readonly reason: RetryWhy }
  | { readonly retry: false; readonly reason: RetryWhy };

/** Whether to send the request again, and when. Pure: no clock, no chance, no effects. */
export function decideNextStep(facts: DecisionFacts): NextStep {
  const { failure, attempts, attemptsMax, leftMs } = facts;
  const again = whyAgain(facts);
  if (!failure.temporary) return stop('fails_anywhere');
  if (attempts >= attemptsMax + (attemptsMax > 1 ? attemptsBeyond(failure) : 0)) return stop('attempts_spent');
  if (again === null) return stop('not_idempotent');
  if (failure.mayHaveBeenExecuted && failure.status !== null && !facts.statuses.includes(failure.status))
    return stop('status_not_retried');
  if (!facts.replayable) return stop('body_not_held');
  // Added, not the larger of the two: all clients that were given the same time would come back at once.
  const delayMs = (failure.retryAfterMs ?? 0) + facts.backoffMs;
  if (delayMs >= leftMs) return stop('no_time_left');
  return { retry: true, delayMs, reason: again };
}

/** The client itself could not connect: another attempt costs the service nothing, and is none of its budget. */
export function isFree({ status, delivery }: CallFailure): boolean {
  return status === null && delivery === 'not_sent';
}

/** RFC 9110 §9.2.2. A key alone proves nothing: most services do not read it. */
function whyAgain({ failure, method, idempotent, keyHonoured }: DecisionFacts): RetryWhy | null {
  if (!failure.mayHaveBeenExecuted) return failure.delivery === 'not_sent' ? 'nothing_sent' : 'refused_by_peer';
  if (idempotent || isIdempotent(method)) return 'idempotent';
  return keyHonoured ? 'idempotency_key' : null;
}

export function isIdempotent(method: string): boolean {
  return /^(GET|HEAD|OPTIONS|TRACE|PUT|DELETE)$/.test(method);
}

const stop = (reason: RetryWhy): NextStep => ({ retry: false, reason });
