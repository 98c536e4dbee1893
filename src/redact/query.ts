import { charCodeAt } from '../core/copy-bytes.ts';
import { leftOut } from './span.ts';

/** A query parameter with a longer name is treated as a value. */
const queryNameMax = 64;

/** A parameter that some servers read as two, or that runs into a fragment. */
const twofold = /[;#]/;
const plainName = /^[\w.\-[\]$:@~]+$/;
const decodedName = /^[\p{L}\p{N}\p{M}_.\-[\]$:@~ ]+$/u;

/**
 * The query without its values: `a=1&page=2` becomes `a=…&page=2` when `page` is allowed.
 *
 * Names stay as they were sent; `allowed` holds lowercase names, compared after percent-decoding. A part
 * with nothing behind its name, or only "=", stays only if its name is allowed, because it may be a token: "=" pads Base64. Some servers separate parameters at
 * ";" too, so a value with ";" is never kept, and neither is a name that could hold a value of its own. The
 * result is never longer than the query, if `replacement`, which stands for removed text, is one character.
 */
export function redactQuery(query: string, allowed: ReadonlySet<string>, replacement = leftOut): string {
  let result = '';
  let start = 0;
  for (;;) {
    const next = query.indexOf('&', start);
    const end = next === -1 ? query.length : next;
    result += redactParameter(query.slice(start, end), allowed, replacement);
    if (next === -1) return result;
    result += '&';
    start = next + 1;
  }
}

/** `leftOut` in JSON. */
const leftOutInJson = Uint8Array.from('\\u2026', (letter) => letter.charCodeAt(0));

/** Not 0: letters of a name that can be written unchanged (`plainName`). */
const nameBytes = new Uint8Array(256);
for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-[]$:@~')
  nameBytes[letter.charCodeAt(0)] = 1;

const ampersand = 0x26;
/** "&", ";" and "#". */
const endsOfParameter: readonly number[] = [ampersand, 0x3b, 0x23];
const equalsSign = 0x3d;

/**
 * Writes the result of `redactQuery` for the query that begins at `start` of `target`, if no parameter is allowed, in JSON
 * and without creating a string. This works for nearly every query. Returns the end; −1 if a name needs a closer look, then ignore
 * the written bytes. There must be room for four bytes per character.
 */
export function writeRedactedQuery(target: string, start: number, bytes: Uint8Array, at: number): number {
  let to = at;
  let nameStart = start;
  let isValue = false;
  for (let index = start; index < target.length; index++) {
    const code = charCodeAt(target, index);
    if (code === ampersand) {
      if (!isValue && index > nameStart) to = writeLeftOut(bytes, to - (index - nameStart));
      bytes[to++] = code;
      nameStart = index + 1;
      isValue = false;
    } else if (isValue) continue;
    else if (code === equalsSign) {
      if (index - nameStart > queryNameMax) return -1;
      isValue = true;
      if (index > nameStart && isPadding(target, index)) {
        to = writeLeftOut(bytes, to - (index - nameStart));
        continue;
      }
      bytes[to++] = code;
      const next = index + 1;
      if (next < target.length && charCodeAt(target, next) !== ampersand) to = writeLeftOut(bytes, to);
    } else if (nameBytes[code] !== 1) return -1;
    else bytes[to++] = code;
  }
  return isValue || nameStart === target.length ? to : writeLeftOut(bytes, to - (target.length - nameStart));
}

/** Whether only "=" follows from `start` on, up to the end of the parameter as any server reads it. */
function isPadding(target: string, start: number): boolean {
  let index = start;
  while (index < target.length && charCodeAt(target, index) === equalsSign) index++;
  return index === target.length || endsOfParameter.includes(charCodeAt(target, index));
}

function writeLeftOut(bytes: Uint8Array, at: number): number {
  for (let index = 0; index < leftOutInJson.length; index++) bytes[at + index] = leftOutInJson[index] as number;
  return at + leftOutInJson.length;
}

function redactParameter(parameter: string, allowed: ReadonlySet<string>, replacement: string): string {
  if (parameter === '') return '';
  const equals = parameter.indexOf('=');
  const name = equals === -1 ? parameter : parameter.slice(0, equals);
  const known = nameOf(name);
  if (known !== null && allowed.has(known) && !twofold.test(parameter)) return parameter;
  if (equals === -1 || (equals > 0 && isPadding(parameter, equals))) return replacement;
  const shown = known === null && name !== '' ? replacement : name;
  return parameter === '=' ? parameter : `${shown}=${replacement}`;
}

/** The name as the application decodes it, lowercase; null if it is not a valid name. */
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
