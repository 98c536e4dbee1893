import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { boolean, type Der, objectIdentifier, octetString, sequence, set, tagged, utf8String } from './der.ts';

/** ecdsa-with-SHA256, RFC 5758 §3.2. */
export const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));

/** SubjectPublicKeyInfo, RFC 5280 §4.1.2.7. Takes the private key as well. */
export function publicKeyDer(key: KeyObject): Der {
  const pem =
    key.type === 'private' ? key.export({ type: 'pkcs8', format: 'pem' }) : key.export({ type: 'spki', format: 'pem' });
  return createPublicKey(pem).export({ type: 'spki', format: 'der' });
}

/** SHA-256 of the public key. */
export function publicKeyDigest(key: KeyObject): Buffer {
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
