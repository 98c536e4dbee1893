/** One member of Proxy-Status (RFC 9209 §2): what this intermediary did, or why it could not. */
export interface ProxyStatus {
  /** The name of this deployment, never of the product. */
  readonly deployment: string;
  /** The registered type of the failure. */
  readonly error?: string;
  readonly nextHop?: string;
  /** The ALPN identifier of the protocol spoken with the next hop, whether ALPN chose it or not (§2.1.3). */
  readonly nextProtocol?: string;
  readonly receivedStatus?: number;
  readonly details?: string;
  /** The type's own parameters (RFC 9209 §2.3): an Integer, or a Token or String as the text allows. */
  readonly parameters?: Readonly<Record<string, string | number>>;
}

/**
 * The member as a structured field item (RFC 9651 §4.1). Our own serialiser, because this stands in every answer that
 * we generate; tested against a library's parser.
 */
export function proxyStatusMember(status: ProxyStatus): string {
  let text = tokenOrString(status.deployment);
  if (status.error !== undefined) text += `;error=${tokenOrString(status.error)}`;
  if (status.nextHop !== undefined) text += `;next-hop=${tokenOrString(status.nextHop)}`;
  if (status.nextProtocol !== undefined) text += `;next-protocol=${tokenOrBytes(status.nextProtocol)}`;
  if (status.receivedStatus !== undefined) text += `;received-status=${integer(status.receivedStatus)}`;
  for (const [name, value] of Object.entries(status.parameters ?? {})) {
    if (!isKey(name)) continue;
    text += `;${name}=${typeof value === 'number' ? integer(value) : stringOnly.has(name) ? string(value) : tokenOrString(value)}`;
  }
  if (status.details !== undefined) text += `;details=${string(status.details)}`;
  return text;
}

/** RFC 9209 §2.3: the parameters that must be Strings even where a Token would do. */
const stringOnly: ReadonlySet<string> = new Set(['rcode', 'status-phrase', 'header-name', 'trailer-name']);

/** Our member behind those of the hops before us (RFC 9209 §2: the list goes from the origin's side to the user's). */
export function appendProxyStatus(before: string | null, member: string): string {
  return before === null || before === '' ? member : `${before}, ${member}`;
}

/**
 * What may go on of the members that came from behind us: null where the header is no list of names with parameters
 * (RFC 9651 §4.2 has such a header ignored as a whole; before our member it would make that unreadable too), and without
 * members that bear our name, which only we may speak in.
 */
export function othersProxyStatus(value: string | null, deployment: string): string | null {
  const ours = nameOf(tokenOrString(deployment));
  const others = membersOf(value)?.filter(({ name }) => nameOf(name) !== ours) ?? [];
  return others.length === 0 ? null : others.map(({ text }) => text).join(', ');
}

/** Whether a member with our name says that a request came back to us: our own answer, which an application passes on. */
export function tellsOurLoop(value: string | null, deployment: string): boolean {
  const ours = nameOf(tokenOrString(deployment));
  return membersOf(value)?.some(({ name, text }) => nameOf(name) === ours && loopParameter.test(text)) === true;
}

/** Strings have their quotes escaped, so that an even number of others stands before what is in none. */
const loopParameter = /^(?:[^"]|"(?:[^"\\]|\\.)*")*?; *error=proxy_loop_detected(?:;|$)/;

interface Member {
  readonly text: string;
  readonly name: string;
}

/** Null: the header is no list of names with parameters, or empty. */
function membersOf(value: string | null): readonly Member[] | null {
  if (value === null || value === '') return null;
  const members: Member[] = [];
  let at = 0;
  for (;;) {
    member.lastIndex = at;
    const found = member.exec(value);
    if (found === null) return null;
    const [text, name = ''] = found;
    members.push({ text, name });
    at = member.lastIndex;
    if (at === value.length) return members;
    separator.lastIndex = at;
    if (!separator.test(value)) return null;
    at = separator.lastIndex;
  }
}

/** RFC 9209 §2: a String or Token. Case makes no other name, since people read it. */
function nameOf(item: string): string {
  return (item.startsWith('"') ? item.slice(1, -1).replace(/\\(.)/g, '$1') : item).toLowerCase();
}

const sfString = '"(?:[ !#-[\\]-~]|\\\\["\\\\])*"';
const sfToken = "[A-Za-z*][!#$%&'*+\\-.^_`|~\\w:/]*";
/** RFC 9651 §3.3: numbers, strings, tokens, bytes, booleans, dates, display strings. */
const bareItem = [
  '-?\\d{1,12}\\.\\d{1,3}(?!\\d)',
  '-?\\d{1,15}(?![\\d.])',
  sfString,
  sfToken,
  ':[A-Za-z0-9+/=]*:',
  '\\?[01]',
  '@-?\\d{1,15}(?![\\d.])',
  '%"(?:[ !#$&-~]|%[0-9a-f]{2})*"',
].join('|');
const parameters = `(?:; *[a-z*][a-z0-9_\\-.*]*(?:=(?:${bareItem}))?)*`;
const member = new RegExp(`(${sfString}|${sfToken})${parameters}`, 'y');
const separator = /[ \t]*,[ \t]*/y;

/** RFC 9651 §3.3.4: sf-token = ( ALPHA / "*" ) *( tchar / ":" / "/" ). */
const token = /^[A-Za-z*][!#$%&'*+\-.^_`|~\w:/]*$/;

/** RFC 9651 §3.1.2: key = ( lcalpha / "*" ) *( lcalpha / DIGIT / "_" / "-" / "." / "*" ). */
function isKey(name: string): boolean {
  return /^[a-z*][a-z0-9_\-.*]*$/.test(name);
}

function tokenOrString(text: string): string {
  return token.test(text) ? text : string(text);
}

/** RFC 9209 §2.1.3: an ALPN name is a Token where it can be one, and a Byte Sequence elsewhere. */
function tokenOrBytes(name: string): string {
  return token.test(name) ? name : `:${Buffer.from(name, 'latin1').toString('base64')}:`;
}

/** RFC 9651 §3.3.3: printable ASCII, with "\" before `"` and "\"; any other character becomes "?". */
function string(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}

/** RFC 9651 §3.3.1: at most fifteen digits. */
function integer(value: number): string {
  const bound = 999_999_999_999_999;
  return String(Math.max(-bound, Math.min(bound, Math.trunc(Number.isNaN(value) ? 0 : value))));
}
