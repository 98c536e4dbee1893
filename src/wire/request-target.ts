import type { RequestRule } from '#failures/rules.ts';
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
 * CONNECT is refused whatever its target: a gateway is no tunnel (RFC 9110 §9.3.6). `takesHttps`: the connection has TLS, or its peer is
 * trusted; RFC 9110 §7.4 has us refuse "https" that did not come secured otherwise.
 */
export function readTarget(
  bytes: Buffer,
  start: number,
  end: number,
  method: string,
  takesHttps: boolean,
): RequestTarget | RequestRule {
  if (method === 'CONNECT') return 'connect-not-offered';
  // §3.2.1: origin-form.
  if (bytes[start] === slash) return { target: bytes.toString('latin1', start, end), authority: '' };
  // §3.2.4: asterisk-form.
  if (bytes[start] === asterisk && end - start === 1) {
    return method === 'OPTIONS' ? { target: '*', authority: '' } : 'target-form';
  }
  // §3.2.2: absolute-form. What is left is authority-form, which belongs to CONNECT.
  return absoluteForm(bytes, start, end, method, takesHttps);
}

const prefixes = ['http://', 'https://'] as const;

function absoluteForm(
  bytes: Buffer,
  start: number,
  end: number,
  method: string,
  takesHttps: boolean,
): RequestTarget | RequestRule {
  const prefix = prefixes.find((one) => isText(bytes, start, Math.min(start + one.length, end), one));
  if (prefix === undefined) return 'target-form';
  if (prefix === 'https://' && !takesHttps) return 'scheme-insecure';
  const authorityStart = start + prefix.length;
  let pathStart = authorityStart;
  while (pathStart < end && bytes[pathStart] !== slash && bytes[pathStart] !== questionMark) pathStart++;
  if (!isAuthority(bytes, authorityStart, pathStart)) return 'host-invalid';

  const authority = authorityText(bytes, authorityStart, pathStart);
  const rest = bytes.toString('latin1', pathStart, end);
  if (rest === '') return { target: method === 'OPTIONS' ? '*' : '/', authority };
  return { target: rest.startsWith('/') ? rest : `/${rest}`, authority };
}

/**
 * The target with those bytes percent-encoded that may not stand there: what everybody behind the parser gets, so that no two
 * readers differ about them. It is a target that any client may send; RFC 9112 §3 warns of correcting a request line whose parts
 * are not clear, and here they are.
 */
export function encodedTarget(target: string): string {
  const at = target.indexOf('?');
  if (at === -1) return target.replace(rawPathBytes, escaped);
  return target.slice(0, at).replace(rawPathBytes, escaped) + target.slice(at).replace(rawQueryBytes, escaped);
}

const escaped = (byte: string): string => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`;

/** Those that `pathBytes` and `queryBytes` mark. */
const rawPathBytes = /["<>`{}\x80-\xff]/g;
const rawQueryBytes = /["<>\x80-\xff]/g;
