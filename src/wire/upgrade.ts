/**
 * The protocols that an Upgrade header asks for and that may be changed to, by preference; null: none (RFC 9110 §7.8).
 * An offer of HTTP, in whatever version, or of TLS is ignored, and the request is answered over HTTP/1.1: HTTP/2 over an
 * upgraded connection was withdrawn (RFC 9113 §3.1), and in a tunnel of either the gateway would see none of the requests.
 */
export function protocolsAsked(value: string): string | null {
  const asked = protocolsIn(value).filter((protocol) => !isNotTunnelled.test(protocol));
  return asked.length === 0 ? null : asked.join(', ');
}

/** The protocols that the Upgrade header of a 426 names (RFC 9110 §15.5.22), whichever they are; null: none. */
export function protocolsRequired(value: string | null): string | null {
  const required = value === null ? [] : protocolsIn(value);
  return required.length === 0 ? null : required.join(', ');
}

/** Upgrade = #( token [ "/" token ] ). A value with a member that is something else is ignored, all of it. */
const isProtocol = /^[!#$%&'*+\-.^_`|~\w]+(?:\/[!#$%&'*+\-.^_`|~\w]+)?$/;

function protocolsIn(value: string): string[] {
  const members = membersOf(value);
  return members.every((member) => isProtocol.test(member)) ? members : [];
}

const isNotTunnelled = /^(?:h2c?|http|tls)(?:\/|$)/i;

/**
 * What a 101 response changes to, as its Upgrade header says it; null where that is nothing, or was not asked for. All
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
