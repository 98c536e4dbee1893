import type { CertificateFacts, WorldFault } from '../core/connector.ts';
import { connectionEndsS, meaningOf } from '../core/errno-meaning.ts';
import { fail, type Failure } from '../core/failure.ts';
import { tlsAlertName, tlsSettingsRefused, tlsTruncated } from '../core/tls-codes.ts';
import { guessOctets } from '../wire/guess-octets.ts';
import type { ConnectPlace } from './connect-failure.ts';
import { misuse } from './unknown-code.ts';

/** A handshake that failed, or null for a code that nobody has met. What the peer said itself comes before any code. */
export function tlsFailure(fault: WorldFault, place: ConnectPlace): Failure | null {
  const { address } = place;
  if (fault.firstOctets !== undefined) return notSpoken(address, fault.firstOctets);
  if (fault.alertId !== null) return alertFailure(fault.alertId, address, 'tls');
  switch (fault.code) {
    case tlsTruncated:
    case 'ERR_SSL_UNEXPECTED_EOF_WHILE_READING':
      return fail('tls_closed', 'tls', { address, errno: null });
    case tlsSettingsRefused:
      return fail('configuration_fault', 'tls', { what: `the TLS settings for ${address}` });
    default:
      return (
        certificateFailure(fault, place) ??
        protocolFailure(fault.code, address, 'tls') ??
        systemFailure(fault.code, address)
      );
  }
}

/** The connection that the handshake was made on, in codes of the system. */
function systemFailure(code: string, address: string): Failure | null {
  switch (meaningOf(code)) {
    case null:
      return null;
    case 'resources_spent':
      return fail('descriptors_exhausted', 'tls', { address, errno: code, retryAfterS: connectionEndsS });
    case 'missing':
    case 'ports_spent':
    case 'misuse':
      return misuse({ stage: 'tls', code });
    default:
      return fail('tls_closed', 'tls', { address, errno: code });
  }
}

/** What TLS tells when it breaks a connection that stood; null for the codes of the system. */
export function tlsEnd(code: string, alertId: number | null, address: string): Failure | null {
  return alertId === null ? protocolFailure(code, address, 'response') : alertFailure(alertId, address, 'response');
}

function alertFailure(alertId: number, address: string, stage: 'tls' | 'response'): Failure {
  return fail('tls_alert', stage, { address, alertId, alertMessage: tlsAlertName(alertId) ?? 'unassigned' });
}

function notSpoken(address: string, firstOctets: string): Failure {
  const octets = Uint8Array.from(firstOctets.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  if (/^485454502f/.test(firstOctets)) return fail('tls_plaintext_peer', 'tls', { address, firstOctets }); // "HTTP/"
  return fail('tls_not_spoken', 'tls', { address, firstOctets, guess: guessOctets(octets) });
}

function protocolFailure(code: string, address: string, stage: 'tls' | 'response'): Failure | null {
  if (tooOld.has(code)) return fail('tls_version', stage, { address, code });
  return broken.has(code) ? fail('tls_protocol', stage, { address, code }) : null;
}

const unseen: CertificateFacts = { subject: '', issuer: '', names: '', notBefore: '', notAfter: '' };

function certificateFailure(fault: WorldFault, { address, name }: ConnectPlace): Failure | null {
  const { code } = fault;
  const { subject, issuer, names, notBefore, notAfter } = fault.certificate ?? unseen;
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return fail('tls_certificate_expired', 'tls', { address, name, subject, issuer, notAfter });
    case 'CERT_NOT_YET_VALID':
      return fail('tls_certificate_not_yet_valid', 'tls', { address, name, subject, issuer, notBefore });
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH':
      return fail('tls_certificate_name', 'tls', { address, name, names, issuer, notAfter });
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return fail('tls_certificate_self_signed', 'tls', { address, name, subject, notAfter });
    default:
      if (untrusted.has(code)) {
        return fail('tls_certificate_untrusted', 'tls', { address, code, subject, issuer, notAfter });
      }
      return unfit.has(code)
        ? fail('tls_certificate_unfit', 'tls', { address, code, subject, issuer, notAfter })
        : null;
  }
}

/** Verification results of OpenSSL's, as Node names them (X509_V_ERR_…), that mean "signed by nobody we trust". */
const untrusted: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_UNTRUSTED',
]);

/** Those that mean "not to be used by a server, whoever signed it". */
const unfit: ReadonlySet<string> = new Set([
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'CERT_SIGNATURE_FAILURE',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'CERT_CHAIN_TOO_LONG',
  'CERT_REVOKED',
  'CERT_REJECTED',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  // Node's word for the results that it has no name for: weak keys and digests, broken extensions.
  'UNSPECIFIED',
  'ERR_TLS_CERT_ALTNAME_FORMAT',
]);

const ssl = (...reasons: readonly string[]): ReadonlySet<string> =>
  new Set(reasons.map((reason) => `ERR_SSL_${reason}`));

/** The peer answered in a version that is not spoken any more. */
const tooOld = ssl(
  'UNSUPPORTED_PROTOCOL',
  'UNSUPPORTED_SSL_VERSION',
  'UNKNOWN_PROTOCOL',
  'UNKNOWN_SSL_VERSION',
  'VERSION_TOO_LOW',
  'WRONG_SSL_VERSION',
);

/**
 * What a server can do wrong in a handshake or a record, by OpenSSL's names (include/openssl/sslerr.h). Those that tell
 * of our own side (LIBRARY_BUG, NO_CIPHERS_AVAILABLE, …) are left out: if one comes, it is ours to explain.
 */
const broken = ssl(
  'APPLICATION_DATA_AFTER_CLOSE_NOTIFY',
  'APP_DATA_IN_HANDSHAKE',
  'BAD_CHANGE_CIPHER_SPEC',
  'BAD_CIPHER',
  'BAD_COMPRESSION_ALGORITHM',
  'BAD_DATA',
  'BAD_DECOMPRESSION',
  'BAD_DH_VALUE',
  'BAD_DIGEST_LENGTH',
  'BAD_EARLY_DATA',
  'BAD_ECC_CERT',
  'BAD_ECPOINT',
  'BAD_EXTENSION',
  'BAD_HANDSHAKE_LENGTH',
  'BAD_HANDSHAKE_STATE',
  'BAD_HELLO_REQUEST',
  'BAD_HRR_VERSION',
  'BAD_KEY_SHARE',
  'BAD_KEY_UPDATE',
  'BAD_LEGACY_VERSION',
  'BAD_LENGTH',
  'BAD_PACKET',
  'BAD_PACKET_LENGTH',
  'BAD_PROTOCOL_VERSION_NUMBER',
  'BAD_PSK',
  'BAD_PSK_IDENTITY',
  'BAD_RECORD_TYPE',
  'BAD_RSA_ENCRYPT',
  'BAD_SIGNATURE',
  'BAD_VALUE',
  'BLOCK_CIPHER_PAD_IS_WRONG',
  'CA_DN_LENGTH_MISMATCH',
  'CCS_RECEIVED_EARLY',
  'CERT_LENGTH_MISMATCH',
  'CIPHERSUITE_DIGEST_HAS_CHANGED',
  'CIPHER_CODE_WRONG_LENGTH',
  'COMPRESSED_LENGTH_TOO_LONG',
  'COMPRESSION_DISABLED',
  'DATA_BETWEEN_CCS_AND_FINISHED',
  'DATA_LENGTH_TOO_LONG',
  'DECRYPTION_FAILED',
  'DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
  'DH_KEY_TOO_SMALL',
  'DH_PUBLIC_VALUE_LENGTH_IS_WRONG',
  'DIGEST_CHECK_FAILED',
  'ECC_CERT_NOT_FOR_SIGNING',
  'EE_KEY_TOO_SMALL',
  'ENCRYPTED_LENGTH_TOO_LONG',
  'ERROR_IN_RECEIVED_CIPHER_LIST',
  'EXCEEDS_MAX_FRAGMENT_SIZE',
  'EXCESSIVE_MESSAGE_SIZE',
  'EXTENSION_NOT_RECEIVED',
  'EXTRA_DATA_IN_MESSAGE',
  'EXT_LENGTH_MISMATCH',
  'GOT_A_FIN_BEFORE_A_CCS',
  'HTTP_REQUEST',
  'HTTPS_PROXY_REQUEST',
  'ILLEGAL_POINT_COMPRESSION',
  'INCONSISTENT_EXTMS',
  'INVALID_ALERT',
  'INVALID_CCS_MESSAGE',
  'INVALID_CERTIFICATE_OR_ALG',
  'INVALID_COMPRESSION_ALGORITHM',
  'INVALID_KEY_UPDATE_TYPE',
  'INVALID_MAX_EARLY_DATA',
  'INVALID_RECORD',
  'INVALID_SESSION_ID',
  'INVALID_STATUS_RESPONSE',
  'LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED',
  'LENGTH_MISMATCH',
  'LENGTH_TOO_LONG',
  'LENGTH_TOO_SHORT',
  'MISSING_FATAL',
  'MISSING_PARAMETERS',
  'MISSING_RSA_CERTIFICATE',
  'MISSING_RSA_ENCRYPTING_CERT',
  'MISSING_SIGALGS_EXTENSION',
  'MISSING_SIGNING_CERT',
  'MISSING_SUPPORTED_GROUPS_EXTENSION',
  'MISSING_TMP_DH_KEY',
  'MISSING_TMP_ECDH_KEY',
  'MIXED_HANDSHAKE_AND_NON_HANDSHAKE_DATA',
  'NOT_ON_RECORD_BOUNDARY',
  'NO_CERTIFICATES_RETURNED',
  'NO_CHANGE_FOLLOWING_HRR',
  'NO_COMPRESSION_SPECIFIED',
  'NO_REQUIRED_DIGEST',
  'NO_SHARED_CIPHER',
  'NO_SHARED_GROUPS',
  'NO_SHARED_SIGNATURE_ALGORITHMS',
  'NO_SUITABLE_DIGEST_ALGORITHM',
  'NO_SUITABLE_GROUPS',
  'NO_SUITABLE_KEY_SHARE',
  'NO_SUITABLE_SIGNATURE_ALGORITHM',
  'OLD_SESSION_CIPHER_NOT_RETURNED',
  'OLD_SESSION_COMPRESSION_ALGORITHM_NOT_RETURNED',
  'PACKET_LENGTH_TOO_LONG',
  'PARSE_TLSEXT',
  'RECORD_LAYER_FAILURE',
  'RECORD_LENGTH_MISMATCH',
  'RECORD_TOO_SMALL',
  'RENEGOTIATE_EXT_TOO_LONG',
  'RENEGOTIATION_ENCODING_ERR',
  'RENEGOTIATION_MISMATCH',
  'REQUIRED_CIPHER_MISSING',
  'SERVERHELLO_TLSEXT',
  'SIGNATURE_ALGORITHMS_ERROR',
  'SIGNATURE_FOR_NON_SIGNING_CERTIFICATE',
  'SSL3_EXT_INVALID_SERVERNAME',
  'SSL3_SESSION_ID_TOO_LONG',
  'SSL_HANDSHAKE_FAILURE',
  'SSL_SESSION_ID_HAS_BAD_LENGTH',
  'SSL_SESSION_ID_TOO_LONG',
  'SSL_SESSION_VERSION_MISMATCH',
  'TLS_INVALID_ECPOINTFORMAT_LIST',
  'TOO_MANY_KEY_UPDATES',
  'TOO_MANY_WARN_ALERTS',
  'UNABLE_TO_FIND_ECDH_PARAMETERS',
  'UNABLE_TO_FIND_PUBLIC_KEY_PARAMETERS',
  'UNEXPECTED_CCS_MESSAGE',
  'UNEXPECTED_MESSAGE',
  'UNEXPECTED_RECORD',
  'UNKNOWN_ALERT_TYPE',
  'UNKNOWN_CERTIFICATE_TYPE',
  'UNKNOWN_CIPHER_RETURNED',
  'UNKNOWN_CIPHER_TYPE',
  'UNKNOWN_DIGEST',
  'UNKNOWN_KEY_EXCHANGE_TYPE',
  'UNKNOWN_PKEY_TYPE',
  'UNKNOWN_STATE',
  'UNSAFE_LEGACY_RENEGOTIATION_DISABLED',
  'UNSOLICITED_EXTENSION',
  'UNSUPPORTED_COMPRESSION_ALGORITHM',
  'UNSUPPORTED_ELLIPTIC_CURVE',
  'UNSUPPORTED_STATUS_TYPE',
  'VERSION_TOO_HIGH',
  'WRONG_CERTIFICATE_TYPE',
  'WRONG_CIPHER_RETURNED',
  'WRONG_CURVE',
  'WRONG_RPK_TYPE',
  'WRONG_SIGNATURE_LENGTH',
  'WRONG_SIGNATURE_SIZE',
  'WRONG_SIGNATURE_TYPE',
  'WRONG_VERSION_NUMBER',
);
