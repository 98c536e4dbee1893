import { sign, type KeyObject, createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';
import {
  bitString,
  boolean,
  type Der,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  tagged,
  time,
  set,
  utf8String,
} from './der.ts';
import { isIPv4, isIPv6 } from 'node:net';

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

/** ecdsa-with-SHA256, RFC 5758 §3.2. */
export const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));

/** SubjectPublicKeyInfo, RFC 5280 §4.1.2.7. Takes the private key as well. */
function publicKeyDer(key: KeyObject): Der {
  const pem =
    key.type === 'private' ? key.export({ type: 'pkcs8', format: 'pem' }) : key.export({ type: 'spki', format: 'pem' });
  return createPublicKey(pem).export({ type: 'spki', format: 'der' });
}

/** SHA-256 of the public key. */
function publicKeyDigest(key: KeyObject): Buffer {
  return createHash('sha256').update(publicKeyDer(key)).digest();
}

/** A distinguished name that has only a common name. */
export function nameWith(commonName: string): Der {
  return sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8String(commonName))));
}

export function extension(identifier: string, value: Der, critical = false): Der {
  return sequence(objectIdentifier(identifier), ...(critical ? [boolean(true)] : []), octetString(value));
}

/** The extension subjectAltName with host names and addresses. */
export function subjectAltName(names: readonly string[], critical = false): Der {
  return extension('2.5.29.17', sequence(...names.map(generalName)), critical);
}

/** RFC 5280 §4.2.1.6: dNSName, or iPAddress. */
function generalName(name: string): Der {
  if (isIPv4(name)) return tagged(0x87, Buffer.from(name.split('.').map(Number)));
  if (isIPv6(name)) return tagged(0x87, bytesOfIPv6(name));
  return tagged(0x82, Buffer.from(name, 'latin1'));
}

function bytesOfIPv6(address: string): Buffer {
  const [head = [], tail] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const behind = tail ?? [];
  const between = Array<string>(8 - head.length - behind.length).fill('0');
  const groups = [...head, ...between, ...behind].map((group) => Number.parseInt(group, 16));
  return Buffer.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

export function pemOfKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' });
}

export function pem(label: string, der: Der): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/** A certification request (PKCS#10, RFC 2986) and the new private key that it is for. */
interface SigningRequest {
  readonly der: Der;
  /** PEM, P-256. */
  readonly key: string;
}

/**
 * Requests a certificate for host names and addresses. The subject is empty: CAs take the names from subjectAltName, and a
 * common name has at most 64 characters.
 */
export function createSigningRequest(names: readonly string[]): SigningRequest {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { der: signedRequest(names, privateKey), key: pemOfKey(privateKey) };
}

function signedRequest(names: readonly string[], key: KeyObject): Der {
  // extensionRequest, RFC 2985 §5.4.2.
  const attribute = sequence(objectIdentifier('1.2.840.113549.1.9.14'), set(sequence(subjectAltName(names, true))));
  const toBeSigned = sequence(integer(0), sequence(), publicKeyDer(key), tagged(0xa0, attribute));
  return sequence(toBeSigned, ecdsaWithSha256, bitString(sign('sha256', toBeSigned, key)));
}

/** The certificate that answers a TLS-ALPN-01 challenge (RFC 8737 §3), in PEM. */
interface ChallengeCertificate {
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
