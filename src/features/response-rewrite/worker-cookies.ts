import type { AnsweredRequest } from '../../core/response-values.ts';
import type { CookieChange, PathPrefixes } from './settings.ts';
import { pathForClient } from './worker-urls.ts';

interface Attribute {
  /** Lowercase. */
  readonly name: string;
  /** Without blanks around it; '' where there is none. */
  readonly value: string;
  /** As the application wrote it, without the semicolon before it. */
  readonly text: string;
}

/** `ownHosts`: without ports. */
interface CookieScope {
  readonly prefix: PathPrefixes | null;
  readonly answered: AnsweredRequest;
  readonly ownHosts: readonly string[];
}

/** One Set-Cookie line with changed attributes, read as RFC 6265bis §5.6 has it. Name, value and all other attributes keep their spelling. */
export function cookieForClient(line: string, change: CookieChange, scope: CookieScope): string {
  const [pair = '', ...texts] = line.split(';');
  const attributes = texts.map(attributeOf);
  const isOfHost = /^\s*__host-/i.test(pair);
  const isSecureName = /^\s*__(?:host|secure)-/i.test(pair);
  const kept = attributes.flatMap((attribute) => changedAttribute(attribute, isOfHost, isSecureName, change, scope));
  return [pair, ...kept, ...added(isOfHost, change)].join(';');
}

function attributeOf(text: string): Attribute {
  const at = text.indexOf('=');
  const name = at < 0 ? text : text.slice(0, at);
  return { name: name.trim().toLowerCase(), value: at < 0 ? '' : text.slice(at + 1).trim(), text };
}

/** Browsers drop a cookie with `__Host-` that has a domain, another path than /, or no Secure. */
function changedAttribute(
  { name, value, text }: Attribute,
  isOfHost: boolean,
  isSecureName: boolean,
  { path, domain, secure, httpOnly, sameSite }: CookieChange,
  scope: CookieScope,
): readonly string[] {
  if (name === 'secure') return secure === null || (!secure && isSecureName) ? [text] : [];
  if (name === 'httponly') return httpOnly === null ? [text] : [];
  if (name === 'samesite') return sameSite === null ? [text] : [];
  if (isOfHost) return [text];
  if (name === 'path') return path === 'keep' ? [text] : path === 'auto' ? [movedPath(value, text, scope.prefix)] : [];
  if (name === 'domain') return domain === 'keep' || (domain === 'auto' && !isOwnDomain(value, scope)) ? [text] : [];
  return [text];
}

function added(isOfHost: boolean, { path, domain, secure, httpOnly, sameSite }: CookieChange): readonly string[] {
  return [
    ...(isOfHost || path === 'keep' || path === 'auto' ? [] : [` Path=${path}`]),
    ...(isOfHost || ['keep', 'auto', 'none'].includes(domain) ? [] : [` Domain=${domain}`]),
    ...(secure === true ? [' Secure'] : []),
    ...(httpOnly === true ? [' HttpOnly'] : []),
    ...(sameSite === null ? [] : [` SameSite=${sameSites[sameSite]}`]),
  ];
}

const sameSites = { lax: 'Lax', strict: 'Strict', none: 'None' } as const;

/** Anything but a path is no attribute for browsers, which take the folder of the request instead. `/app/` would not hold for `/app`. */
function movedPath(path: string, text: string, prefix: PathPrefixes | null): string {
  if (prefix === null || !path.startsWith('/')) return text;
  const moved = pathForClient(path, prefix);
  return ` Path=${path === prefix.ofApplication || path === '/' ? moved.replace(/(.)\/$/, '$1') : moved}`;
}

/** Browsers drop a cookie for a domain that the host they ask does not lie in. */
function isOwnDomain(value: string, { answered, ownHosts }: CookieScope): boolean {
  const domain = value.replace(/^\./, '').toLowerCase();
  const isBelow = (host: string): boolean => host === domain || host.endsWith(`.${domain}`);
  return domain !== '' && ownHosts.some(isBelow) && !answered.authorities.map(hostOfAuthority).some(isBelow);
}

export function hostOfAuthority(authority: string): string {
  return authority.toLowerCase().replace(/:\d*$/, '');
}
