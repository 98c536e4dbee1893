import type { SecureContext } from 'node:tls';
import { readFileSync } from 'node:fs';
import type { UpstreamTls } from '../core/upstream-spec.ts';
import { nodeTls } from './node-tls.ts';

/** Where systems keep the certificates of trusted authorities; the first existing file is used. */
const bundlePaths: readonly string[] = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Ubuntu, Alpine, Arch
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem', // Fedora, RHEL
  '/etc/pki/tls/certs/ca-bundle.crt', // older ones of these
  '/etc/ssl/ca-bundle.pem', // SUSE
  '/etc/ssl/cert.pem', // macOS, the BSDs
];

let isDone = false;

/**
 * Makes TLS in this thread trust the authorities of the system, as other programs on the machine do: an organisation installs
 * its own there. Node by default trusts a list of its own, which stays where the system has none, as in small containers.
 * `SSL_CERT_FILE` names another file, and `NODE_EXTRA_CA_CERTS` one to be added.
 */
function trustSystemAuthorities(): void {
  if (isDone) return;
  isDone = true;
  const certificates = systemCertificates([process.env['SSL_CERT_FILE'] ?? '', ...bundlePaths]);
  const tls = nodeTls();
  if (certificates.length === 0) return;
  try {
    tls.setDefaultCACertificates([...certificates, ...tls.getCACertificates('extra')]);
  } catch {
    // Where a certificate of the system cannot be read, Node's own list stays.
  }
}

/** The certificates of the first of these files that can be read and has any, in PEM. */
export function systemCertificates(paths: readonly string[]): readonly string[] {
  for (const path of paths) {
    const found = textOf(path).match(certificateBlock);
    if (found !== null) return found;
  }
  return [];
}

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function textOf(path: string): string {
  try {
    return path === '' ? '' : readFileSync(path, 'utf8');
  } catch {
    return ''; // it is not there, and the next one may be
  }
}

const known = new WeakMap<UpstreamTls, SecureContext>();

/**
 * The TLS context of connections to the endpoints of an upstream, made once: reading certificates takes longer than a handshake.
 * Throws an error of OpenSSL's for invalid certificates or keys.
 */
export function upstreamContextOf(settings: UpstreamTls): SecureContext {
  let context = known.get(settings);
  if (context === undefined) {
    context = newContext(settings);
    known.set(settings, context);
  }
  return context;
}

function newContext({ ca, certificate, key }: UpstreamTls): SecureContext {
  if (ca === null) trustSystemAuthorities();
  return nodeTls().createSecureContext({
    // RFC 8996 deprecates earlier versions.
    minVersion: 'TLSv1.2',
    ...(ca === null ? {} : { ca }),
    ...(certificate === null ? {} : { cert: certificate }),
    ...(key === null ? {} : { key }),
  });
}
