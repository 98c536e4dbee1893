/**
 * Authentication schemes that authenticate a connection and not a request (RFC 4559 §6, and NTLM as all know it): the server takes every
 * later request of the connection for the same user's, although RFC 9110 §3.3 forbids that. Where they are used, a connection to an
 * endpoint must not carry the requests of two clients.
 */
const boundScheme = /^(?:ntlm|nego|kerberos)[\w.:-]*(?:[ \t]|$)/i;

/** A quoted string, or the comma between two elements of a list. */
const quotedOrComma = /"(?:[^"\\]|\\.)*"?|,/g;

const letterK = 0x6b;
const letterN = 0x6e;

/** Whether the value of an Authorization header has credentials of such a scheme. For nearly all others the first letter says no. */
export function areBoundCredentials(authorization: string): boolean {
  const first = authorization.charCodeAt(0) | 0x20;
  if (first !== letterN && first !== letterK && !authorization.includes(',')) return false;
  return elementsOf(authorization).some((element) => boundScheme.test(element));
}

/**
 * What WWW-Authenticate asks for (RFC 9110 §11.6.1): `'bound'`, credentials of such a scheme alone; `'either'`, those or others;
 * `'unbound'`, others alone, or nothing.
 */
export function challengeKind(challenges: string | null): 'bound' | 'either' | 'unbound' {
  if (challenges === null) return 'unbound';
  const elements = elementsOf(challenges);
  if (!elements.some((element) => boundScheme.test(element))) return 'unbound';
  return elements.some((element) => beginsChallenge(element) && !boundScheme.test(element)) ? 'either' : 'bound';
}

/** A scheme, alone or with parameters. What has "=" behind its first word is a parameter of the challenge before it. */
function beginsChallenge(element: string): boolean {
  return /^[!#$%&'*+.^_`|~\w-]+(?:[ \t]+[^ \t=]|$)/.test(element);
}

function elementsOf(list: string): readonly string[] {
  const elements: string[] = [];
  let start = 0;
  for (const { 0: found, index } of list.matchAll(quotedOrComma)) {
    if (found !== ',') continue;
    elements.push(list.slice(start, index).trim());
    start = index + 1;
  }
  elements.push(list.slice(start).trim());
  return elements;
}
