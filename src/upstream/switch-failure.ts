import { fail, type Failure } from '#failures/failure.ts';

/** A 2xx to an HTTP/2 client that has asked for a WebSocket: the client would read the body as frames (RFC 8441 §5). */
export function ignoredUpgrade(address: string, received: number): Failure {
  return fail('response_upgrade_ignored', 'response', { address, received });
}

/** A 101 to a protocol that the request did not offer, or that names none, or that does not answer the gateway's key (`accept`). */
export function unexpectedUpgrade(
  address: string,
  requested: string | null,
  answered: string | null,
  accept?: 'missing' | 'wrong',
): Failure {
  return fail('response_upgrade_unexpected', 'response', {
    address,
    ...(requested === null ? {} : { requested }),
    ...(answered === null ? {} : { answered }),
    ...(accept === undefined ? {} : { accept }),
  });
}
