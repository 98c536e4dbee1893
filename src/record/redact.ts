import { charCodeAt } from '../core/copy-octets.ts';

/** What must not be written: credentials and the values of query parameters. */

/** Stands where something was left out. */
const leftOut = '…';
/** The same as it stands among octets. */
const leftOutOctets = Buffer.from(leftOut, 'utf8').toString('latin1');

/** Longest name of a query parameter that is believed to be a name. */
const queryNameMax = 64;

/** A parameter that some server may read as two, or that runs into a fragment. */
const twofold = /[;#]/;
const plainName = /^[\w.\-[\]$:@~]+$/;
const decodedName = /^[\p{L}\p{N}\p{M}_.\-[\]$:@~ ]+$/u;

/**
 * The query without its values: `a=1&page=2` becomes `a=…&page=2` when `page` is allowed.
 *
 * Names stay as they were sent; `allowed` holds lowercase names, compared after percent-decoding. A piece
 * without "=" stays only when its name is allowed: it may as well be a token. Some servers part parameters at
 * ";" too, so a value with ";" is never kept, and neither is a name that could hold a value of its own. The
 * result is never longer than the query, as long as `mark`, which stands for what is left out, is one character.
 */
export function redactQuery(query: string, allowed: ReadonlySet<string>, mark = leftOut): string {
  let result = '';
  let start = 0;
  for (;;) {
    const next = query.indexOf('&', start);
    const end = next === -1 ? query.length : next;
    result += redactParameter(query.slice(start, end), allowed, mark);
    if (next === -1) return result;
    result += '&';
    start = next + 1;
  }
}

/** `leftOut` in JSON. */
const leftOutInJson = Buffer.from('\\u2026', 'latin1');

/** Not 0: letters of a name that is plain enough to be written as it came (`plainName`). */
const nameOctets = new Uint8Array(256);
for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-[]$:@~')
  nameOctets[letter.charCodeAt(0)] = 1;

const ampersand = 0x26;
const equalsSign = 0x3d;

/**
 * Writes what `redactQuery` makes of the query that begins at `start` of `target`, when no parameter is allowed, in JSON
 * and without a string: nearly every query. Returns where it ends; −1 when a name needs a closer look, and nothing counts
 * that was written. There must be room for four octets a character.
 */
export function writeRedactedQuery(target: string, start: number, octets: Uint8Array, at: number): number {
  let to = at;
  let nameStart = start;
  let isValue = false;
  for (let index = start; index < target.length; index++) {
    const code = charCodeAt(target, index);
    if (code === ampersand) {
      if (!isValue && index > nameStart) to = writeLeftOut(octets, to - (index - nameStart));
      octets[to++] = code;
      nameStart = index + 1;
      isValue = false;
    } else if (isValue) continue;
    else if (code === equalsSign) {
      if (index - nameStart > queryNameMax) return -1;
      octets[to++] = code;
      isValue = true;
      const next = index + 1;
      if (next < target.length && charCodeAt(target, next) !== ampersand) to = writeLeftOut(octets, to);
    } else if (nameOctets[code] !== 1) return -1;
    else octets[to++] = code;
  }
  return isValue || nameStart === target.length ? to : writeLeftOut(octets, to - (target.length - nameStart));
}

function writeLeftOut(octets: Uint8Array, at: number): number {
  for (let index = 0; index < leftOutInJson.length; index++) octets[at + index] = leftOutInJson[index] as number;
  return at + leftOutInJson.length;
}

function redactParameter(piece: string, allowed: ReadonlySet<string>, mark: string): string {
  if (piece === '') return '';
  const equals = piece.indexOf('=');
  const name = equals === -1 ? piece : piece.slice(0, equals);
  const known = nameOf(name);
  if (known !== null && allowed.has(known) && !twofold.test(piece)) return piece;
  if (equals === -1) return mark;
  const shown = known === null && name !== '' ? mark : name;
  return equals === piece.length - 1 ? `${shown}=` : `${shown}=${mark}`;
}

/** The name as the application will understand it, lowercase; null when it is none. */
function nameOf(sent: string): string | null {
  if (sent.length > queryNameMax) return null;
  if (plainName.test(sent)) return sent.toLowerCase();
  const decoded = decodePercent(sent.replaceAll('+', ' '));
  return decoded !== null && decodedName.test(decoded) ? decoded.toLowerCase() : null;
}

function decodePercent(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** A path as it came. A fragment has no place in a request target; where one was sent it is left out. */
export function redactPath(path: string): string {
  const fragment = path.indexOf('#');
  return fragment === -1 ? path : `${path.slice(0, fragment)}#${leftOut}`;
}

/** Fields whose values never reach a log, wherever they turn up. */
const secretFields = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key', 'x-auth-token'];

/** Beyond this a text is not searched but cut: the patterns below must stay cheap. */
const textCharactersMax = 4096;

/** The first octets of garbage come like this (`wire/response-head.ts`). */
const hexadecimal = /^(?:[\da-f]{2}){8,}$/;

interface Rule {
  readonly pattern: RegExp;
  readonly becomes: string;
}

// Every pattern begins with a fixed word and repeats one class only, so that each is linear in the text.
// A line's end may also be written out (\r, \n), as evidence of octets is.
const rules: readonly Rule[] = [
  // Credentials with their scheme, wherever they stand (RFC 9110 §11.6.2).
  { pattern: /\b(bearer|basic|digest|negotiate)(\s+)[\w\-.~+/=:,"]{4,}/gi, becomes: `$1$2${leftOut}` },
  // user:password@ of an address (RFC 3986 §3.2.1).
  { pattern: /:\/\/[^\s/@"'<>]{1,256}@/g, becomes: `://${leftOut}@` },
  // JSON Web Tokens: two base64url objects, which begin with {". Also without their ".": looking for it from every
  // beginning costs the square of the text, and half a token is none of a log's business either.
  { pattern: /\beyJ[\w\-.]{8,}/g, becomes: leftOut },
  // What programs print of their settings: password=…, "api_key": "…", SESSION_TOKEN=….
  {
    pattern:
      /(passw(?:or)?d|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credentials?|session[-_]?id)(["']?\s{0,4}[:=]\s{0,4})("[^"]*"?|'[^']*'?|[^\s"'&,;]+)/gi,
    becomes: `$1$2${leftOut}`,
  },
  // Query values of an address or a request line.
  { pattern: /([?&][^\s=&?#"'<>]{1,64}=)[^\s&#"'<>]+/g, becomes: `$1${leftOut}` },
];

/**
 * Takes credentials out of a text that came from outside: lines that an application printed, the first octets
 * of a response that is none. `fields` are further field names, lowercase, whose values must not be written.
 */
export class TextRedactor {
  readonly #fieldLine: RegExp;

  constructor(fields: readonly string[] = []) {
    const names = [...new Set([...secretFields, ...fields.map((name) => name.toLowerCase())])];
    // The whole rest of the line: a Cookie field has many values, and some hold white space.
    this.#fieldLine = new RegExp(
      `(^|[^\\w-])(${names.map(literal).join('|')})(["']?\\s{0,4}[:=]\\s{0,4})(?:\\\\(?![rn])|[^\\\\\\r\\n])+`,
      'gi',
    );
  }

  redact(text: string): string {
    return hexadecimal.test(text) ? this.#redactHexadecimal(text) : this.#redactPlain(text);
  }

  /** Octets written out stay octets written out; the mark in them is UTF-8. */
  #redactHexadecimal(text: string): string {
    const octets = Buffer.from(text.slice(0, textCharactersMax), 'hex').toString('latin1');
    const redacted = this.#redactPlain(octets);
    if (redacted === octets) return text;
    return Buffer.from(redacted.replaceAll(leftOut, leftOutOctets), 'latin1').toString('hex');
  }

  #redactPlain(text: string): string {
    let result = text.length > textCharactersMax ? `${text.slice(0, textCharactersMax)}${leftOut}` : text;
    result = result.replace(this.#fieldLine, `$1$2$3${leftOut}`);
    for (const rule of rules) result = result.replace(rule.pattern, rule.becomes);
    return result;
  }

  /** A copy in which every string, however deep, has been redacted and cut to `charactersMax`. */
  redactAll<T>(value: T, charactersMax: number): T {
    return this.#copy(value, charactersMax, 0) as T;
  }

  #copy(value: unknown, charactersMax: number, depth: number): unknown {
    if (typeof value === 'string') return cut(this.redact(value), charactersMax);
    if (typeof value !== 'object' || value === null) return value;
    // Evidence is two levels deep; what is deeper is not ours.
    if (depth > 4) return null;
    if (Array.isArray(value)) return value.map((item) => this.#copy(item, charactersMax, depth + 1));
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, this.#copy(item, charactersMax, depth + 1)]),
    );
  }
}

function literal(name: string): string {
  return name.replace(/[^\w-]/g, '\\$&');
}

function cut(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax)}${leftOut}`;
}
