import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NetworkFault } from '../core/connector.ts';
import type { Cause } from '#failures/failure.ts';
import { connectFailure } from './dial.ts';

const names = { address: '10.0.0.1:3000', name: 'app.internal' };

const table: readonly [stage: NetworkFault['stage'], cause: Cause, ...codes: string[]][] = [
  ['dns', 'dns_not_found', 'ENOTFOUND', 'ENODATA'],
  ['dns', 'dns_failed', 'ESERVFAIL', 'EREFUSED', 'EFORMERR', 'ENOTIMP', 'ECONNREFUSED', 'EBADRESP', 'EOF', 'EBADNAME'],
  ['dns', 'dns_timeout', 'ETIMEOUT'],
  ['dns', 'descriptors_exhausted', 'EMFILE', 'ENFILE'],
  ['connect', 'connect_refused', 'ECONNREFUSED', 'EAGAIN'],
  ['connect', 'connect_timeout', 'ETIMEDOUT'],
  ['connect', 'connect_unroutable', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'EAFNOSUPPORT', 'EINVAL'],
  ['connect', 'connect_socket_missing', 'ENOENT', 'ENOTDIR'],
  ['connect', 'connect_not_permitted', 'EACCES', 'EPERM'],
  ['connect', 'connect_reset', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'EPROTOTYPE', 'EPROTO'],
  ['connect', 'local_ports_exhausted', 'EADDRNOTAVAIL', 'EADDRINUSE'],
  ['connect', 'descriptors_exhausted', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'],
  ['tls', 'tls_certificate_expired', 'CERT_HAS_EXPIRED'],
  ['tls', 'tls_certificate_not_yet_valid', 'CERT_NOT_YET_VALID'],
  ['tls', 'tls_certificate_name', 'ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH'],
  ['tls', 'tls_certificate_self_signed', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['tls', 'tls_certificate_untrusted', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['tls', 'tls_certificate_unfit', 'INVALID_PURPOSE', 'CERT_REVOKED', 'UNSPECIFIED'],
  ['tls', 'tls_version', 'ERR_SSL_UNSUPPORTED_PROTOCOL', 'ERR_SSL_VERSION_TOO_LOW'],
  ['tls', 'tls_closed', 'ECONNRESET', 'EPIPE', 'ERR_SSL_UNEXPECTED_EOF_WHILE_READING', 'TLS_TRUNCATED'],
  ['tls', 'tls_protocol', 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM', 'ERR_SSL_BAD_RECORD_TYPE'],
  ['tls', 'configuration_fault', 'TLS_SETTINGS'],
];

describe('connectFailure', () => {
  for (const [stage, cause, ...codes] of table) {
    it(`${stage}: ${codes.join(', ')} is ${cause}`, () => {
      for (const code of codes) {
        const failure = connectFailure({ stage, code, alertId: null }, names);
        assert.deepEqual([code, failure?.cause, failure?.stage], [code, cause, stage]);
      }
    });
  }

  it('an alert of the peer is a TLS alert, whatever its code, and is named by its number', () => {
    const failure = connectFailure({ stage: 'tls', code: 'TLS_ALERT_70', alertId: 70 }, names);
    assert.equal(failure?.cause, 'tls_alert');
    assert.deepEqual(failure?.evidence, { address: names.address, alertId: 70, alertMessage: 'protocol_version' });
    const unnamed = connectFailure({ stage: 'tls', code: '', alertId: 99 }, names);
    assert.deepEqual(unnamed?.evidence, { address: names.address, alertId: 99, alertMessage: 'unassigned' });
  });

  const words: readonly (readonly [says: string, bytes: string, cause: Cause, guess?: string])[] = [
    ['plain HTTP', 'HTTP/1.1 400 Bad Request\r\n', 'tls_plaintext_peer'],
    ['half a word of it', 'HTT', 'tls_not_spoken', 'text'],
    ['SSH', 'SSH-2.0-OpenSSH_9.6\r\n', 'tls_not_spoken', 'ssh'],
    ['a page', '<html>', 'tls_not_spoken', 'html'],
    ['HTTP/2', '\0\0\0\x04\0\0\0\0\0', 'tls_not_spoken', 'http2'],
    ['anything else', '\x01\x02', 'tls_not_spoken', 'binary'],
  ];
  for (const [says, bytes, cause, guess] of words) {
    it(`${says} in answer to a handshake is ${cause}, whatever the library calls it`, () => {
      const firstBytes = Buffer.from(bytes, 'latin1').toString('hex');
      const failure = connectFailure({ stage: 'tls', code: 'ECONNRESET', alertId: null, firstBytes }, names);
      const evidence = { address: names.address, firstBytes, ...(guess === undefined ? {} : { guess }) };
      assert.deepEqual([failure?.cause, failure?.evidence], [cause, evidence]);
    });
  }

  it('an unknown code gives no failure', () => {
    for (const stage of ['dns', 'connect', 'tls'] as const) {
      for (const code of ['', 'EWHATEVER', 'ERR_SSL_WHATEVER', 'ERR_SSL_LIBRARY_BUG'])
        assert.equal(connectFailure({ stage, code, alertId: null }, names), null);
    }
  });
});
