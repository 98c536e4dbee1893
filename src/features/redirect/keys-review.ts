/** Redirects to hosts that are not ours, and redirects that lead back to themselves. */
import { isHostPattern, isWildcard, matchesHost } from '../../core/host-match.ts';
import { pathsOf, pathTest } from '../../core/path-match.ts';
import type { RouteMatch } from '../../core/route-spec.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import type { Written } from '../feature-keys.ts';
import { locationIn, type RedirectRead } from './keys-format.ts';

type WrittenRedirects = Written<RedirectRead, object, object>;
type WrittenRoute = WrittenRedirects['routes'][number];

/** Clients follow some 20 redirects; a loop is shorter than the number of routes that people write for one page. */
const hopsMax = 20;

export function reviewRedirects(written: WrittenRedirects, findings: Findings): void {
  for (const route of written.routes) {
    const location = locationIn(route.read);
    if (location === null) continue;
    reviewHost(location, route, findings);
    reviewLoop(location, route, written, findings);
  }
}

function pathOf({ path, read }: WrittenRoute): Path {
  return typeof read.redirect === 'string' ? [...path, 'redirect'] : [...path, 'redirect', 'location'];
}

/** Whoever asks names the host, and a page that another site shows may ask (RFC 9110 §7.2). */
function reviewHost(location: string, route: WrittenRoute, findings: Findings): void {
  if (!location.includes('{host}') || route.match.hosts.length > 0) return;
  findings.warnAtValue(
    pathOf(route),
    '{host} is whatever host a client names, and this route serves every host: it redirects to hosts that are not yours',
    'add "host" to the route, with the names that are yours',
  );
}

interface RedirectTarget {
  /** Null: any that no route names. */
  readonly host: string | null;
  readonly path: string;
}

/** Follows the redirect of the first request that the route takes. Routes that match by conditions depend on more than can be seen here. */
function reviewLoop(location: string, route: WrittenRoute, written: WrittenRedirects, findings: Findings): void {
  const { hosts, pathPrefix, paths, methods, conditions } = route.match;
  // An example of a glob would be a guess.
  if (conditions !== undefined || paths?.[0]?.kind === 'glob' || paths?.[0]?.kind === 'pattern') return;
  const method = methods[0] ?? 'GET';
  let target: RedirectTarget | null = {
    host: hosts.find((one) => !isWildcard(one) && !isHostPattern(one)) ?? null,
    path: paths?.[0]?.text ?? pathPrefix,
  };
  let next: WrittenRoute | undefined = route;
  for (let hop = 0; hop < hopsMax && next !== undefined; hop++) {
    const to: string | null = next === route ? location : locationIn(next.read);
    target = to === null ? null : targetOf(to, target, written);
    if (target === null) return;
    const here: RedirectTarget = target;
    next = written.routes.find((one) => takes(one, here, method));
    if (next !== route) continue;
    findings.warnAtValue(
      pathOf(route),
      'clients are redirected in a loop: this route redirects the location again',
      adviceFor(location, here, route.match),
    );
    return;
  }
}

function adviceFor(location: string, { host, path }: RedirectTarget, { hosts, pathPrefix }: RouteMatch): string {
  const isUrl = /^https?:/i.test(location);
  if (isUrl && host !== null && !location.includes('{host}') && !hosts.includes(host))
    return `add a route with host: ${host} before this one`;
  if (isUrl)
    return 'remove the route: a listener with "tls" redirects requests in clear text by itself ("redirect_http")';
  return path === pathPrefix || location.includes('{')
    ? 'redirect to a place that another route serves'
    : `add a route with path: ${path} before this one`;
}

/** Where a location leads; null: to a host that no route names, or to what this gateway does not listen for. */
function targetOf(
  location: string,
  from: RedirectTarget | null,
  { routes, listensWithTls }: WrittenRedirects,
): RedirectTarget | null {
  const host = from?.host ?? null;
  const filled = location
    .replaceAll('{host}', host ?? 'host.invalid')
    .replaceAll('{path}', from?.path ?? '/')
    .replaceAll('{query}', '');
  const isUrl = /^https?:/i.test(filled);
  // Another server may listen there.
  if (isUrl && /^https:/i.test(filled) !== listensWithTls) return null;
  const url = URL.parse(filled, 'http://host.invalid');
  if (url === null) return null;
  const path = url.pathname.length > 1 ? url.pathname.replace(/\/$/, '') : '/';
  if (!isUrl || location.includes('{host}')) return { host, path };
  const isOurs = routes.some(({ match }) => match.hosts.length > 0 && matchesHost(match.hosts, url.hostname));
  return isOurs ? { host: url.hostname, path } : null;
}

function takes({ match }: WrittenRoute, { host, path }: RedirectTarget, method: string): boolean {
  const { hosts, methods, conditions } = match;
  return (
    conditions === undefined &&
    (methods.length === 0 || methods.includes(method)) &&
    (hosts.length === 0 || (host !== null && matchesHost(hosts, host))) &&
    pathsOf(match).some((one) => pathTest(one)(path))
  );
}
