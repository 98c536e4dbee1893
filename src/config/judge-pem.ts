/** Whether files of certificates and keys hold what they should. Decides by parsing them, and asks nobody. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { ErrorDetail } from './error-detail.ts';
import { quoted } from './error-detail.ts';

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

/** Null when the key is that of the certificate. */
export function pairError(certificates: readonly X509Certificate[], key: KeyObject): ErrorDetail | null {
  const [first, ...rest] = certificates;
  if (first === undefined || first.checkPrivateKey(key)) return null;
  const later = rest.some((one) => one.checkPrivateKey(key));
  return {
    message: `the private key does not belong to the certificate for ${quoted(subjectOf(first))}`,
    suggestion: later
      ? 'it belongs to a later one of the file: put that one first'
      : 'name the key that the certificate was requested with',
  };
}

/** Certificates are replaced by people or by programs of theirs: two weeks are time enough for either. */
const soonMs = 14 * 86_400_000;

/** What is doubtful about when certificates are valid; empty when nothing is. */
export function periodWarning(certificates: readonly X509Certificate[], wallTime: number): readonly string[] {
  return certificates.flatMap((certificate) => {
    const name = quoted(subjectOf(certificate));
    const { validFromDate, validToDate } = certificate;
    if (validToDate.getTime() <= wallTime) return [`the certificate for ${name} ran out on ${dayOf(validToDate)}`];
    if (validFromDate.getTime() > wallTime)
      return [`the certificate for ${name} is valid only from ${dayOf(validFromDate)} on`];
    if (validToDate.getTime() - wallTime < soonMs)
      return [`the certificate for ${name} runs out on ${dayOf(validToDate)}`];
    return [];
  });
}

/** The common name where there is one, as people know it by. */
function subjectOf({ subject }: X509Certificate): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? subject.split('\n').join(', ');
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
