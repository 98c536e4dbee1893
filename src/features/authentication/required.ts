import type { User } from '../../core/exchange.ts';
import type { RequiredOfUsers } from './settings.ts';

/** What the user lacks of what the route requires, a clause; null: nothing. */
export function lackOf({ name, claims }: User, required: RequiredOfUsers | null): string | null {
  if (required === null) return null;
  const { users, groups, claims: wanted } = required;
  if (users !== null && !users.includes(name)) return 'a name that the route lets in';
  if (groups !== null && !groupsOf(claims).some((group) => groups.includes(group)))
    return groups.length === 1 ? `the group ${groups[0]}` : `each of the groups ${groups.join(', ')}`;
  for (const [claim, values] of Object.entries(wanted ?? {}))
    if (!textsOf(claims, claim).some((value) => values.includes(value))) return `a fitting claim ${claim}`;
  return null;
}

export function groupsOf(claims: User['claims']): readonly string[] {
  return textsOf(claims, 'groups');
}

/** The values of a claim as texts: a list has several, and what is no text, number or boolean has none. */
function textsOf(claims: User['claims'], name: string): readonly string[] {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.flatMap((one) => (['string', 'number', 'boolean'].includes(typeof one) ? [String(one)] : []));
}
