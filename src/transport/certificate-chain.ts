import { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** The longest chain that OpenSSL verifies; a longer or circular one is cut there. */
const chainMax = 16;

/** From the peer's own certificate up to the authority, as far as the chain is known. */
export function chainOf(secure: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: DetailedPeerCertificate | undefined = secure.getPeerCertificate(true);
  for (; next?.raw !== undefined && chain.length < chainMax; next = next.issuerCertificate) {
    chain.push(new X509Certificate(next.raw));
    if (next.issuerCertificate === next) break; // an authority has issued its own
  }
  return chain;
}

const textMax = 200;

/** Node writes each part of a name on a line of its own. */
export function oneLine(text: string | undefined): string {
  return (text ?? '').split('\n').join(', ').slice(0, textMax);
}

/** 'app.internal, 10.0.0.1' */
export function namesOf({ subjectAltName }: X509Certificate): string {
  return subjectAltName?.replace(/\b(?:DNS|IP Address):/g, '') ?? '';
}
