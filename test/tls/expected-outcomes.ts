import type { Cause } from '#failures/failure.ts';
import type { ProxyErrorType } from '#failures/proxy-error.ts';
import type { Delivery, Shape } from '#failures/shape.ts';

/**
 * What must come of each misbehaviour of a TLS origin, written by hand from RFC 8446, RFC 9112 §9.8 and RFC 9209: when
 * it and the program disagree, a person finds out which is wrong.
 */
export interface ExpectedOutcome {
  readonly status: number;
  readonly type: ProxyErrorType | null;
  readonly cause: Cause | null;
  readonly shape: Shape;
  readonly delivery: Delivery;
  readonly end: 'forwarded' | 'generated' | 'truncated';
  /** The client can tell that the message is whole. */
  readonly complete: boolean;
  /** What the record's evidence must have, beside the address. */
  readonly evidence?: Readonly<Record<string, unknown>>;
}

const unreachable = (
  type: ProxyErrorType,
  cause: Cause,
  evidence: Readonly<Record<string, unknown>> = {},
): ExpectedOutcome => ({
  status: type === 'connection_timeout' ? 504 : 502,
  type,
  cause,
  shape: 'unreachable',
  delivery: 'not_sent',
  end: 'generated',
  complete: true,
  evidence,
});

const protocol = (code: string): ExpectedOutcome => unreachable('tls_protocol_error', 'tls_protocol', { code });

const alert = (alertId: number, alertMessage: string): ExpectedOutcome =>
  unreachable('tls_alert_received', 'tls_alert', { alertId, alertMessage });

const notSpoken = (guess: string): ExpectedOutcome => unreachable('tls_protocol_error', 'tls_not_spoken', { guess });

const certificate = (cause: Cause, evidence: Readonly<Record<string, unknown>> = {}): ExpectedOutcome =>
  unreachable('tls_certificate_error', cause, evidence);

const whole: ExpectedOutcome = {
  status: 200,
  type: null,
  cause: null,
  shape: 'none',
  delivery: 'response_started',
  end: 'forwarded',
  complete: true,
};

const cut = (cause: Cause, evidence: Readonly<Record<string, unknown>> = {}): ExpectedOutcome => ({
  status: 200,
  type: 'http_response_incomplete',
  cause,
  shape: 'reset',
  delivery: 'response_started',
  end: 'truncated',
  complete: false,
  evidence,
});

const gone = (cause: Cause): ExpectedOutcome => ({
  status: 502,
  type: 'connection_terminated',
  cause,
  shape: 'reset',
  delivery: 'sent_unknown',
  end: 'generated',
  complete: true,
});

export const expectedOutcomes: Readonly<Record<string, ExpectedOutcome>> = {
  'tls-plain-http': unreachable('tls_protocol_error', 'tls_plaintext_peer'),
  'tls-plain-html': notSpoken('html'),
  'tls-ssh': notSpoken('ssh'),
  'tls-smtp': notSpoken('text'),
  'tls-plain-http2': notSpoken('http2'),

  'tls-silent': unreachable('connection_timeout', 'tls_timeout', { limitMs: 2000 }),
  'tls-stalls': unreachable('connection_timeout', 'tls_timeout', { limitMs: 2000 }),
  'tls-close-at-accept': unreachable('tls_protocol_error', 'tls_closed', { errno: null }),
  'tls-close': unreachable('tls_protocol_error', 'tls_closed', { errno: null }),
  'tls-reset': unreachable('tls_protocol_error', 'tls_closed', { errno: 'ECONNRESET' }),
  'tls-truncated-record': unreachable('tls_protocol_error', 'tls_closed', { errno: null }),

  'tls-old-hello': unreachable('tls_protocol_error', 'tls_version'),
  'tls-cipher-not-offered': protocol('ERR_SSL_UNKNOWN_CIPHER_RETURNED'),
  'tls-garbage-record': protocol('ERR_SSL_UNEXPECTED_MESSAGE'),
  'tls-huge-record': protocol('ERR_SSL_DATA_LENGTH_TOO_LONG'),
  'tls-data-first': protocol('ERR_SSL_UNEXPECTED_MESSAGE'),

  'tls-alert-40': alert(40, 'handshake_failure'),
  'tls-alert-48': alert(48, 'unknown_ca'),
  'tls-alert-70': alert(70, 'protocol_version'),
  'tls-alert-80': alert(80, 'internal_error'),
  'tls-alert-112': alert(112, 'unrecognized_name'),
  'tls-alert-120': alert(120, 'no_application_protocol'),
  'tls-alert-unassigned': alert(99, 'unassigned'),
  'tls-only-1.1': alert(70, 'protocol_version'),
  'tls-no-shared-cipher': alert(40, 'handshake_failure'),
  // In TLS 1.3 the client may send before it hears of the alert (RFC 8446 §4.4.2.4): nobody can say what became of it.
  'tls-client-certificate': { ...alert(116, 'certificate_required'), delivery: 'sent_unknown' },
  'tls12-client-certificate': alert(40, 'handshake_failure'),

  'certificate-expired': certificate('tls_certificate_expired', { subject: 'CN=origin.test' }),
  'certificate-not-yet-valid': certificate('tls_certificate_not_yet_valid', { subject: 'CN=origin.test' }),
  'certificate-other-name': certificate('tls_certificate_name', { name: 'origin.test', names: 'somebody-else.test' }),
  'certificate-self-signed': certificate('tls_certificate_self_signed', { subject: 'CN=origin.test' }),
  'certificate-untrusted': certificate('tls_certificate_untrusted', { issuer: 'CN=An Authority Nobody Knows' }),
  'certificate-incomplete': certificate('tls_certificate_untrusted', { issuer: 'CN=Intermediate' }),
  'certificate-for-clients': certificate('tls_certificate_unfit', { code: 'INVALID_PURPOSE' }),

  'tls-close-before-head': gone('closed_before_response'),
  'tls-reset-before-head': gone('reset_before_response'),
  // Nobody closed or reset: a record was refused.
  'tls-garbage-in-content': cut('response_body_short', { how: 'broken', code: 'ERR_SSL_BAD_RECORD_TYPE' }),
  'tls-cut-length': cut('response_body_short'),
  'tls-cut-until-close': cut('response_body_unclosed'),

  'tls-until-close': whole,
  'tls-unclosed-length': whole,
  'tls-only-1.2': whole,
  'tls-chain': whole,
};
