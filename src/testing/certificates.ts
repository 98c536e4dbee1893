import { generateKeyPairSync } from 'node:crypto';
import {
  authorityExtensions,
  authorityKeyExtension,
  type CertificateContent,
  type CertificateKeys,
  type CertificateSubject,
  leafExtensions,
  sealCertificate,
  pemOfKey,
} from '../certificates/x509-certificate.ts';

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
  const own: CertificateSubject = { name, publicKey: keys.publicKey };
  const validity = { notBefore: wallTime - dayMs, notAfter: wallTime + 365 * dayMs };
  const certificate = sealCertificate(
    { ...validity, subject: own, extensions: authorityExtensions(own), issuer: own },
    keys,
  );
  return new Authority(wallTime, own, keys, certificate, []);
}

/** A self-signed certificate. */
export function selfSignedCertificate(wallTime: number, request: CertificateRequest): IssuedCertificate {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject: CertificateSubject = { name: request.names[0] ?? '', publicKey: keys.publicKey };
  const extensions = leafExtensions(request, subject, subject);
  const certificate = sealCertificate({ ...validityOf(request, wallTime), subject, issuer: subject, extensions }, keys);
  return { certificate, key: pemOfKey(keys.privateKey) };
}

class Authority implements CertificateAuthority {
  readonly certificate: string;
  readonly #wallTime: number;
  readonly #own: CertificateSubject;
  readonly #keys: CertificateKeys;
  /** The certificates from this authority up to the trusted one, which is left out; this authority's first. */
  readonly #chain: readonly string[];

  constructor(
    wallTime: number,
    own: CertificateSubject,
    keys: CertificateKeys,
    certificate: string,
    chain: readonly string[],
  ) {
    this.#wallTime = wallTime;
    this.#own = own;
    this.#keys = keys;
    this.certificate = certificate;
    this.#chain = chain;
  }

  issue(request: CertificateRequest): IssuedCertificate {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const subject: CertificateSubject = { name: request.names[0] ?? '', publicKey: keys.publicKey };
    const extensions = leafExtensions(request, subject, this.#own);
    const body = { ...validityOf(request, this.#wallTime), subject, issuer: this.#own, extensions };
    const certificate = [sealCertificate(body, this.#keys), ...this.#chain].join('');
    return { certificate, key: pemOfKey(keys.privateKey) };
  }

  intermediate(name: string): CertificateAuthority {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const own: CertificateSubject = { name, publicKey: keys.publicKey };
    const validity = { notBefore: this.#wallTime - dayMs, notAfter: this.#wallTime + 300 * dayMs };
    const extensions = [...authorityExtensions(own), authorityKeyExtension(this.#own)];
    const certificate = sealCertificate({ ...validity, subject: own, issuer: this.#own, extensions }, this.#keys);
    return new Authority(this.#wallTime, own, keys, certificate, [certificate, ...this.#chain]);
  }
}

function validityOf(
  { notBefore, notAfter }: CertificateRequest,
  wallTime: number,
): Pick<CertificateContent, 'notBefore' | 'notAfter'> {
  return { notBefore: notBefore ?? wallTime - dayMs, notAfter: notAfter ?? wallTime + 30 * dayMs };
}

const dayMs = 86_400_000;
