import type { CertificateFacts, NetworkFault } from '../core/connector.ts';
import { connectionEndsS, meaningOf } from '#failures/errno-meaning.ts';
import { fail, type Failure } from '#failures/failure.ts';
import { tlsAlertName, tlsSettingsRefused, tlsTruncated } from '../core/tls-codes.ts';
import { guessBytes } from '../wire/guess-bytes.ts';
import type { DialedAddress } from './dialed-address.ts';
import { brokenCodes, tooOldCodes } from './tls-reasons.ts';
import { misuse } from '../core/unknown-code.ts';

/** The failure of a handshake, or null for an unknown code. What the peer itself sent is preferred to any code. */
export function tlsFailure(fault: NetworkFault, dialed: DialedAddress): Failure | null {
  const { address } = dialed;
  if (fault.firstBytes !== undefined) return notSpoken(address, fault.firstBytes);
  if (fault.alertId !== null) return alertFailure(fault.alertId, address, 'tls');
  switch (fault.code) {
    case tlsTruncated:
    case 'ERR_SSL_UNEXPECTED_EOF_WHILE_READING':
      return fail('tls_closed', 'tls', { address, errno: null });
    case tlsSettingsRefused:
      return fail('configuration_fault', 'tls', { what: `the TLS settings for ${address}` });
    default:
      return (
        certificateFailure(fault, dialed) ??
        protocolFailure(fault.code, address, 'tls') ??
        systemFailure(fault.code, address)
      );
  }
}

/** Failures of the connection below the handshake, by codes of the system. */
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

/** The failure where TLS ends an established connection; null for the codes of the system. */
export function tlsEnd(code: string, alertId: number | null, address: string): Failure | null {
  return alertId === null ? protocolFailure(code, address, 'response') : alertFailure(alertId, address, 'response');
}

function alertFailure(alertId: number, address: string, stage: 'tls' | 'response'): Failure {
  return fail('tls_alert', stage, { address, alertId, alertMessage: tlsAlertName(alertId) ?? 'unassigned' });
}

function notSpoken(address: string, firstBytes: string): Failure {
  const bytes = Uint8Array.from(firstBytes.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  if (/^485454502f/.test(firstBytes)) return fail('tls_plaintext_peer', 'tls', { address, firstBytes }); // "HTTP/"
  return fail('tls_not_spoken', 'tls', { address, firstBytes, guess: guessBytes(bytes) });
}

function protocolFailure(code: string, address: string, stage: 'tls' | 'response'): Failure | null {
  if (tooOldCodes.has(code)) return fail('tls_version', stage, { address, code });
  return brokenCodes.has(code) ? fail('tls_protocol', stage, { address, code }) : null;
}

const unseen: CertificateFacts = { subject: '', issuer: '', names: '', isIssuer: false, notBefore: '', notAfter: '' };

function certificateFailure(fault: NetworkFault, { address, name }: DialedAddress): Failure | null {
  const { code } = fault;
  const { subject, issuer, names, isIssuer, notBefore, notAfter } = fault.certificate ?? unseen;
  const above = isIssuer ? { isIssuer } : {};
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return fail('tls_certificate_expired', 'tls', { address, name, subject, issuer, notAfter, ...above });
    case 'CERT_NOT_YET_VALID':
      return fail('tls_certificate_not_yet_valid', 'tls', { address, name, subject, issuer, notBefore, ...above });
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

/** Verification results of OpenSSL, as Node names them (X509_V_ERR_…), that mean "not signed by a trusted authority". */
const untrusted: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_UNTRUSTED',
]);

/** Results that mean "not valid for a server, whatever its signature". */
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
  // Node's name for all results without a name of their own: weak keys and digests, broken extensions.
  'UNSPECIFIED',
  'ERR_TLS_CERT_ALTNAME_FORMAT',
]);
