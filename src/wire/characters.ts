/**
 * Which bytes may stand where, as tables with one entry per byte: 0 for no. Each has its ABNF.
 */
export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HTAB = 0x09;
export const COLON = 0x3a;
export const COMMA = 0x2c;

const alphaNumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/**
 * RFC 9110 §5.6.2: tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~"
 * / DIGIT / ALPHA
 */
export const tokenBytes = tableOf(`!#$%&'*+-.^_\`|~${alphaNumeric}`);

/**
 * RFC 9110 §5.5: field-content = field-vchar [ 1*( SP / HTAB / field-vchar ) field-vchar ],
 * field-vchar = VCHAR / obs-text. Also what a reason phrase is made of (RFC 9112 §4).
 */
export const headerValueBytes = tableOfRanges([HTAB, HTAB], [0x20, 0x7e], [0x80, 0xff]);

/**
 * RFC 9112 §3.2, RFC 3986 §3.3: unreserved / pct-encoded / sub-delims / ":" / "@" / "/", with "[" and "]" for the
 * authority of an absolute-form. Beyond the grammar we take "|" and "^", which browsers leave as they are in a path, and, marked by a 2,
 * what programs send as it is and what we percent-encode before anything reads it: so that no two readers differ about a path. Never "\\",
 * which some of them take for a slash.
 */
export const pathBytes = tableOf(`-._~%!$&'()*+,;=:@/[]|^${alphaNumeric}`);
markRaw(pathBytes, '"<>`{}');

/**
 * RFC 3986 §3.4: query = *( pchar / "/" / "?" ). Beyond it we take "`", "{", "}" and "\", which browsers leave as
 * they are in a query (WHATWG URL, query percent-encode set), and, marked by a 2, what is percent-encoded, as in paths. Never "#", a control or a space.
 */
export const queryBytes = tableOf(`-._~%!$&'()*+,;=:@/?[]|^\`{}\\${alphaNumeric}`);
markRaw(queryBytes, '"<>');

function markRaw(table: Uint8Array, characters: string): void {
  for (const character of characters) table[character.charCodeAt(0)] = 2;
  table.fill(2, 0x80);
}

/** RFC 3986 §3.2.2: reg-name without pct-encoded, *( unreserved / sub-delims ); IPv4 addresses are among them. */
export const hostBytes = tableOf(`-._~!$&'()*+,;=${alphaNumeric}`);

/** RFC 5234 §B.1: HEXDIG, either case: the digit's value plus one. */
export const hexDigits = hexTable();

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

function tableOfRanges(...ranges: readonly (readonly [first: number, last: number])[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const [first, last] of ranges) table.fill(1, first, last + 1);
  return table;
}

function hexTable(): Uint8Array {
  const table = new Uint8Array(256);
  for (let value = 0; value < 16; value++) {
    const digit = value.toString(16);
    table[digit.charCodeAt(0)] = value + 1;
    table[digit.toUpperCase().charCodeAt(0)] = value + 1;
  }
  return table;
}

/** Whether bytes [start, end) are `lowercase`, letters in either case. `lowercase` is ASCII, of token characters. */
export function isText(bytes: Uint8Array, start: number, end: number, lowercase: string): boolean {
  if (end - start !== lowercase.length) return false;
  for (let index = 0; index < lowercase.length; index++) {
    if (foldCase(bytes[start + index] as number) !== lowercase.charCodeAt(index)) return false;
  }
  return true;
}

/** Whether bytes [start, end) are exactly `text`. */
export function isSame(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let index = 0; index < text.length; index++) if (bytes[start + index] !== text.charCodeAt(index)) return false;
  return true;
}

/** An ASCII capital becomes its small letter; everything else stays. */
export function foldCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

export function isBlank(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB;
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

const excerptBytesMax = 48;

/** At most 48 bytes as printable ASCII, the rest as \xNN: for evidence, never for a decision. */
export function excerpt(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  const stop = Math.min(end, start + excerptBytesMax);
  for (let at = start; at < stop; at++) {
    const byte = bytes[at] as number;
    text += byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return stop < end ? `${text}…` : text;
}
