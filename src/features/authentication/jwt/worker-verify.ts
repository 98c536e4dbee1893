/** What tokens are worth by a set of keys. The only file that loads the library. */
import { hash } from 'node:crypto';
import {
  type CompactJWSHeaderParameters,
  createLocalJWKSet,
  type CryptoKey,
  errors,
  type JSONWebKeySet,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyOptions,
} from 'jose';
import type { Clock } from '../../../core/time.ts';
import { isUsable } from './key-file.ts';
import { keysOfSetMax } from './settings.ts';

export type TokenVerdict =
  | { readonly ok: true; readonly claims: JWTPayload }
  | {
      readonly ok: false;
      readonly fault: string;
      readonly because: string;
      /** Whether the issuer may have begun to sign with another key. */
      readonly keyMissing: boolean;
    };

interface TokenRules {
  readonly algorithms: readonly string[];
  readonly issuers: readonly string[] | null;
  readonly audiences: readonly string[] | null;
  readonly clockSkewMs: number;
}

/** Public keys, or a secret. */
export type VerificationKeys = ((header: CompactJWSHeaderParameters) => Promise<CryptoKey>) | Uint8Array;

/** Throws if it is no set of keys. `count`: of what can verify signatures. */
export function keysOfSet(text: string): { readonly keys: VerificationKeys; readonly count: number } {
  const { keys } = JSON.parse(text) as { readonly keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('it has no list of keys');
  // A secret in a set that everybody may read is none; a signature by it is worth nothing. And a token without the name of its key is tried with
  // all that fit: one that cannot be used must not end that.
  const usable = (keys as (Record<string, unknown> | null)[]).filter(
    (key) =>
      typeof key?.['kty'] === 'string' && key['kty'] !== 'oct' && (key['use'] ?? 'sig') === 'sig' && isUsable(key),
  );
  if (usable.length === 0) throw new Error('it has no key that verifies signatures');
  if (usable.length > keysOfSetMax) throw new Error(`it has ${usable.length} keys, and ${keysOfSetMax} are the most`);
  const set = createLocalJWKSet({ keys: usable } as unknown as JSONWebKeySet);
  const isNamed = usable.some((key) => key?.['kid'] !== undefined);
  // Keys of PEM have no names, and tokens that name theirs are tried with those that fit.
  return { keys: isNamed ? set : ({ kid: _, ...header }) => set(header), count: usable.length };
}

/** Tokens that a client sends with each request are verified once: what is kept is as much as some hundred pages need. */
const keptMax = 4096;
/** A token that names no key is tried with so many of those that fit. */
const triedMax = 4;

/** The tokens of one set of keys and one route. */
export class TokenVerifier {
  readonly keys: VerificationKeys;
  readonly #rules: TokenRules;
  readonly #options: JWTVerifyOptions;
  readonly #clock: Clock;
  readonly #kept = new Map<string, JWTPayload>();

  constructor(keys: VerificationKeys, rules: TokenRules, clock: Clock) {
    this.keys = keys;
    this.#rules = rules;
    this.#clock = clock;
    const { algorithms, issuers, audiences, clockSkewMs } = rules;
    this.#options = {
      algorithms: [...algorithms],
      ...(issuers === null ? {} : { issuer: [...issuers] }),
      ...(audiences === null ? {} : { audience: [...audiences] }),
      clockTolerance: clockSkewMs / 1000,
      // A token without an end could never be taken back.
      requiredClaims: ['exp'],
    };
  }

  /** Null: the token was not verified yet. */
  known(token: string): TokenVerdict | null {
    const claims = this.#kept.get(idOf(token));
    return claims === undefined ? null : this.#inItsTime(claims);
  }

  async verify(token: string): Promise<TokenVerdict> {
    try {
      const claims = await this.#claimsOf(token);
      this.#keep(token, claims);
      return { ok: true, claims };
    } catch (error) {
      return refusalOf(error);
    }
  }

  async #claimsOf(token: string): Promise<JWTPayload> {
    const options = { ...this.#options, currentDate: new Date(this.#clock.wallTime()) };
    // A function is asked for the key that the header of the token names; the compiler wants to know which overload it is.
    if (typeof this.keys !== 'function') return (await jwtVerify(token, this.keys, options)).payload;
    try {
      return (await jwtVerify(token, this.keys, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      return await firstOf(error, async (key) => (await jwtVerify(token, key, options)).payload);
    }
  }

  /** The signature does not change; what time it is does. */
  #inItsTime(claims: JWTPayload): TokenVerdict {
    const now = Math.floor(this.#clock.wallTime() / 1000);
    const skew = this.#rules.clockSkewMs / 1000;
    if ((claims.exp ?? 0) <= now - skew) return expired;
    if (claims.nbf !== undefined && claims.nbf > now + skew) return notYetValid;
    return { ok: true, claims };
  }

  #keep(token: string, claims: JWTPayload): void {
    if (this.#kept.size >= keptMax) {
      const [oldest] = this.#kept.keys();
      this.#kept.delete(oldest as string);
    }
    this.#kept.set(idOf(token), claims);
  }
}

/** The token itself would keep the buffer of its request in memory. */
function idOf(token: string): string {
  return hash('sha256', token, 'base64');
}

async function firstOf<T>(keys: AsyncIterable<CryptoKey>, verify: (key: CryptoKey) => Promise<T>): Promise<T> {
  let tried = 0;
  for await (const key of keys) {
    if (++tried > triedMax) break;
    try {
      return await verify(key);
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

function refused(fault: string, because: string, keyMissing = false): Extract<TokenVerdict, { ok: false }> {
  return { ok: false, fault, because, keyMissing };
}

const expired = refused('expired', 'the token has expired');
const notYetValid = refused('not_yet_valid', 'the token is not valid yet');
const malformed = refused('malformed', 'the token cannot be read');

/** Claims whose names may be told: others come from the token. */
const ofClaims: Readonly<Record<string, readonly [fault: string, value: string, absent: string]>> = {
  iss: ['wrong_issuer', 'the token is of another issuer', 'the token names no issuer'],
  aud: ['wrong_audience', 'the token is for another audience', 'the token names no audience'],
  exp: ['no_expiry', 'the end of the token cannot be read', 'the token has no end ("exp")'],
  nbf: ['not_yet_valid', 'the token is not valid yet', 'the token is not valid yet'],
};

/** By the codes of the library, which are a part of its interface. */
function refusalOf(error: unknown): TokenVerdict {
  if (error instanceof errors.JWTExpired) return expired;
  if (error instanceof errors.JWTClaimValidationFailed) {
    const [fault, value, absent] = ofClaims[error.claim] ?? ['malformed', 'a claim of the token cannot be read', ''];
    return refused(fault, error.reason === 'missing' ? absent : value);
  }
  if (error instanceof errors.JWKSNoMatchingKey)
    return refused('unknown_key', 'no key is known that the token could be signed with', true);
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return refused('wrong_signature', 'the signature of the token is wrong');
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported)
    return refused('algorithm_refused', 'the token is signed by an algorithm that the route does not take');
  return malformed;
}
