import type { PathMatch } from '../core/path-match.ts';

const dotSegment = /^[^?]*\/(?:\.|%2[eE]){1,2}(?:[/?]|$)/;
const unreserved = /[A-Za-z0-9\-._~]/;

/**
 * The target with the normal form of its path (RFC 3986 §6.2.2): unreserved characters not encoded, dot
 * segments resolved, and repeated slashes merged, because most applications treat them as one. Routes are found by this
 * spelling, so that no client bypasses a route with `/%61dmin`, `//admin` or `/x/../admin`. Characters that must be encoded,
 * above all `%2F`, stay encoded; the query is unchanged.
 */
export function plainPath(target: string): string {
  if (isPlain(target) || !target.startsWith('/')) return target;
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  return resolved(path.replace(/%([\dA-Fa-f]{2})/g, decodedOrUpper)) + (mark < 0 ? '' : target.slice(mark));
}

/**
 * Whether the path has its plain spelling already, as nearly every target has. One look at each byte takes a tenth
 * of the time of a regular expression.
 */
function isPlain(target: string): boolean {
  let before = 0;
  for (let at = 0; at < target.length; at++) {
    const byte = target.charCodeAt(at);
    if (byte === question) return true;
    if (byte === percent || (before === slash && (byte === slash || byte === dot))) return false;
    before = byte;
  }
  return true;
}

const [slash, dot, percent, question] = [0x2f, 0x2e, 0x25, 0x3f] as const;

/** A path of a route in that spelling. A regular expression is not one. */
export function plainMatch({ kind, text }: PathMatch): PathMatch {
  if (kind === 'pattern') return { kind, text };
  return { kind, text: text.startsWith('/') ? plainPath(text) : plainPath(`/${text}`).slice(1) };
}

/** Whether the path has dot segments: then only its resolved form may be put behind another prefix. */
export function hasDotSegment(target: string): boolean {
  return !isPlain(target) && dotSegment.test(target);
}

/** A dot segment that `plainPath` leaves, and that some applications resolve: at an encoded slash or backslash, or before a parameter. */
const hiddenDotSegment = /^[^?]*(?:\/|%2F|%5C)\.{1,2}(?:[/;?]|%2F|%5C|$)/;

/** Whether an application that decodes slashes could be led out of the folder in which the target seems to lie. */
export function hidesDotSegment(target: string): boolean {
  return hiddenDotSegment.test(plainPath(target));
}

function decodedOrUpper(encoded: string, hex: string): string {
  const character = String.fromCharCode(Number.parseInt(hex, 16));
  return unreserved.test(character) ? character : encoded.toUpperCase();
}

/** RFC 3986 §5.2.4; dot segments never lead above the root. */
function resolved(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const last = segments.at(-1);
  const isFolder = last === '' || last === '.' || last === '..';
  return kept.length === 0 ? '/' : `/${kept.join('/')}${isFolder ? '/' : ''}`;
}
