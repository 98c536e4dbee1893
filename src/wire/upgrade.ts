/**
 * The protocols that an Upgrade field asks for and that may be changed to, by preference; null: none (RFC 9110 §7.8).
 * HTTP/2 over an upgraded connection was withdrawn (RFC 9113 §3.1): such an offer is passed over.
 */
export function protocolsAsked(value: string): string | null {
  const asked = membersOf(value).filter((protocol) => protocol.toLowerCase() !== 'h2c');
  return asked.length === 0 ? null : asked.join(', ');
}

/**
 * What a 101 response changes to, as its Upgrade field says it; null where that is nothing, or was not asked for. All
 * that it names must have been (protocols in layers); names are compared without regard to case (§7.8).
 */
export function protocolAnswered(asked: string | null, answered: string | null): string | null {
  if (asked === null || answered === null) return null;
  const offered = new Set(membersOf(asked.toLowerCase()));
  const chosen = membersOf(answered);
  const isOffered = chosen.length > 0 && chosen.every((protocol) => offered.has(protocol.toLowerCase()));
  return isOffered ? chosen.join(', ') : null;
}

function membersOf(list: string): string[] {
  return list
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
}
