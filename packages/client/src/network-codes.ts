import type { CallFailure, KnownOfFailure } from './call-failure.ts';

/**
 * Shape, cause and delivery by the codes of Node, undici and Bun; the first that fits. `connect:` stands before the codes of calls that
 * connect: the same codes come from connections that are open, where a request may have been sent. Browsers, Deno and Workers have no codes.
 * One text and not objects: it is half as long in a bundle.
 */
const rows = `unreachable connect_refused not_sent connect:ECONNREFUSED|ECONNREFUSED|ConnectionRefused
unreachable connect_timeout not_sent connect:ETIMEDOUT|UND_ERR_CONNECT
unreachable connect_reset not_sent connect:ECONNRESET
unreachable connect_unroutable not_sent connect:E
unreachable dns_not_found not_sent ENOTFOUND
unreachable dns_failed not_sent EAI_
unreachable tls_certificate_untrusted not_sent CERT_|ERR_TLS_CERT|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_
unreachable tls_protocol sent_unknown ERR_SSL_
reset reset_before_response sent_unknown ECONNRESET
reset closed_before_response sent_unknown EPIPE|UND_ERR_SOCKET|ConnectionClosed
reset response_body_short response_started UND_ERR_RES_CONTENT
too_slow response_head_timeout sent_unknown UND_ERR_HEADERS_T
too_slow response_body_stalled response_started UND_ERR_BODY
garbage response_head_too_large response_started UND_ERR_HEADERS_O
garbage response_not_http response_started HPE_|HTTPParser`
  .split('\n')
  .map((row) => row.split(' '));

interface PlatformError {
  readonly code?: unknown;
  readonly name?: unknown;
  readonly syscall?: unknown;
  /** It is of a request behind a redirect: see `redirects.ts`. */
  readonly redirected?: boolean;
  readonly cause?: PlatformError;
  readonly errors?: readonly PlatformError[];
}

export function readCodes(error: PlatformError | null | undefined): KnownOfFailure | null {
  const known = readCodesOf(error, 0);
  return known !== null && error?.redirected === true ? { ...known, delivery: 'sent_unknown' } : known;
}

/** Of several addresses that were tried, each has an error of its own. All of them failed to connect. */
function readCodesOf(error: PlatformError | null | undefined, depth: number): KnownOfFailure | null {
  if (typeof error !== 'object' || error === null || depth > 3) return null;
  const { code, name, syscall, cause, errors } = error;
  // undici's parser leaves its code out where the first line is no HTTP.
  const word = [code, name].find((one) => typeof one === 'string') ?? '';
  const key = syscall === 'connect' ? `connect:${word}` : word;
  for (const [shape, cause = '', delivery, codes] of rows) {
    if (!new RegExp(`^(?:${codes})`).test(key)) continue;
    // A certificate does not pass by itself, nor does a server that speaks something else.
    return { shape, cause, delivery, temporary: !/^tls|http$/.test(cause) } as KnownOfFailure;
  }
  return readCodesOf(cause, depth + 1) ?? readCodesOf(errors?.at(-1), depth + 1);
}

/**
 * Attempts beyond the maximum where the client could not connect: they cost the service nothing, and it may be restarting. A name that does
 * not exist is mostly a mistake, of which its author should hear soon.
 */
export function attemptsBeyond({ status, delivery, cause }: CallFailure): number {
  return status === null && delivery === 'not_sent' && cause !== 'dns_not_found' ? 12 : 0;
}
