import type { RequestRule } from '../core/rules.ts';
import { isText } from './characters.ts';
import { authorityText, isAuthority } from './host.ts';

const slash = 0x2f;
const asterisk = 0x2a;
const questionMark = 0x3f;

/** A request target taken apart (RFC 9112 §3.2). */
export interface RequestTarget {
  /** Path and query in origin-form, or "*". */
  readonly target: string;
  /** Of an absolute-form; '' for the other forms. */
  readonly authority: string;
}

/**
 * Decides the form of the target in bytes [start, end), which hold only what may stand in one, and takes it apart.
 * A string is the rule that it breaks.
 *
 * CONNECT is refused whatever its target: a gateway is no tunnel (RFC 9110 §9.3.6). An absolute-form must have the
 * connection's scheme, since RFC 9110 §7.4 has us refuse "https" that did not come secured.
 */
export function readTarget(
  bytes: Buffer,
  start: number,
  end: number,
  method: string,
  scheme: 'http' | 'https',
): RequestTarget | RequestRule {
  if (method === 'CONNECT') return 'connect-not-offered';
  // §3.2.1: origin-form.
  if (bytes[start] === slash) return { target: bytes.toString('latin1', start, end), authority: '' };
  // §3.2.4: asterisk-form.
  if (bytes[start] === asterisk && end - start === 1) {
    return method === 'OPTIONS' ? { target: '*', authority: '' } : 'target-form';
  }
  // §3.2.2: absolute-form. What is left is authority-form, which belongs to CONNECT.
  return absoluteForm(bytes, start, end, method, scheme);
}

function absoluteForm(
  bytes: Buffer,
  start: number,
  end: number,
  method: string,
  scheme: 'http' | 'https',
): RequestTarget | RequestRule {
  const prefix = `${scheme}://`;
  const authorityStart = start + prefix.length;
  if (!isText(bytes, start, Math.min(authorityStart, end), prefix)) return 'target-form';
  let pathStart = authorityStart;
  while (pathStart < end && bytes[pathStart] !== slash && bytes[pathStart] !== questionMark) pathStart++;
  if (!isAuthority(bytes, authorityStart, pathStart)) return 'host-invalid';

  const authority = authorityText(bytes, authorityStart, pathStart);
  const rest = bytes.toString('latin1', pathStart, end);
  if (rest === '') return { target: method === 'OPTIONS' ? '*' : '/', authority };
  return { target: rest.startsWith('/') ? rest : `/${rest}`, authority };
}

/**
 * The target with those bytes of its query percent-encoded that may not stand there: what everybody behind the parser gets, so that no two
 * readers differ about them. It is a target that any client may send; RFC 9112 §3 warns of correcting a request line whose parts
 * are not clear, and here they are.
 */
export function encodedTarget(target: string): string {
  return target.replace(rawQueryBytes, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Those that `queryBytes` marks. The path has none. */
const rawQueryBytes = /["<>\x80-\xff]/g;
