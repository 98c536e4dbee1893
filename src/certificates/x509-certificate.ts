import { sign, type KeyObject } from 'node:crypto';
import { bitString, boolean, type Der, integer, objectIdentifier, octetString, sequence, tagged, time } from './der.ts';
import {
  ecdsaWithSha256,
  extension,
  nameWith,
  pem,
  publicKeyDer,
  publicKeyDigest,
  subjectAltName,
} from './x509-parts.ts';

/** P-256. */
export interface CertificateKeys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** Whose certificate it is. */
export interface CertificateSubject {
  readonly name: string;
  readonly publicKey: KeyObject;
}

/** What a certificate says; times in milliseconds since the Unix epoch. */
export interface CertificateContent {
  readonly subject: CertificateSubject;
  readonly issuer: CertificateSubject;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: readonly Der[];
}

/** RFC 5280 §4.1: the certificate to be signed, the algorithm, the signature. */
export function sealCertificate(
  content: CertificateContent,
  { privateKey }: Pick<CertificateKeys, 'privateKey'>,
): string {
  const { subject, issuer } = content;
  const toBeSigned = sequence(
    tagged(0xa0, integer(2)),
    integer(serialOf(subject.publicKey)),
    ecdsaWithSha256,
    nameWith(issuer.name),
    sequence(time(content.notBefore), time(content.notAfter)),
    nameWith(subject.name),
    publicKeyDer(subject.publicKey),
    tagged(0xa3, sequence(...content.extensions)),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  return pem('CERTIFICATE', sequence(toBeSigned, ecdsaWithSha256, bitString(signature)));
}

/** Every certificate gets a new key, so that the digest of the key identifies the certificate. */
function serialOf(key: KeyObject): Buffer {
  const digest = publicKeyDigest(key);
  digest[0] = ((digest[0] ?? 0) & 0x3f) | 0x40;
  return digest.subarray(0, 16);
}

/** Of a CA's certificate. */
export function authorityExtensions(own: CertificateSubject): Der[] {
  return [
    extension('2.5.29.19', sequence(boolean(true)), true), // basicConstraints: an authority
    extension('2.5.29.15', bitString(Buffer.from([0b0000_0110]), 1), true), // keyUsage: keyCertSign, cRLSign
    extension('2.5.29.14', octetString(publicKeyDigest(own.publicKey).subarray(0, 20))), // subjectKeyIdentifier
  ];
}

/** Of a certificate for `names`: a server's, or a client's. */
export function leafExtensions(
  { names, client = false }: { readonly names: readonly string[]; readonly client?: boolean },
  subject: CertificateSubject,
  issuer: CertificateSubject,
): Der[] {
  const purpose = client ? '1.3.6.1.5.5.7.3.2' : '1.3.6.1.5.5.7.3.1';
  return [
    extension('2.5.29.19', sequence(), true), // basicConstraints: no authority
    extension('2.5.29.15', bitString(Buffer.from([0b1000_0000]), 7), true), // keyUsage: digitalSignature
    extension('2.5.29.37', sequence(objectIdentifier(purpose))), // extKeyUsage
    subjectAltName(names),
    extension('2.5.29.14', octetString(publicKeyDigest(subject.publicKey).subarray(0, 20))),
    authorityKeyExtension(issuer),
  ];
}

export function authorityKeyExtension(issuer: CertificateSubject): Der {
  return extension('2.5.29.35', sequence(tagged(0x80, publicKeyDigest(issuer.publicKey).subarray(0, 20))));
}
