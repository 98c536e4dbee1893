import { X509Certificate } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import type { AdminTrust } from './admin-target.ts';

type TrustOptions = Pick<ConnectionOptions, 'ca' | 'checkServerIdentity'> & {
  /** A certificate may be trusted by itself, without the authority that has issued it. */
  readonly allowPartialTrustChain?: boolean;
};

/** How a connection to an admin API judges the certificate of the gateway. */
export function trustOptions({ authorities, certificate }: AdminTrust): TrustOptions {
  const ca = authorities === null ? systemAuthorities() : [authorities];
  if (certificate === null) return { ca };
  const own = new X509Certificate(certificate); // The first: those behind it are authorities, which issue for others too.
  const { checkServerIdentity } = process.getBuiltinModule('node:tls');
  const host = own.subjectAltName?.match(/\bDNS:([-\w.]+)/)?.[1] ?? '';
  return {
    ca: [...ca, own.toString()],
    allowPartialTrustChain: true,
    checkServerIdentity: (_, shown) =>
      shown.fingerprint256 === own.fingerprint256 ? undefined : checkServerIdentity(host, shown),
  };
}

/** Node's list, and what the organisation of this machine has installed. */
function systemAuthorities(): string[] {
  const { getCACertificates } = process.getBuiltinModule('node:tls');
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
}

/** Node's codes for a certificate that was refused: results of OpenSSL's verification, and that it is for another host. */
const untrustedCodes =
  /^(?:CERT_|UNABLE_TO_(?:GET|VERIFY)_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_(?:CA|PURPOSE)$|ERR_TLS_CERT_ALTNAME_)/;

/** Whether this code of an error says that the certificate is not trusted. */
export function isUntrusted(code: string): boolean {
  return untrustedCodes.test(code);
}
