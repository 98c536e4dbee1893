import type { User } from '../../../core/exchange.ts';
import { jwtName, type JwtSpec } from './settings.ts';

type Claims = Readonly<Record<string, unknown>>;

/** Names are told in records and headers. */
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

export function textsOf(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.flatMap((one) => (['string', 'number', 'boolean'].includes(typeof one) ? [String(one)] : []));
}

/** Null: the token does not say who its user is. */
export function userOf(
  claims: Claims,
  { userClaim, groupsClaim }: Pick<JwtSpec, 'userClaim' | 'groupsClaim'>,
): User | null {
  const value = claimAt(claims, userClaim);
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const name = String(value);
  if (name === '' || name.length > nameLengthMax) return null;
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
