import type { HttpVersion } from '../core/message.ts';

/**
 * Whom a request has been through, as each of them writes it: Via (RFC 9110 §7.6.3), which every intermediary sends, and
 * CDN-Loop (RFC 8586 §2), which those send that customers must not be able to switch off.
 *
 * Lists are cut at every comma. A comment or a quoted parameter may hold one, so that a member too many is counted; but a
 * parser that believes in a comment without an end could be made to loop by a client that begins one.
 */

/** The Via field with our member at the end; `before` is the received value, or null. */
export function viaValue(before: string | null, version: HttpVersion, name: string): string {
  const member = `${version === 'HTTP/2' ? '2.0' : version.slice(5)} ${pseudonym(name)}`;
  return before === null || before === '' ? member : `${before}, ${member}`;
}

/** The CDN-Loop field with our member at the end; `before` is the received value, or null. */
export function cdnLoopValue(before: string | null, name: string): string {
  const member = pseudonym(name);
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
  /** Whether one of them bears our name. */
  readonly ours: boolean;
}

const noHops: Hops = { count: 0, ours: false };

/** The hops of a Via field; null: there is none. */
export function viaHops(value: string | null, name: string): Hops {
  return value === null ? noHops : hopsOf(value, name, (member) => member.split(/[ \t]+/, 2)[1] ?? '');
}

/** The hops of a CDN-Loop field; null: there is none. */
export function cdnLoopHops(value: string | null, name: string): Hops {
  return value === null ? noHops : hopsOf(value, name, (member) => (member.split(';', 1)[0] as string).trimEnd());
}

function hopsOf(value: string, name: string, nameOf: (member: string) => string): Hops {
  const own = pseudonym(name).toLowerCase();
  let count = 0;
  let ours = false;
  for (const part of value.split(',')) {
    const member = part.trim();
    if (member === '') continue; // RFC 9110 §5.6.1: empty members do not count.
    count++;
    if (nameOf(member).toLowerCase() === own) ours = true;
  }
  return { count, ours };
}
