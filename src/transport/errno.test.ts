import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errnoOf, networkFault } from './errno.ts';

/** As OpenSSL names alerts that it receives (include/openssl/sslerr.h), and their numbers (RFC 8446 §6). */
const alerts: readonly (readonly [code: string, alertId: number])[] = [
  ['ERR_SSL_SSLV3_ALERT_UNEXPECTED_MESSAGE', 10],
  ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', 40],
  ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REVOKED', 44],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 40],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 45],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 48],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 70],
  ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 80],
  ['ERR_SSL_TLSV1_UNSUPPORTED_EXTENSION', 110],
  ['ERR_SSL_TLSV1_CERTIFICATE_UNOBTAINABLE', 111],
  ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', 112],
  ['ERR_SSL_TLSV1_BAD_CERTIFICATE_STATUS_RESPONSE', 113],
  ['ERR_SSL_TLSV1_BAD_CERTIFICATE_HASH_VALUE', 114],
  ['ERR_SSL_TLSV13_ALERT_MISSING_EXTENSION', 109],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 116],
  ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 120],
];

describe('an error of TLS', () => {
  for (const [code, alertId] of alerts) {
    it(`${code} is the peer's alert ${alertId}`, () => {
      const error = Object.assign(new Error(), { code });
      assert.deepEqual(networkFault('tls', error), { stage: 'tls', code: `TLS_ALERT_${alertId}`, alertId });
      assert.equal(errnoOf(error), `TLS_ALERT_${alertId}`);
    });
  }

  for (const code of ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_INTERNAL_ERROR', 'CERT_HAS_EXPIRED', 'ECONNRESET']) {
    it(`${code} is no alert`, () => {
      assert.equal(networkFault('tls', Object.assign(new Error(), { code })).alertId, null);
    });
  }
});
