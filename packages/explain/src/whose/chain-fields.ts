/** One member of Proxy-Status, with the parts that show authorship. */
interface ProxyStatusMember {
  /** The intermediary's name: often the deployment's, not the product's. */
  readonly name: string;
  readonly error: string | null;
  /** The status that it received (RFC 9209 §2.1.4); null if not given. */
  readonly receivedStatus: number | null;
  readonly text: string;
}

/** More hops than any chain has. */
const membersMax = 32;

/**
 * The members of Proxy-Status, in order: the first is the intermediary closest to the origin, the last the one closest
 * to the user (RFC 9209 §2). Lenient: members that cannot be parsed are left out, since any layer may have written them.
 */
export function readProxyStatus(value: string | null): readonly ProxyStatusMember[] {
  if (value === null) return [];
  const members: ProxyStatusMember[] = [];
  for (const text of splitOutsideQuotes(value, ',').slice(0, membersMax)) {
    const [name = '', ...parameters] = splitOutsideQuotes(text, ';');
    if (unquote(name) === '') continue;
    const received = parameterOf(parameters, 'received-status');
    members.push({
      name: unquote(name),
      error: parameterOf(parameters, 'error'),
      receivedStatus: received !== null && /^[1-9]\d\d$/.test(received) ? Number(received) : null,
      text: text.trim(),
    });
  }
  return members;
}

function parameterOf(parameters: readonly string[], wanted: string): string | null {
  let value: string | null = null;
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    if (equals > 0 && parameter.slice(0, equals).trim() === wanted) value = unquote(parameter.slice(equals + 1));
  }
  return value;
}

/** The members of Via (RFC 9110 §7.6.3), in order: the first is the intermediary closest to the origin. */
interface ViaMember {
  /** The host or pseudonym, without the protocol. */
  readonly name: string;
  /** "(Varnish/7.1)", without the parentheses; empty if missing. */
  readonly comment: string;
  readonly text: string;
}

export function readVia(value: string | null): readonly ViaMember[] {
  if (value === null) return [];
  const members: ViaMember[] = [];
  for (const raw of splitOutsideQuotes(value, ',').slice(0, membersMax)) {
    const text = raw.trim();
    if (text === '') continue;
    const open = text.indexOf('(');
    const comment = open < 0 ? '' : text.slice(open + 1).replace(/\)\s*$/, '');
    const words = (open < 0 ? text : text.slice(0, open)).trim().split(/\s+/);
    // Kong before version 3 wrote `kong/2.8.1` alone, without the required protocol before it.
    members.push({ name: words.length > 1 ? words.slice(1).join(' ') : (words[0] ?? ''), comment, text });
  }
  return members;
}

function splitOutsideQuotes(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted && character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && character === separator) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

function unquote(text: string): string {
  const trimmed = text.trim();
  return trimmed.length > 1 && trimmed.startsWith('"') && trimmed.endsWith('"')
    ? trimmed.slice(1, -1).replace(/\\(.)/g, '$1')
    : trimmed;
}
