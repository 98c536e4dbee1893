import type { Failure } from '../core/failure.ts';
import { failureTable } from '../core/failure-table.ts';
import { decideRetry, type RetryDecision } from '../policy/retry.ts';
import type { Attempt } from './attempt.ts';
import type { Endpoint } from './ports.ts';
import type { ExchangeState } from './state.ts';

/** Whether an attempt that failed is followed by another, from all that its exchange knows. */
export function decideAgain(exchange: ExchangeState, attempt: Attempt, failure: Failure): RetryDecision {
  const { attempts, committed, method, contentTaken } = exchange;
  const upstream = exchange.upstreamFound();
  return decideRetry({
    attemptsMade: attempts.length,
    attemptsMax: upstream.attemptsMax,
    committed,
    helps: failureTable[failure.cause].retry === 'elsewhere',
    delivery: attempt.delivery,
    method,
    contentHeld: !contentTaken,
    elsewhere: upstream.hasOther(targetsOf(attempts)) || mayBeStale(attempt),
  });
}

/** The endpoints that have been tried. */
export function targetsOf(attempts: readonly Attempt[]): readonly Endpoint[] {
  return attempts.map(({ target }) => target);
}

/**
 * Whether the failure may be no more than the connection's age: the endpoint closed it while our request was
 * on its way (RFC 9112 §9.5). Then a fresh one to the same endpoint is somewhere else.
 */
function mayBeStale(attempt: Attempt): boolean {
  return attempt.reused && attempt.failure !== null && staleCauses.has(attempt.failure.cause);
}

const staleCauses: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([
  'closed_before_response',
  'reset_before_response',
  'send_failed',
]);
