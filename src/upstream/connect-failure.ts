import type { WorldFault } from '../core/connector.ts';
import { fail, type Failure } from '../core/failure.ts';

/** What a connection attempt was for, as far as its failures tell of it. */
export interface ConnectPlace {
  /** As the record shows it: '127.0.0.1:3000' or 'unix:/run/app.sock'. */
  readonly address: string;
  /** The host name that was to be looked up, or the name that the certificate was to bear. */
  readonly name: string;
}

/**
 * The world's error codes as failures: the table of this room. Returns null for a code that nobody has met;
 * the caller counts it as unclassified, which is a defect to be mended here.
 */
export function connectFailure(fault: WorldFault, place: ConnectPlace): Failure | null {
  switch (fault.stage) {
    case 'dns':
      return dnsFailure(fault.code, place.name);
    case 'connect':
      return tcpFailure(fault.code, place.address);
    case 'tls':
      return tlsFailure(fault, place);
  }
}

/** A port that a connection has used rests in TIME-WAIT this long on Linux (TCP_TIMEWAIT_LEN) before it can be had again. */
const portRestsS = 60;

/** A descriptor is free again as soon as any connection ends; in a gateway that has used them all, that is at once. */
const connectionEndsS = 1;

function dnsFailure(code: string, name: string): Failure | null {
  switch (code) {
    case 'ENOTFOUND':
    case 'ENODATA':
    case 'EAI_NONAME':
    case 'EAI_NODATA':
      return fail('dns_not_found', 'dns', { name, rcode: 'NXDOMAIN' });
    case 'EAI_AGAIN':
    case 'ESERVFAIL':
    case 'EAI_FAIL':
      return fail('dns_failed', 'dns', { name, rcode: 'SERVFAIL' });
    case 'EREFUSED':
      return fail('dns_failed', 'dns', { name, rcode: 'REFUSED' });
    case 'ETIMEOUT':
      return fail('dns_timeout', 'dns', { name, limitMs: 0 });
    case 'EMFILE':
    case 'ENFILE':
      return fail('descriptors_exhausted', 'dns', { address: name, errno: code, retryAfterS: connectionEndsS });
    default:
      return null;
  }
}

function tcpFailure(code: string, address: string): Failure | null {
  switch (code) {
    case 'ECONNREFUSED':
      return fail('connect_refused', 'connect', { address });
    case 'ETIMEDOUT':
      // The system gave up before our own limit: it does after some two minutes of SYNs.
      return fail('connect_timeout', 'connect', { address, limitMs: 0 });
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'ENETDOWN':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
      return fail('connect_unroutable', 'connect', { address, errno: code });
    case 'ENOENT':
    case 'ENOTDIR':
      return fail('connect_socket_missing', 'connect', { path: address });
    case 'EACCES':
    case 'EPERM':
      return fail('connect_not_permitted', 'connect', { address, errno: code });
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
    case 'EPROTOTYPE':
    case 'EPROTO':
      return fail('connect_reset', 'connect', { address, errno: code });
    case 'EAGAIN': // a unix socket's backlog is full
      return fail('connect_refused', 'connect', { address });
    case 'EADDRNOTAVAIL':
    case 'EADDRINUSE':
      return fail('local_ports_exhausted', 'connect', { address, retryAfterS: portRestsS });
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOBUFS':
    case 'ENOMEM':
      return fail('descriptors_exhausted', 'connect', { address, errno: code, retryAfterS: connectionEndsS });
    default:
      return null;
  }
}

function tlsFailure(fault: WorldFault, place: ConnectPlace): Failure | null {
  const { address, name } = place;
  const { code, alertId } = fault;
  if (alertId !== null) {
    return fail('tls_alert', 'tls', { address, alertId, alertMessage: alertName(code) });
  }
  switch (code) {
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return fail('tls_certificate_expired', 'tls', { address, name });
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH':
      return fail('tls_certificate_name', 'tls', { address, name });
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'ERR_SSL_HTTP_REQUEST':
      return fail('tls_plaintext_peer', 'tls', { address });
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ERR_SSL_UNEXPECTED_EOF_WHILE_READING':
      return fail('tls_closed', 'tls', { address, errno: code });
    default:
      if (untrusted.has(code)) return fail('tls_certificate_untrusted', 'tls', { address, code });
      if (code.startsWith('ERR_SSL_') || code === 'EPROTO') return fail('tls_protocol', 'tls', { address, code });
      return null;
  }
}

/** As OpenSSL has it, without the protocol that it is named after: `unrecognized_name`. */
function alertName(code: string): string {
  return code.replace(/^ERR_SSL_(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?/, '').toLowerCase();
}

/** OpenSSL's verification results (X509_V_ERR_…) that mean "signed by nobody we trust", as Node names them. */
const untrusted: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'CERT_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_CHAIN_TOO_LONG',
  'CERT_REVOKED',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
]);
