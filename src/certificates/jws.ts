import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { pemOfKey } from './x509-certificate.ts';

/** The private key of an account, P-256, in PEM. */
export type AccountKeyPem = string;

/** The public key as a JSON Web Key (RFC 7517). */
interface PublicJwk {
  readonly crv: string;
  readonly kty: string;
  readonly x: string;
  readonly y: string;
}

/** A JSON Web Signature in the flattened serialization (RFC 7515 §7.2.2). */
interface FlatJws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** An account of the CA's that exists elsewhere, to which the ACME account is bound (RFC 8555 §7.3.4). */
export interface ExternalAccount {
  readonly keyId: string;
  /** base64url, as CAs hand it out. */
  readonly hmacKey: string;
}

export function generateAccountKey(): AccountKeyPem {
  return pemOfKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
}

export function isAccountKey(pem: string): boolean {
  try {
    return publicJwkOf(createPrivateKey(pem)).crv === 'P-256';
  } catch {
    return false;
  }
}

/** Signs for one account. */
export class AccountSigner {
  readonly jwk: PublicJwk;
  /** RFC 7638. */
  readonly thumbprint: string;
  readonly #key: KeyObject;

  /** Throws where `pem` is not a private key on P-256. */
  constructor(pem: AccountKeyPem) {
    this.#key = createPrivateKey(pem);
    this.jwk = publicJwkOf(this.#key);
    this.thumbprint = thumbprintOf(this.jwk);
  }

  /** ES256, RFC 7518 §3.4. `payload` null: the empty string of POST-as-GET (RFC 8555 §6.3). */
  sign(header: Readonly<Record<string, unknown>>, payload: unknown): FlatJws {
    return assemble({ alg: 'ES256', ...header }, payload, (input) =>
      sign('sha256', Buffer.from(input), { key: this.#key, dsaEncoding: 'ieee-p1363' }),
    );
  }

  /** RFC 8555 §8.1: what a challenge's token is answered with. */
  keyAuthorization(token: string): string {
    return `${token}.${this.thumbprint}`;
  }
}

/** The JWS that binds an ACME account to an external one: the account's public key, signed with the external account's key. */
export function bindExternalAccount({ keyId, hmacKey }: ExternalAccount, jwk: PublicJwk, url: string): FlatJws {
  return assemble({ alg: 'HS256', kid: keyId, url }, jwk, (input) =>
    createHmac('sha256', Buffer.from(hmacKey, 'base64url')).update(input).digest(),
  );
}

/** RFC 7638 §3: the digest of the required members in alphabetical order. */
export function thumbprintOf({ crv, kty, x, y }: PublicJwk): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

function publicJwkOf(key: KeyObject): PublicJwk {
  const { crv, kty, x, y } = createPublicKey(pemOfKey(key)).export({ format: 'jwk' });
  if (crv !== 'P-256' || kty === undefined || x === undefined || y === undefined)
    throw new TypeError('the key of an account is on the curve P-256');
  return { crv, kty, x, y };
}

function assemble(header: unknown, payload: unknown, seal: (input: string) => Buffer): FlatJws {
  const head = base64url(JSON.stringify(header));
  const body = payload === null ? '' : base64url(JSON.stringify(payload));
  return { protected: head, payload: body, signature: seal(`${head}.${body}`).toString('base64url') };
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
