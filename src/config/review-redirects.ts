/** Redirects to hosts that are not ours, and redirects that lead back to themselves. */
import type { RouteMatch } from '../core/route-spec.ts';
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { withPath } from '../schema/format/redirect-location.ts';
import { matchOf } from './match.ts';
import type { Path } from '../schema/findings.ts';
import type { RouteRead } from './route-schema.ts';
import { tlsOfListener } from './wanted-files.ts';

/** Clients follow some 20 redirects; a loop is shorter than the number of routes that people write for one page. */
const hopsMax = 20;

export function reviewRedirects(draft: Draft, collector: ErrorCollector): void {
  for (const [at, route] of draft.routes) {
    const location = locationOf(route);
    if (location === null) continue;
    reviewHost(location, route, pathOf(route, at), collector);
    reviewLoop(location, route, at, draft, collector);
  }
}

function pathOf({ redirect }: RouteRead, at: number): Path {
  return typeof redirect === 'string' ? ['routes', at, 'redirect'] : ['routes', at, 'redirect', 'location'];
}

function locationOf({ redirect }: RouteRead): string | null {
  if (redirect === undefined || typeof redirect === 'string') return redirect === undefined ? null : withPath(redirect);
  return redirect.keep_path === false ? redirect.location : withPath(redirect.location);
}

/** Whoever asks names the host, and a page that another site shows may ask (RFC 9110 §7.2). */
function reviewHost(location: string, { host }: RouteRead, path: Path, collector: ErrorCollector): void {
  if (!location.includes('{host}') || (host !== undefined && host.length > 0)) return;
  collector.warnAtValue(
    path,
    '{host} is whatever host a client names, and this route serves every host: it redirects to hosts that are not yours',
    'add "host" to the route, with the names that are yours',
  );
}

interface RedirectTarget {
  /** Null: any that no route names. */
  readonly host: string | null;
  readonly path: string;
}

/** Follows the redirect of the first request that the route takes. Routes that match by headers depend on more than can be seen here. */
function reviewLoop(location: string, route: RouteRead, at: number, draft: Draft, collector: ErrorCollector): void {
  const { hosts, pathPrefix, methods, headers } = matchOf(route);
  if (headers.length > 0) return;
  const method = methods[0] ?? 'GET';
  let target: RedirectTarget | null = { host: hosts.find((one) => !one.startsWith('*.')) ?? null, path: pathPrefix };
  let next: RouteRead | undefined = route;
  for (let hop = 0; hop < hopsMax && next !== undefined; hop++) {
    const to: string | null = next === route ? location : locationOf(next);
    target = to === null ? null : targetOf(to, target, draft);
    if (target === null) return;
    const here: RedirectTarget = target;
    next = [...draft.routes.values()].find((one) => takes(one, here, method));
    if (next !== route) continue;
    collector.warnAtValue(
      pathOf(route, at),
      'clients are redirected in a loop: this route redirects the location again',
      adviceFor(location, here, matchOf(route)),
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
function targetOf(location: string, from: RedirectTarget | null, { routes, listeners }: Draft): RedirectTarget | null {
  const host = from?.host ?? null;
  const filled = location
    .replaceAll('{host}', host ?? 'host.invalid')
    .replaceAll('{path}', from?.path ?? '/')
    .replaceAll('{query}', '');
  const isUrl = /^https?:/i.test(filled);
  // Another server may listen there.
  const hasTls = [...listeners.values()].some((one) => tlsOfListener(one) !== null);
  if (isUrl && /^https:/i.test(filled) !== hasTls) return null;
  const url = URL.parse(filled, 'http://host.invalid');
  if (url === null) return null;
  const path = url.pathname.length > 1 ? url.pathname.replace(/\/$/, '') : '/';
  if (!isUrl || location.includes('{host}')) return { host, path };
  const isOurs = [...routes.values()].some((one) => (one.host ?? []).some((name) => covers(name, url.hostname)));
  return isOurs ? { host: url.hostname, path } : null;
}

function takes(route: RouteRead, { host, path }: RedirectTarget, method: string): boolean {
  const { hosts, pathPrefix, methods, headers } = matchOf(route);
  return (
    headers.length === 0 &&
    (methods.length === 0 || methods.includes(method)) &&
    (hosts.length === 0 || (host !== null && hosts.some((name) => covers(name, host)))) &&
    (pathPrefix === '/' || path === pathPrefix || path.startsWith(`${pathPrefix}/`))
  );
}

function covers(pattern: string, host: string): boolean {
  return pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)));
}
