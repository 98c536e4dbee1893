import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WorldFault } from '../core/connector.ts';
import type { Cause } from '../core/failure.ts';
import { connectFailure } from './connect-failure.ts';

const place = { address: '10.0.0.1:3000', name: 'app.internal' };

const table: readonly [stage: WorldFault['stage'], cause: Cause, ...codes: string[]][] = [
  ['dns', 'dns_not_found', 'ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'EAI_NODATA'],
  ['dns', 'dns_failed', 'EAI_AGAIN', 'ESERVFAIL', 'EAI_FAIL', 'EREFUSED'],
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
  ['tls', 'tls_certificate_expired', 'CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'],
  ['tls', 'tls_certificate_name', 'ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH'],
  [
    'tls',
    'tls_certificate_untrusted',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ],
  [
    'tls',
    'tls_plaintext_peer',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_SSL_PACKET_LENGTH_TOO_LONG',
    'ERR_SSL_HTTP_REQUEST',
  ],
  ['tls', 'tls_closed', 'ECONNRESET', 'EPIPE', 'ERR_SSL_UNEXPECTED_EOF_WHILE_READING'],
  ['tls', 'tls_protocol', 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM', 'EPROTO'],
];

describe('connectFailure', () => {
  for (const [stage, cause, ...codes] of table) {
    it(`${stage}: ${codes.join(', ')} is ${cause}`, () => {
      for (const code of codes) {
        const failure = connectFailure({ stage, code, alertId: null }, place);
        assert.deepEqual([code, failure?.cause, failure?.stage], [code, cause, stage]);
      }
    });
  }

  it('an alert of the peer is an alert, whatever its code', () => {
    const failure = connectFailure({ stage: 'tls', code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', alertId: 70 }, place);
    assert.equal(failure?.cause, 'tls_alert');
    assert.deepEqual(failure?.evidence, { address: place.address, alertId: 70, alertMessage: 'protocol_version' });
    const unnamed = connectFailure({ stage: 'tls', code: 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME', alertId: 112 }, place);
    const evidence = { address: place.address, alertId: 112, alertMessage: 'unrecognized_name' };
    assert.deepEqual(unnamed?.evidence, evidence);
  });

  it('a code that nobody has met is not guessed at', () => {
    for (const stage of ['dns', 'connect', 'tls'] as const) {
      for (const code of ['', 'EWHATEVER']) assert.equal(connectFailure({ stage, code, alertId: null }, place), null);
    }
  });
});
