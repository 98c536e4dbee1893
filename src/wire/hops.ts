import type { HttpVersion } from '../core/message.ts';

/**
 * Whom a request has been through, as each of them writes it: Via (RFC 9110 §7.6.3), which every intermediary sends, and
 * CDN-Loop (RFC 8586 §2), which those send that customers must not be able to switch off.
 *
 * Lists are cut at every comma. A comment or a quoted parameter may hold one, so that a member too many is counted; but a
 * parser that believes in a comment without an end could be made to loop by a client that begins one.
 */

/** The Via header with our member at the end; `before` is the received value, or null. */
export function viaValue(before: string | null, version: HttpVersion, name: string): string {
  return withMember(before, `${version === 'HTTP/2' ? '2.0' : version.slice(5)} ${pseudonym(name)}`);
}

/** The CDN-Loop header with our member at the end; `before` is the received value, or null. */
export function cdnLoopValue(before: string | null, member: string): string {
  return withMember(before, member);
}

/** Our member of CDN-Loop. `token` stands for the route that the request takes; '' where the route is not told. */
export function cdnLoopMember(name: string, token: string): string {
  return token === '' ? pseudonym(name) : `${pseudonym(name)}; ${routeParameter}${token}`;
}

const routeParameter = 'route=';

function withMember(before: string | null, member: string): string {
  return before === null || before === '' ? member : `${before}, ${member}`;
}

let lastName = '';
let lastPseudonym = '-';

/** A host, perhaps with its port, or a pseudonym: a token, so that no name of a deployment can break the list. */
function pseudonym(name: string): string {
  // It is the same for every request, until a reload renames it.
  if (name !== lastName) {
    lastPseudonym = name.replace(/[^A-Za-z0-9._~:-]/g, '-') || '-';
    lastName = name;
  }
  return lastPseudonym;
}

/** The hops that a list names. */
export interface Hops {
  readonly count: number;
  /** How many of them bear our name. */
  readonly ours: number;
  /** Whether one of these has taken the route that was asked for. */
  readonly sameRoute: boolean;
}

const noHops: Hops = { count: 0, ours: 0, sameRoute: false };

/** The hops of a Via header; null: there is none. They do not tell routes. */
export function viaHops(value: string | null, name: string): Hops {
  return value === null ? noHops : hopsOf(value, name, (member) => member.split(/[ \t]+/, 2)[1] ?? '', noRoute);
}

/** The hops of a CDN-Loop header, and whether one of ours has taken the route of `token`; null: there is none. */
export function cdnLoopHops(value: string | null, name: string, token: string): Hops {
  if (value === null) return noHops;
  const nameOf = (member: string): string => (member.split(';', 1)[0] as string).trimEnd();
  return hopsOf(value, name, nameOf, token === '' ? noRoute : (member) => hasParameter(member, routeParameter + token));
}

function hasParameter(member: string, parameter: string): boolean {
  return member.split(';').some((part, index) => index > 0 && part.trim() === parameter);
}

const noRoute = (): boolean => false;

function hopsOf(
  value: string,
  name: string,
  nameOf: (member: string) => string,
  hasRoute: (member: string) => boolean,
): Hops {
  const own = pseudonym(name).toLowerCase();
  let count = 0;
  let ours = 0;
  let sameRoute = false;
  for (const part of value.split(',')) {
    const member = part.trim();
    if (member === '') continue; // RFC 9110 §5.6.1: empty members do not count.
    count++;
    if (nameOf(member).toLowerCase() !== own) continue;
    ours++;
    sameRoute ||= hasRoute(member);
  }
  return { count, ours, sameRoute };
}
