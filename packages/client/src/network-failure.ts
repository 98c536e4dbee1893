import { type CallFailure, describeFailure } from './call-failure.ts';

type Row = readonly [codes: RegExp, failure: Partial<CallFailure>];

const row = (
  codes: RegExp,
  shape: CallFailure['shape'],
  cause: CallFailure['cause'],
  delivery: CallFailure['delivery'],
  more: Partial<CallFailure> = {},
): Row => [codes, { shape, cause, delivery, ...more }];

const unreachable = (codes: RegExp, cause: CallFailure['cause'], more?: Partial<CallFailure>): Row =>
  row(codes, 'unreachable', cause, 'not_sent', more);

const network = { whose: 'network' } as const;
const lasting = { temporary: false } as const;

/**
 * By the codes of Node, undici and Bun; the first that fits. `connect:` stands before codes that mean that nothing was sent only where
 * connecting failed: they also come from connections that are open. Browsers, Deno and Workers have no codes.
 */
const rows: readonly Row[] = [
  unreachable(/ECONNREFUSED|^ConnectionRefused/, 'connect_refused'),
  unreachable(/^connect:ECONNRESET/, 'connect_reset'),
  unreachable(/^connect:ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT/, 'connect_timeout', network),
  unreachable(/^connect:E(?:HOSTUNREACH|NETUNREACH|ADDRNOTAVAIL)/, 'connect_unroutable', network),
  unreachable(/ENOTFOUND/, 'dns_not_found'),
  unreachable(/EAI_AGAIN/, 'dns_failed', network),
  unreachable(/WRONG_VERSION_NUMBER/, 'tls_plaintext_peer', lasting),
  unreachable(/CERT_HAS_EXPIRED/, 'tls_certificate_expired', lasting),
  unreachable(/^(?:CERT_|ERR_TLS_CERT|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/, 'tls_certificate_untrusted', lasting),
  row(/ECONNRESET/, 'reset', 'reset_before_response', 'sent_unknown'),
  row(/EPIPE|UND_ERR_SOCKET|^ConnectionClosed/, 'reset', 'closed_before_response', 'sent_unknown'),
  row(/LENGTH_MISMATCH/, 'reset', 'response_body_short', 'response_started'),
  row(/HEADERS_TIMEOUT/, 'too_slow', 'response_head_timeout', 'sent_unknown'),
  row(/BODY_TIMEOUT/, 'too_slow', 'response_body_stalled', 'response_started'),
  row(/HEADERS?_OVERFLOW/, 'garbage', 'response_head_too_large', 'response_started', lasting),
  row(/^HPE_/, 'garbage', 'response_not_http', 'response_started', lasting),
];

interface PlatformError {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly cause?: PlatformError;
  readonly errors?: readonly PlatformError[];
}

/** What a fetch threw in place of an answer. What is not known counts as sent. */
export function failureOfError(error: unknown): CallFailure {
  return describeFailure({
    writer: 'client',
    cause: 'network_error',
    ...knownOf(error as PlatformError | undefined, 0),
  });
}

/** Of several addresses that were tried, each has an error of its own. All of them failed to connect. */
function knownOf(error: PlatformError | undefined, depth: number): Partial<CallFailure> | undefined {
  if (typeof error !== 'object' || error === null || depth > 3) return;
  const { code, syscall, cause, errors } = error;
  const name = `${syscall === 'connect' ? 'connect:' : ''}${typeof code === 'string' ? code : ''}`;
  return (
    rows.find(([codes]) => codes.test(name))?.[1] ?? knownOf(cause, depth + 1) ?? knownOf(errors?.at(-1), depth + 1)
  );
}
