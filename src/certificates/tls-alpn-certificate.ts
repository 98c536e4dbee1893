import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { bitString, integer, octetString, sequence, tagged, time } from './der.ts';
import {
  ecdsaWithSha256,
  extension,
  nameWith,
  pem,
  pemOfKey,
  publicKeyDer,
  publicKeyDigest,
  subjectAltName,
} from './x509-parts.ts';

/** The certificate that answers a TLS-ALPN-01 challenge (RFC 8737 §3), in PEM. */
export interface ChallengeCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** `wallTime`: now. The certificate is valid for a week around it, in case the CA's clock differs. */
export function challengeCertificate(domain: string, keyAuthorization: string, wallTime: number): ChallengeCertificate {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = nameWith('ACME challenge');
  const digest = createHash('sha256').update(keyAuthorization).digest();
  const serial = publicKeyDigest(privateKey).subarray(0, 16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const toBeSigned = sequence(
    tagged(0xa0, integer(2)),
    integer(serial),
    ecdsaWithSha256,
    name,
    sequence(time(wallTime - halfWeekMs), time(wallTime + halfWeekMs)),
    name,
    publicKeyDer(privateKey),
    tagged(0xa3, sequence(subjectAltName([domain]), extension(acmeIdentifier, octetString(digest), true))),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = pem('CERTIFICATE', sequence(toBeSigned, ecdsaWithSha256, bitString(signature)));
  return { certificate, key: pemOfKey(privateKey) };
}

/** id-pe-acmeIdentifier, RFC 8737 §6.1. */
const acmeIdentifier = '1.3.6.1.5.5.7.1.31';
const halfWeekMs = 3.5 * 86_400_000;
