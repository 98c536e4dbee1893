import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
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
} from '../certificates/der.ts';
import {
  ecdsaWithSha256,
  extension,
  nameWith,
  pem,
  pemOfKey,
  publicKeyDer,
  publicKeyDigest,
  subjectAltName,
} from '../certificates/x509-parts.ts';

/** A certificate and its private key, in PEM. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  /** Host names and addresses that the certificate is for; the first is its common name too. */
  readonly names: readonly string[];
  /** Milliseconds since the Unix epoch. Default: a day before the authority's `wallTime`. */
  readonly notBefore?: number;
  /** Default: thirty days after it. */
  readonly notAfter?: number;
  /** For a client certificate instead of a server's. */
  readonly client?: boolean;
}

/** An authority that exists as long as the test that made it. Its keys are P-256. */
export interface CertificateAuthority {
  /** Its certificate in PEM: a client that trusts it accepts the certificates issued here. */
  readonly certificate: string;
  issue(request: CertificateRequest): IssuedCertificate;
  /**
   * An intermediate authority below this one. The certificates that it issues come with its own after them, as servers send
   * it.
   */
  intermediate(name: string): CertificateAuthority;
}

/** Periods of validity are counted from `wallTime`, in milliseconds since the Unix epoch. */
export function certificateAuthority(wallTime: number, name = 'Candor Test Authority'): CertificateAuthority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const own: Subject = { name, publicKey: keys.publicKey };
  const validity = { notBefore: wallTime - dayMs, notAfter: wallTime + 365 * dayMs };
  const certificate = sealed({ ...validity, subject: own, extensions: authorityExtensions(own), issuer: own }, keys);
  return new Authority(wallTime, own, keys, certificate, []);
}

/** A self-signed certificate. */
export function selfSignedCertificate(wallTime: number, request: CertificateRequest): IssuedCertificate {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject: Subject = { name: request.names[0] ?? '', publicKey: keys.publicKey };
  const extensions = leafExtensions(request, subject, subject);
  const certificate = sealed({ ...validityOf(request, wallTime), subject, issuer: subject, extensions }, keys);
  return { certificate, key: pemOfKey(keys.privateKey) };
}

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface Subject {
  readonly name: string;
  readonly publicKey: KeyObject;
}

interface Content {
  readonly subject: Subject;
  readonly issuer: Subject;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: readonly Der[];
}

class Authority implements CertificateAuthority {
  readonly certificate: string;
  readonly #wallTime: number;
  readonly #own: Subject;
  readonly #keys: Keys;
  /** The certificates from this authority up to the trusted one, which is left out; this authority's first. */
  readonly #chain: readonly string[];

  constructor(wallTime: number, own: Subject, keys: Keys, certificate: string, chain: readonly string[]) {
    this.#wallTime = wallTime;
    this.#own = own;
    this.#keys = keys;
    this.certificate = certificate;
    this.#chain = chain;
  }

  issue(request: CertificateRequest): IssuedCertificate {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const subject: Subject = { name: request.names[0] ?? '', publicKey: keys.publicKey };
    const extensions = leafExtensions(request, subject, this.#own);
    const content = { ...validityOf(request, this.#wallTime), subject, issuer: this.#own, extensions };
    const certificate = [sealed(content, this.#keys), ...this.#chain].join('');
    return { certificate, key: pemOfKey(keys.privateKey) };
  }

  intermediate(name: string): CertificateAuthority {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const own: Subject = { name, publicKey: keys.publicKey };
    const validity = { notBefore: this.#wallTime - dayMs, notAfter: this.#wallTime + 300 * dayMs };
    const extensions = [...authorityExtensions(own), authorityKeyExtension(this.#own)];
    const certificate = sealed({ ...validity, subject: own, issuer: this.#own, extensions }, this.#keys);
    return new Authority(this.#wallTime, own, keys, certificate, [certificate, ...this.#chain]);
  }
}

function validityOf(
  { notBefore, notAfter }: CertificateRequest,
  wallTime: number,
): Pick<Content, 'notBefore' | 'notAfter'> {
  return { notBefore: notBefore ?? wallTime - dayMs, notAfter: notAfter ?? wallTime + 30 * dayMs };
}

const dayMs = 86_400_000;

/** RFC 5280 §4.1: the certificate to be signed, the algorithm, the signature. */
function sealed(content: Content, { privateKey }: Pick<Keys, 'privateKey'>): string {
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

function authorityExtensions(own: Subject): Der[] {
  return [
    extension('2.5.29.19', sequence(boolean(true)), true), // basicConstraints: an authority
    extension('2.5.29.15', bitString(Buffer.from([0b0000_0110]), 1), true), // keyUsage: keyCertSign, cRLSign
    extension('2.5.29.14', octetString(publicKeyDigest(own.publicKey).subarray(0, 20))), // subjectKeyIdentifier
  ];
}

function leafExtensions({ names, client = false }: CertificateRequest, subject: Subject, issuer: Subject): Der[] {
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

function authorityKeyExtension(issuer: Subject): Der {
  return extension('2.5.29.35', sequence(tagged(0x80, publicKeyDigest(issuer.publicKey).subarray(0, 20))));
}
