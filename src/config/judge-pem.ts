/** Whether files of certificates and keys hold what they should. Decides by parsing them, and asks nobody. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { ErrorDetail } from '../schema/error-detail.ts';
import { quoted } from '../schema/error-detail.ts';

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Every certificate of a file in its order, or what is wrong with the file. */
export function readCertificates(pem: string): readonly X509Certificate[] | ErrorDetail {
  const blocks = pem.match(certificateBlock) ?? [];
  if (blocks.length === 0) {
    const [message, suggestion] = pem.includes('PRIVATE KEY-----')
      ? ['the file has a private key and no certificate', 'name the file with the certificate']
      : ['the file has no certificate in PEM', 'it must contain "-----BEGIN CERTIFICATE-----"'];
    return { message, suggestion };
  }
  if ((pem.match(/-----BEGIN CERTIFICATE-----/g) ?? []).length !== blocks.length)
    return {
      message: 'the file ends in the middle of a certificate',
      suggestion: 'copy it again from where it came from',
    };
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    const certificate = parseCertificate(block);
    if (certificate === null) {
      const which = blocks.length === 1 ? 'the certificate in the file' : `certificate ${index + 1} of the file`;
      return { message: `${which} cannot be read: it is damaged`, suggestion: 'copy it again from where it came from' };
    }
    certificates.push(certificate);
  }
  return certificates;
}

function parseCertificate(block: string): X509Certificate | null {
  try {
    return new X509Certificate(block);
  } catch {
    return null; // OpenSSL throws for one reason: these bytes are no certificate.
  }
}

export function readPrivateKey(pem: string): KeyObject | ErrorDetail {
  if (!/-----BEGIN (?:\w+ )?PRIVATE KEY-----/.test(pem)) {
    return {
      message: 'the file has no private key in PEM',
      suggestion: 'it must contain "-----BEGIN PRIVATE KEY-----"',
    };
  }
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    return {
      message: 'the private key is locked with a passphrase, which nobody is there to enter',
      suggestion: 'store it without one, readable by the gateway alone: openssl pkey -in FILE -out key.pem',
    };
  }
  try {
    return createPrivateKey(pem);
  } catch {
    return { message: 'the private key in the file cannot be read: it is damaged', suggestion: null };
  }
}

/** Null when the key is that of the certificate, and the TLS library takes both. */
export function identityError(
  certificates: readonly X509Certificate[],
  key: KeyObject,
  chain: string,
): ErrorDetail | null {
  const [first, ...rest] = certificates;
  if (first === undefined) return null;
  if (first.checkPrivateKey(key)) return libraryError(first, key, chain);
  const later = rest.some((one) => one.checkPrivateKey(key));
  return {
    message: `the private key does not belong to the certificate for ${quoted(subjectOf(first))}`,
    suggestion: later
      ? 'it belongs to a later one of the file: put that one first'
      : 'name the key that the certificate was requested with',
  };
}

/** A library of today refuses what older ones accepted, such as RSA keys of 1,024 bits. */
function libraryError(certificate: X509Certificate, key: KeyObject, chain: string): ErrorDetail | null {
  try {
    // Loaded for the first file: most configurations name none.
    process
      .getBuiltinModule('node:tls')
      .createSecureContext({ cert: chain, key: key.export({ type: 'pkcs8', format: 'pem' }), ca: [] });
    return null;
  } catch (error) {
    const { code = 'an unknown reason' } = error as { code?: string };
    const isWeak = /TOO_SMALL|TOO_WEAK/.test(code);
    return {
      message: `OpenSSL refuses the certificate for ${quoted(subjectOf(certificate))} and its key (${code})`,
      suggestion: isWeak ? 'request one with a key of RSA 2048 bits or ECDSA P-256' : 'request a new one',
    };
  }
}

/** Certificates are replaced by people or by programs of theirs: two weeks are time enough for either. */
const soonMs = 14 * 86_400_000;

/** What is doubtful about when certificates are valid; empty when nothing is. */
export function periodWarning(certificates: readonly X509Certificate[], wallTime: number): readonly ErrorDetail[] {
  return certificates.flatMap((certificate) => {
    const name = quoted(subjectOf(certificate));
    const { validFromDate, validToDate } = certificate;
    const suggestion = 'have it renewed';
    if (validToDate.getTime() <= wallTime)
      return [{ message: `the certificate for ${name} ran out on ${dayOf(validToDate)}`, suggestion }];
    if (validFromDate.getTime() > wallTime)
      return [
        {
          message: `the certificate for ${name} is valid only from ${dayOf(validFromDate)} on`,
          suggestion: `wait until ${timeOf(validFromDate)}, or correct the clock of this machine, which says ${timeOf(new Date(wallTime))}`,
        },
      ];
    if (validToDate.getTime() - wallTime < soonMs)
      return [{ message: `the certificate for ${name} runs out on ${dayOf(validToDate)}`, suggestion }];
    return [];
  });
}

/**
 * The host names that the certificate is for (RFC 6125 §6.4), in lowercase: its alternative names, and the common name only if it
 * has none.
 */
export function hostNamesOf(certificate: X509Certificate | undefined): readonly string[] {
  if (certificate === undefined) return [];
  const names = [...(certificate.subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,"]+)/g)].map(([, name]) => name ?? '');
  const common = /^CN=(.*)$/m.exec(subjectText(certificate))?.[1];
  if (names.length === 0 && certificate.subjectAltName === undefined && common !== undefined) names.push(common);
  return [...new Set(names.map((name) => name.toLowerCase()))];
}

/** The kind of its key. OpenSSL has room for one certificate of each in a context. */
export function keyTypeOf({ publicKey }: X509Certificate): string {
  return publicKey.asymmetricKeyType ?? '';
}

/** The common name of who issued it, or all of the name; null: it is self-signed. */
export function issuerOf(certificate: X509Certificate): string | null {
  const issuer: string | undefined = certificate.issuer; // As with the subject.
  // Not `checkIssued`: a certificate that is no authority's is not accepted as an issuer, its own included.
  if (issuer === certificate.subject && certificate.verify(certificate.publicKey)) return null;
  return /^CN=(.*)$/m.exec(issuer ?? '')?.[1] ?? (issuer ?? '').split('\n').join(', ');
}

/** RFC 9110 §4.3.4: clients compare these alone. */
export function hasAlternativeNames(certificate: X509Certificate | undefined): boolean {
  return certificate?.subjectAltName !== undefined;
}

/** Clients that use the address of the server compare these (RFC 9110 §4.3.5). */
export function hasAddresses(certificate: X509Certificate | undefined): boolean {
  return /(?:^|, )IP Address:/.test(certificate?.subjectAltName ?? '');
}

/** The common name where there is one, as people know it by. */
function subjectOf(certificate: X509Certificate): string {
  const subject = subjectText(certificate);
  if (subject === '') return hostNamesOf(certificate)[0] ?? 'nobody';
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? subject.split('\n').join(', ');
}

/** Node has none for an empty subject, whatever its types say. Authorities leave it out where alternative names say everything. */
function subjectText(certificate: X509Certificate): string {
  const subject: string | undefined = certificate.subject;
  return subject ?? '';
}

function timeOf(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
