import type { CallFailure } from './call-failure.ts';

type Known = Pick<CallFailure, 'shape' | 'cause' | 'whose' | 'delivery' | 'temporary'>;

const known = (
  shape: CallFailure['shape'],
  cause: CallFailure['cause'],
  delivery: CallFailure['delivery'],
  whose: CallFailure['whose'] = null,
  temporary = true,
): Known => ({ shape, cause, delivery, whose, temporary });

const refused = known('unreachable', 'connect_refused', 'not_sent');
const noName = known('unreachable', 'dns_not_found', 'not_sent');
const connectTimeout = known('unreachable', 'connect_timeout', 'not_sent', 'network');
const unroutable = known('unreachable', 'connect_unroutable', 'not_sent', 'network');
const closed = known('reset', 'closed_before_response', 'sent_unknown');

/** By the codes of Node, undici and Bun. Browsers, Deno and Workers have none. */
const byCode: Readonly<Record<string, Known>> = {
  ECONNREFUSED: refused,
  ConnectionRefused: refused,
  ENOTFOUND: noName,
  EAI_AGAIN: known('unreachable', 'dns_failed', 'not_sent', 'network'),
  UND_ERR_CONNECT_TIMEOUT: connectTimeout,
  ERR_SSL_WRONG_VERSION_NUMBER: known('unreachable', 'tls_plaintext_peer', 'not_sent', null, false),
  CERT_HAS_EXPIRED: known('unreachable', 'tls_certificate_expired', 'not_sent', null, false),
  ECONNRESET: known('reset', 'reset_before_response', 'sent_unknown'),
  EPIPE: closed,
  UND_ERR_SOCKET: closed,
  ConnectionClosed: closed,
  UND_ERR_HEADERS_TIMEOUT: known('too_slow', 'response_head_timeout', 'sent_unknown'),
  UND_ERR_BODY_TIMEOUT: known('too_slow', 'response_body_stalled', 'response_started'),
  UND_ERR_HEADERS_OVERFLOW: known('garbage', 'response_head_too_large', 'response_started', null, false),
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: known('reset', 'response_body_short', 'response_started'),
};

/** Codes that mean that nothing was sent only where `connect` has failed: they also come from connections that are open. */
const byConnectCode: Readonly<Record<string, Known>> = {
  ECONNRESET: known('unreachable', 'connect_reset', 'not_sent'),
  ETIMEDOUT: connectTimeout,
  EHOSTUNREACH: unroutable,
  ENETUNREACH: unroutable,
  EADDRNOTAVAIL: unroutable,
};

const certificate = known('unreachable', 'tls_certificate_untrusted', 'not_sent', null, false);
const notHttp = known('garbage', 'response_not_http', 'response_started', null, false);
const untold = known(null, 'network_error', 'sent_unknown');

interface PlatformError {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly cause?: PlatformError;
  readonly errors?: readonly PlatformError[];
}

/** What a fetch threw in place of an answer. What is not known counts as sent. */
export function failureOfError(error: unknown): CallFailure {
  const found = knownOf(error as PlatformError | undefined) ?? untold;
  const { delivery } = found;
  return {
    writer: 'client',
    gateway: null,
    ...found,
    mayHaveBeenExecuted: delivery !== 'not_sent',
    proxyError: null,
    status: null,
    retryAfterMs: null,
    requestId: null,
  };
}

function knownOf(error: PlatformError | undefined, depth = 0): Known | null {
  if (typeof error !== 'object' || error === null || depth > 3) return null;
  const { code, syscall } = error;
  // Of several addresses that were tried, each has an error of its own. All of them failed to connect.
  return (
    (typeof code === 'string' ? knownCode(code, syscall) : null) ??
    knownOf(error.cause, depth + 1) ??
    knownOf(error.errors?.at(-1), depth + 1)
  );
}

function knownCode(code: string, syscall: unknown): Known | null {
  if (syscall === 'connect' && byConnectCode[code] !== undefined) return byConnectCode[code];
  if (byCode[code] !== undefined) return byCode[code];
  if (/^HPE_/.test(code)) return notHttp;
  return /^(?:CERT_|ERR_TLS_CERT|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code) ? certificate : null;
}
