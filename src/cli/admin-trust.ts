import { X509Certificate } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import type { AdminTarget, AdminTrust } from './admin-target.ts';

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

/**
 * How to judge the certificate of a gateway that has said itself, on a connection that is trusted, that it shows `certificate` (in PEM)
 * from now on.
 */
export function trustingToo(target: AdminTarget, certificate: string | null): AdminTarget {
  if (target.kind === 'socket' || target.url.protocol !== 'https:' || certificate === null) return target;
  return { ...target, trust: { authorities: target.trust?.authorities ?? null, certificate } };
}

/** Whether a later command with the same authorities (in PEM; null: those of the system) accepts the certificate, as far as can be told. */
export function isTrustedLater(certificate: string, authorities: string | null): boolean {
  const chain = certificatesOf(certificate);
  const [shown] = chain;
  if (shown === undefined) return false;
  // The list of the system is long, and has no certificate that is self-signed and no authority's.
  if (authorities === null) return shown.subject !== shown.issuer;
  return certificatesOf(authorities).some((authority) =>
    chain.some((one) => one.fingerprint256 === authority.fingerprint256 || one.verify(authority.publicKey)),
  );
}

function certificatesOf(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
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
