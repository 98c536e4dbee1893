import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { bitString, type Der, integer, objectIdentifier, sequence, set, tagged } from './der.ts';
import { ecdsaWithSha256, pemOfKey, publicKeyDer, subjectAltName } from './x509-parts.ts';

/** A certification request (PKCS#10, RFC 2986) and the new private key that it is for. */
export interface SigningRequest {
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
