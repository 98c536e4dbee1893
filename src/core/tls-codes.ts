/**
 * TLS alerts by number: RFC 8446 §6, and those of older versions that peers still send (RFC 5246 §7.2, RFC 6066 §9).
 */
const names: Readonly<Record<number, string>> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  21: 'decryption_failed',
  22: 'record_overflow',
  30: 'decompression_failure',
  40: 'handshake_failure',
  41: 'no_certificate',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  60: 'export_restriction',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  100: 'no_renegotiation',
  109: 'missing_extension',
  110: 'unsupported_extension',
  111: 'certificate_unobtainable',
  112: 'unrecognized_name',
  113: 'bad_certificate_status_response',
  114: 'bad_certificate_hash_value',
  115: 'unknown_psk_identity',
  116: 'certificate_required',
  120: 'no_application_protocol',
  121: 'ech_required',
};

/** Null for a number without a name in an RFC. */
export function tlsAlertName(id: number): string | null {
  return names[id] ?? null;
}

/** An alert as an error code like those of the system (`ECONNRESET`). */
export function tlsAlertCode(id: number): string {
  return `TLS_ALERT_${id}`;
}

/** The alert that such a code stands for; null for any other code. */
export function tlsAlertOf(code: string): number | null {
  const [, digits] = /^TLS_ALERT_(\d{1,3})$/.exec(code) ?? [];
  return digits === undefined ? null : Number(digits);
}

/**
 * The code for FIN without the alert `close_notify`. An attacker in the middle can send FIN, so that the message is not
 * complete (RFC 8446 §6.1, RFC 9112 §9.8).
 */
export const tlsTruncated = 'TLS_TRUNCATED';

/** The code for a peer that was asked for TLS in clear text, and has not agreed. */
export const tlsNotAgreed = 'TLS_NOT_AGREED';

/** The code for TLS settings that the library refuses before anything is sent. */
export const tlsSettingsRefused = 'TLS_SETTINGS';
