import { matchesPrefix } from '../../core/path-match.ts';
import type { AnsweredRequest } from '../../core/response-values.ts';
import type { PathPrefixes, UrlChange } from './settings.ts';

/** Scheme, host and the rest of a URL that names a host; browsers treat backslashes as slashes. */
const urlParts = /^(?:(https?):)?[/\\]{2}([^/\\?#]*)(.*)$/is;

/**
 * A URL as the client can ask for it. One with a host of the application becomes a path, so that the client keeps the scheme, host and port by which it
 * asks. Anything else that a URL can be stays as it is, such as a relative path, or another host.
 */
export function urlForClient(
  url: string,
  change: UrlChange,
  prefix: PathPrefixes | null,
  answered: AnsweredRequest,
): string {
  const parts = urlParts.exec(url);
  if (parts === null) return change.paths && url.startsWith('/') ? pathForClient(url, prefix) : url;
  const [, written = '', host = '', rest = ''] = parts;
  const scheme = written.toLowerCase();
  if (isOwn(scheme, host, change, answered)) return pathForClient(/^[/\\]/.test(rest) ? rest : `/${rest}`, prefix);
  if (!change.paths || !includesHost(answered.authorities, host, scheme) || !rest.startsWith('/')) return url;
  return `${url.slice(0, url.length - rest.length)}${pathForClient(rest, prefix)}`;
}

/** An application that redirects from http to its own https means another server than the one that the gateway asked. */
function isOwn(scheme: string, host: string, { hosts }: UrlChange, answered: AnsweredRequest): boolean {
  if (includesHost(hosts, host, scheme)) return true;
  const isScheme = scheme === '' || scheme === answered.schemeSent || scheme === answered.scheme;
  return isScheme && includesHost(answered.ownAuthorities, host, scheme);
}

function includesHost(hosts: readonly string[], host: string, scheme: string): boolean {
  const plain = withoutPort(host.toLowerCase(), scheme);
  return hosts.some((one) => withoutPort(one, scheme) === plain);
}

const usualPorts: Readonly<Record<string, RegExp>> = { http: /:80$/, https: /:443$/ };

function withoutPort(authority: string, scheme: string): string {
  return authority.replace(usualPorts[scheme] ?? /:(?:80|443)$/, '');
}

/** A path that begins with the prefix of clients already is that of an application which knows of it (X-Forwarded-Prefix). */
export function pathForClient(path: string, prefix: PathPrefixes | null): string {
  const moved = prefix === null ? path : movedPath(path, prefix);
  // Two slashes would begin another host (RFC 3986 §4.2), and browsers ignore tabs in a URL.
  return moved.replace(/^[/\\\t ]+/, '/');
}

function movedPath(path: string, { ofClients, ofApplication }: PathPrefixes): string {
  const isInside = matchesPrefix(ofClients, ofApplication);
  const [end] = /^[^?#]*/.exec(path) as RegExpExecArray;
  if (!isInside && matchesPrefix(ofClients, end)) return path;
  if (!matchesPrefix(ofApplication, end)) return path;
  const rest = path.slice(ofApplication === '/' ? 0 : ofApplication.length);
  return ofClients === '/' ? `/${rest}` : `${ofClients}${rest}`;
}

/** HTML, "shared declarative refresh steps": seconds, then the URL, perhaps in quotes. */
const refreshParts = /^(\s*[\d.]+\s*(?:[;,]\s*|\s)(?:url\s*=\s*)?)("[^"]*|'[^']*|.*)(.*)$/is;

export function refreshForClient(value: string, ofUrl: (url: string) => string): string {
  const parts = refreshParts.exec(value);
  if (parts === null) return value;
  const [, before = '', url = '', after = ''] = parts;
  const quote = /^["']/.exec(url)?.[0] ?? '';
  return `${before}${quote}${ofUrl(url.slice(quote.length))}${after}`;
}
