export const jwtName = 'jwt';

export interface JwtSpec {
  readonly keys: JwtKeysSpec;
  /** Which signatures are believed, whatever a token says of itself. */
  readonly algorithms: readonly string[];
  /** Null: whoever has signed with one of the keys. */
  readonly issuers: readonly string[] | null;
  readonly audiences: readonly string[] | null;
  readonly clockSkewMs: number;
  /** Where requests have their token, names lowercase but that of a cookie. */
  readonly from: { readonly kind: 'bearer' | 'header' | 'cookie'; readonly name: string };
  /** The claim that is the user's name. */
  readonly userClaim: string;
  /** Where the groups are: a claim, or one within others, with dots between. */
  readonly groupsClaim: string;
  /** Headers that endpoints get, each with the claim in it. */
  readonly claimHeaders: readonly (readonly [header: string, claim: string])[];
  readonly passesCredentials: boolean;
}

export type JwtKeysSpec =
  /** A JSON Web Key Set with public keys. */
  | { readonly kind: 'set'; readonly jwksText: string }
  | { readonly kind: 'secret'; readonly secretText: string }
  /** The upstream is asked for its set. */
  | { readonly kind: 'upstream'; readonly upstream: string; readonly target: string };

export const publicAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
export const secretAlgorithms = ['HS256', 'HS384', 'HS512'] as const;

/** Of a set of keys: more are no help, and each worker holds them. */
export const keySetBytesMax = 256 * 1024;
export const keysOfSetMax = 100;
