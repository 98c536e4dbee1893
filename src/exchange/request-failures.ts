import type { Failure } from '#failures/failure.ts';
import { comesAgain } from './connection-authentication.ts';

/** Whether a request could not be read to its end while its client is still there to read a response. */
export function concernsRequestOnly({ cause }: Failure): boolean {
  return requestCauses.has(cause);
}

/** Whether the client has ended its connection or the request itself. */
export function isByClientLeaving({ cause }: Failure): boolean {
  return cause === 'client_gone' || cause === 'request_body_truncated';
}

const requestCauses: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([
  'request_refused',
  'request_body_timeout',
  'request_body_truncated',
]);

/** Whether the gateway closes the client's stream or connection in place of an answer. */
export function isUnanswered(failure: Failure): boolean {
  return failure.cause === 'closed_by_route' || comesAgain(failure);
}
