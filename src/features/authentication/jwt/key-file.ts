import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import { keysOfSetMax } from './settings.ts';

interface KeyFlaw {
  readonly message: string;
  readonly suggestion: string;
}

/** What stands in a file of public keys: a JSON Web Key Set, or PEM. */
interface KeyFile {
  /** As a JSON Web Key Set; null: there is a flaw. */
  readonly jwksText: string | null;
  /** Types of the keys, such as 'RSA' or 'EC P-256'. */
  readonly types: readonly string[];
  readonly flaw: KeyFlaw | null;
}

type Key = webcrypto.JsonWebKey;

const publicPart = 'openssl pkey -in KEY -pubout';

export function readPublicKeys(text: string): KeyFile {
  const content = text.trim();
  if (content === '') return flawed('it is empty', 'write the public keys of the issuer into it, as JWKS or PEM');
  return content.startsWith('{') ? fromJson(content) : fromPem(content);
}

function fromJson(content: string): KeyFile {
  let read: unknown;
  try {
    read = JSON.parse(content);
  } catch {
    return flawed('it begins as JSON, and is none', 'download it again from the issuer');
  }
  const set = read as { readonly keys?: unknown; readonly kty?: unknown };
  const keys = Array.isArray(set.keys) ? (set.keys as unknown[]) : typeof set.kty === 'string' ? [set] : null;
  if (keys === null)
    return flawed('it has no list "keys"', 'write a JSON Web Key Set (RFC 7517), such as { "keys": [ … ] }');
  if (keys.length === 0)
    return flawed('its list "keys" is empty: nobody could enter', 'add the public keys of the issuer');
  if (keys.length > keysOfSetMax)
    return flawed(`it has ${keys.length} keys, and ${keysOfSetMax} are the most`, 'remove old ones');
  const usable: Key[] = [];
  for (const [index, key] of keys.entries()) {
    const flaw = flawOfKey(key, index + 1);
    if (flaw !== null) return { jwksText: null, types: [], flaw };
    usable.push(key as Key);
  }
  return { jwksText: JSON.stringify({ keys: usable }), types: usable.map(typeOf), flaw: null };
}

function flawOfKey(key: unknown, number: number): KeyFlaw | null {
  if (typeof key !== 'object' || key === null)
    return { message: `its key ${number} is no object`, suggestion: 'write keys as RFC 7517 has them' };
  const { kty, d, k } = key as Key;
  if (kty === 'oct' || k !== undefined)
    return {
      message: `its key ${number} is a secret that signs tokens, and no public key`,
      suggestion: 'name the file of a shared secret in "secret_file"',
    };
  if (d !== undefined)
    return {
      message: `its key ${number} is private: whoever reads the file can sign tokens`,
      suggestion: 'write its public part: remove "d" and the other private members',
    };
  const read = publicKeyIn(key as Key);
  if (read === null)
    return { message: `its key ${number} cannot be read`, suggestion: 'download it again from the issuer' };
  return weakness(read, number);
}

/** Null: it cannot be read. */
function publicKeyIn(key: Key): KeyObject | null {
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    return null;
  }
}

/** RFC 7518 §3.3. */
const rsaBitsMin = 2048;

function weakness({ asymmetricKeyDetails: details }: KeyObject, number: number): KeyFlaw | null {
  const { modulusLength: bits = rsaBitsMin, publicExponent = 3n } = details ?? {};
  if (bits < rsaBitsMin)
    return {
      message: `its key ${number} has ${bits} bits, and ${rsaBitsMin} are the least of RSA`,
      suggestion: 'have the issuer sign with a longer key',
    };
  // With the exponent 1 a signature is what it signs.
  if (publicExponent >= 3n) return null;
  return {
    message: `its key ${number} has the exponent ${publicExponent}: everybody could sign with it`,
    suggestion: 'download it again from the issuer',
  };
}

/** Whether signatures can be verified with a key of an issuer's set. */
export function isUsable(key: Key): boolean {
  const read = publicKeyIn(key);
  return read !== null && weakness(read, 0) === null;
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g;

function fromPem(content: string): KeyFile {
  const keys: Key[] = [];
  for (const [pem, label = ''] of content.matchAll(block)) {
    if (label.includes('PRIVATE'))
      return flawed(
        'it has a private key: whoever reads the file can sign tokens',
        `write its public part: ${publicPart}`,
      );
    try {
      const key = createPublicKey(pem);
      const flaw = weakness(key, keys.length + 1);
      if (flaw !== null) return { jwksText: null, types: [], flaw };
      keys.push(key.export({ format: 'jwk' }) as Key);
    } catch {
      return flawed(`its key ${keys.length + 1} cannot be read`, `write public keys into it, as ${publicPart} does`);
    }
  }
  if (keys.length === 0)
    return flawed('it has neither JSON nor PEM', 'write the public keys of the issuer into it, as JWKS or PEM');
  if (keys.length > keysOfSetMax)
    return flawed(`it has ${keys.length} keys, and ${keysOfSetMax} are the most`, 'remove old ones');
  return { jwksText: JSON.stringify({ keys }), types: keys.map(typeOf), flaw: null };
}

function typeOf({ kty = '', crv }: Key): string {
  return crv === undefined ? kty : `${kty} ${crv}`;
}

function flawed(message: string, suggestion: string): KeyFile {
  return { jwksText: null, types: [], flaw: { message, suggestion } };
}

const typesOfAlgorithms: readonly (readonly [algorithm: RegExp, type: RegExp])[] = [
  [/^[RP]S/, /^RSA$/],
  [/^ES256$/, /^EC P-256$/],
  [/^ES384$/, /^EC P-384$/],
  [/^ES512$/, /^EC P-521$/],
  [/^Ed/, /^OKP Ed25519$/],
];

/** Whether a key of this type can make signatures of one of the algorithms. */
export function fitsOne(type: string, algorithms: readonly string[]): boolean {
  return typesOfAlgorithms.some(
    ([algorithm, types]) => types.test(type) && algorithms.some((one) => algorithm.test(one)),
  );
}
