import type { NetworkFault } from '../core/connector.ts';
import { tlsAlertCode } from '../core/tls-codes.ts';

/**
 * The only place where an error of an exchange's connections is read: by its `code` and its typed fields, never by its
 * message. An alert of the peer's gets a code of ours (`TLS_ALERT_40`), since the library has several names for one.
 */
export function errnoOf(error: unknown): string {
  const code = codeOf(error);
  const alertId = alertIdOf(code);
  return alertId === null ? code : tlsAlertCode(alertId);
}

export function networkFault(stage: NetworkFault['stage'], error: unknown): NetworkFault {
  const first = firstOf(error);
  return { stage, code: errnoOf(first), alertId: alertIdOf(codeOf(first)) };
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

function alertIdOf(code: string): number | null {
  return alertPrefix.test(code) ? (alertIds[code.replace(alertPrefix, '')] ?? null) : null;
}

/** Node reports several failed addresses as one AggregateError; the first error is representative. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}

/**
 * OpenSSL names a received alert after the protocol that first had it; those of RFC 6066 stand without ALERT. From 3.2
 * on what was SSLV3 is "SSL/TLS", as in ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE.
 */
const alertPrefix = /^ERR_SSL_(?:SSL\/TLS|SSLV3|TLSV1|TLSV13)_(?:ALERT_)?/;

/** TLS alert descriptions (RFC 8446 §6) by the names OpenSSL gives them. */
const alertIds: Readonly<Record<string, number>> = {
  UNEXPECTED_MESSAGE: 10,
  BAD_RECORD_MAC: 20,
  DECRYPTION_FAILED: 21,
  RECORD_OVERFLOW: 22,
  DECOMPRESSION_FAILURE: 30,
  HANDSHAKE_FAILURE: 40,
  NO_CERTIFICATE: 41,
  BAD_CERTIFICATE: 42,
  UNSUPPORTED_CERTIFICATE: 43,
  CERTIFICATE_REVOKED: 44,
  CERTIFICATE_EXPIRED: 45,
  CERTIFICATE_UNKNOWN: 46,
  ILLEGAL_PARAMETER: 47,
  UNKNOWN_CA: 48,
  ACCESS_DENIED: 49,
  DECODE_ERROR: 50,
  DECRYPT_ERROR: 51,
  EXPORT_RESTRICTION: 60,
  PROTOCOL_VERSION: 70,
  INSUFFICIENT_SECURITY: 71,
  INTERNAL_ERROR: 80,
  INAPPROPRIATE_FALLBACK: 86,
  USER_CANCELLED: 90,
  NO_RENEGOTIATION: 100,
  MISSING_EXTENSION: 109,
  UNSUPPORTED_EXTENSION: 110,
  CERTIFICATE_UNOBTAINABLE: 111,
  UNRECOGNIZED_NAME: 112,
  BAD_CERTIFICATE_STATUS_RESPONSE: 113,
  BAD_CERTIFICATE_HASH_VALUE: 114,
  UNKNOWN_PSK_IDENTITY: 115,
  CERTIFICATE_REQUIRED: 116,
  NO_APPLICATION_PROTOCOL: 120,
};
