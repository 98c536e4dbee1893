import type { Failure } from '#failures/failure.ts';

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
