const keyCharactersMax = 64;
const pairsMax = 100;

/** Reads `key=value key="quoted value"`, as many programs write their lines. Skips other text. Never throws. */
export function parseLogfmt(text: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  let from = 0;
  while (from < text.length && pairs.size < pairsMax) {
    const equals = text.indexOf('=', from);
    if (equals < 0) break;
    // Looks back no further than a key may reach: a line of nothing but "=" would otherwise take quadratic time.
    const before = text.slice(Math.max(from, equals - keyCharactersMax - 1), equals);
    const key = before.slice(before.lastIndexOf(' ') + 1);
    const end = valueEnd(text, equals + 1);
    if (/^[\w.-]+$/.test(key) && key.length <= keyCharactersMax && !pairs.has(key))
      pairs.set(key, unquoted(text.slice(equals + 1, end)));
    from = end + 1;
  }
  return pairs;
}

/** Where the value that begins at `from` ends: after its quotation mark, or at the next space. */
function valueEnd(text: string, from: number): number {
  if (text[from] !== '"') {
    const space = text.indexOf(' ', from);
    return space < 0 ? text.length : space;
  }
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  const inner = value.length > 1 && value.endsWith('"') ? value.slice(1, -1) : value.slice(1);
  return inner.replaceAll('\\"', '"').replaceAll('\\\\', '\\');
}

/** A line that is one JSON object. */
export type JsonLine = Readonly<Record<string, unknown>>;

let lastText = '';
let lastLine: JsonLine | null = null;

/**
 * The object that the whole text is; null for anything else. Several dialects ask about the same line in turn, so the
 * last result is kept.
 */
export function jsonLine(text: string): JsonLine | null {
  if (!text.startsWith('{')) return null;
  if (text !== lastText) [lastText, lastLine] = [text, parsed(text)];
  return lastLine;
}

function parsed(text: string): JsonLine | null {
  try {
    return jsonObject(JSON.parse(text));
  } catch {
    return text.length < truncatedCharactersMin ? null : parsedBeginning(text);
  }
}

/** Lines are truncated to 65,536 bytes, which may be a fourth as many characters. */
const truncatedCharactersMin = 16_384;

/** The complete members of an object whose end was truncated. */
function parsedBeginning(text: string): JsonLine | null {
  const end = lastCommaOfObject(text);
  if (end < 2) return null;
  try {
    return jsonObject(JSON.parse(`${text.slice(0, end)}}`));
  } catch {
    return null;
  }
}

/** The last comma between members of the outermost object; -1 if there is none. */
function lastCommaOfObject(text: string): number {
  let depth = 0;
  let comma = -1;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfText(text, at);
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    else if (character === ',' && depth === 1) comma = at;
  }
  return comma;
}

/** The position of the quotation mark that ends a string, or the end of a truncated text. */
function endOfText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

/** Null if the value is no object. */
export function jsonObject(value: unknown): JsonLine | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonLine) : null;
}

/** Null if the value is no string. */
export function jsonText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** A number, or a string that is one; null for anything else. */
export function jsonNumber(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || !/^-?\d{1,15}(?:\.\d{1,15})?$/.test(value)) return null;
  return Number(value);
}

const zoneless = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?$/;

/** Milliseconds since the epoch of an RFC 3339 time with a date. Counts as UTC without a zone. Null for anything else. */
export function isoTimeMs(value: unknown): number | null {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/.test(value) || value.length > 40) return null;
  const atMs = Date.parse(`${value.replace(' ', 'T')}${zoneless.test(value) ? 'Z' : ''}`);
  return Number.isNaN(atMs) ? null : atMs;
}

/** A valid HTTP status; null for anything else, such as "-", 0 and -1, which logs write if there was none. */
export function statusOf(value: unknown): number | null {
  const status = jsonNumber(value);
  return status !== null && Number.isInteger(status) && status >= 100 && status <= 999 ? status : null;
}
