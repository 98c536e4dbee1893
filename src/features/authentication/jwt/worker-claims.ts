import type { User } from '../../../core/exchange.ts';
import { headerListOf, headerValueOf } from '../header-value.ts';
import { jwtName, type JwtSpec } from './settings.ts';

type Claims = Readonly<Record<string, unknown>>;

const nameLengthMax = 256;

/** A claim by its name, or one within others: `realm_access.roles`. A claim whose own name has dots comes first, as `https://example.org/roles`. */
export function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Claims)[part];
  }
  return value;
}

function textsOf(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.flatMap((one) => (['string', 'number', 'boolean'].includes(typeof one) ? [String(one)] : []));
}

/** Headers for applications, by the claims whose values they have. */
export function claimHeaders(
  claims: Claims,
  headers: readonly (readonly [header: string, claim: string])[],
): readonly (readonly [name: string, value: string])[] {
  return headers.flatMap(([header, claim]) => {
    const value = claimAt(claims, claim);
    const texts = textsOf(value);
    if (texts.length === 0) return [];
    return [[header, Array.isArray(value) ? headerListOf(texts) : headerValueOf(texts[0] as string)] as const];
  });
}

/** Names stand in records and headers, where texts that are no Unicode would all look the same. */
export function isNameOfUser(text: string): boolean {
  return text !== '' && text.length <= nameLengthMax && text.isWellFormed();
}

/** Null: the token does not say who its user is. */
export function userOf(
  claims: Claims,
  { userClaim, groupsClaim }: Pick<JwtSpec, 'userClaim' | 'groupsClaim'>,
): User | null {
  const value = claimAt(claims, userClaim);
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const name = String(value);
  if (!isNameOfUser(name)) return null;
  const { scope } = claims;
  return {
    ...{ name, by: jwtName },
    claims: {
      ...claims,
      // RFC 8693 §4.2: a text with spaces between.
      ...(typeof scope === 'string' ? { scope: scope.split(' ') } : {}),
      groups: textsOf(claimAt(claims, groupsClaim)),
    },
  };
}
