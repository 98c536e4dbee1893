import { fail, type Failure } from '../core/failure.ts';
import { fieldId } from '../core/field-names.ts';
import { evidenceBytesMax } from '../wire/limits.ts';
import type { Http1ResponseHead } from '../wire/http1-response-head.ts';

const contentLengthId = fieldId('content-length');
const transferEncodingId = fieldId('transfer-encoding');

/** Whether a response has framing headers. No 1xx may (RFC 9110 §8.6, RFC 9112 §6.1). */
export function isFramed({ fields }: Http1ResponseHead): boolean {
  return fields.hasId(contentLengthId) || fields.hasId(transferEncodingId);
}

/**
 * Why a 101 to a protocol that the request offered makes no tunnel; null: it does. Another recipient might read a body or
 * the next response where this one reads the other protocol.
 *
 * Two kinds of 101 pass that others may refuse. One is without `Connection: upgrade`, which RFC 9110 §7.8 demands of the
 * sender: Candor sends the option to the client in any case, as nginx does. The other answers HEAD or POST: HTTP lets any
 * method ask.
 */
export function malformedSwitch(head: Http1ResponseHead, address: string): Failure | null {
  if (head.version === 'HTTP/1.0') {
    const line = Buffer.from(`${head.version} ${head.status} ${head.reason}`, 'latin1');
    const firstBytes = line.toString('hex', 0, evidenceBytesMax);
    return fail('response_status_line', 'response', { address, firstBytes, rule: 'switch-version' });
  }
  if (!isFramed(head)) return null;
  const name = head.fields.hasId(transferEncodingId) ? 'Transfer-Encoding' : 'Content-Length';
  return fail('response_header', 'response', { address, rule: 'switch-framing', name });
}

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
