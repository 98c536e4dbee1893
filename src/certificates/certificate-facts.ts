import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readValues } from './der.ts';

/** What a certificate says about itself. */
interface LeafFacts {
  /** Host names and addresses, in lowercase. */
  readonly names: readonly string[];
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** By which the CA's renewal information is asked for (RFC 9773 §4.1); null: it has no authority key identifier. */
  readonly renewalId: string | null;
}

/** The first certificate of a chain in PEM. Null: it is none, or `key`, in PEM, is not its private key. */
export function readCertificate(chain: string, key: string): LeafFacts | null {
  const certificate = parse(chain);
  if (certificate === null || !isKeyOf(certificate, key)) return null;
  const names = (certificate.subjectAltName ?? '').split(', ').flatMap((entry) => {
    const name = /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1];
    return name === undefined ? [] : [name.toLowerCase()];
  });
  const { validFromDate, validToDate } = certificate;
  const renewalId = renewalIdOf(certificate.raw);
  return { names, notBefore: validFromDate.getTime(), notAfter: validToDate.getTime(), renewalId };
}

function isKeyOf(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function parse(chain: string): X509Certificate | null {
  try {
    return new X509Certificate(chain);
  } catch {
    return null;
  }
}

/** The identifier of the CA's key and the serial number, as the certificate encodes them. */
export function renewalIdOf(raw: Buffer): string | null {
  const toBeSigned = readValues(readValues(raw)[0]?.content)[0];
  const fields = readValues(toBeSigned?.content);
  const serial = fields.find(({ tag }) => tag === 0x02)?.content;
  const extensions = readValues(readValues(fields.find(({ tag }) => tag === 0xa3)?.content)[0]?.content);
  const holder = extensions.map((one) => readValues(one.content)).find(([id]) => id?.content.equals(authorityKey));
  const keyId = readValues(readValues(holder?.at(-1)?.content)[0]?.content).find(({ tag }) => tag === 0x80)?.content;
  if (serial === undefined || keyId === undefined) return null;
  return `${keyId.toString('base64url')}.${serial.toString('base64url')}`;
}

/** authorityKeyIdentifier, 2.5.29.35. */
const authorityKey = Buffer.from([0x55, 0x1d, 0x23]);
