import type { RouteMatch } from '../core/configuration.ts';
import type { RequestHead } from '../core/message.ts';
import type { Route, Router } from '../exchange/ports.ts';
import { plainPath } from './plain-path.ts';

export interface RouteEntry {
  readonly match: RouteMatch;
  readonly route: Route;
}

/** Hosts whose routes are remembered; a stranger who invents names makes us forget, not grow. */
const hostsMax = 1024;

/**
 * The first route in the configuration's order that matches. Which routes a host can reach is worked out once
 * per host, so that a request looks only at those.
 */
export function createRouter(routes: readonly RouteEntry[]): Router {
  const entries = routes.map(({ match, route }) => ({
    match: { ...match, pathPrefix: plainPath(match.pathPrefix) },
    route,
  }));
  const byHost = new Map<string, readonly RouteEntry[]>();
  return {
    route(request) {
      const host = hostOf(request.authority);
      let reachable = byHost.get(host);
      if (reachable === undefined) {
        reachable = entries.filter((entry) => matchesHost(entry.match.hosts, host));
        if (byHost.size >= hostsMax) byHost.clear();
        byHost.set(host, reachable);
      }
      return firstMatch(reachable, request);
    },
  };
}

function firstMatch(entries: readonly RouteEntry[], request: RequestHead): Route | null {
  const target = plainPath(request.target);
  for (const { match, route } of entries) {
    if (!matchesPath(match.pathPrefix, target)) continue;
    if (match.methods.length > 0 && !match.methods.includes(request.method)) continue;
    if (match.fields.length > 0 && !matchesFields(match, request)) continue;
    return route;
  }
  return null;
}

/** Without the port: routes are by name. */
function hostOf(authority: string): string {
  const colon = authority.lastIndexOf(':');
  return colon < 0 || authority.endsWith(']') ? authority : authority.slice(0, colon);
}

export function matchesHost(hosts: readonly string[], host: string): boolean {
  if (hosts.length === 0) return true;
  return hosts.some((pattern) => (pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern));
}

/** `/api` matches `/api`, `/api/x` and `/api?x`, not `/apiary`. */
export function matchesPath(prefix: string, target: string): boolean {
  if (prefix === '/') return true;
  if (!target.startsWith(prefix)) return false;
  if (prefix.endsWith('/') || target.length === prefix.length) return true;
  const next = target.charCodeAt(prefix.length);
  return next === 0x2f || next === 0x3f;
}

function matchesFields(match: RouteMatch, request: RequestHead): boolean {
  return match.fields.every(({ name, value }) =>
    value === null ? request.fields.has(name) : request.fields.get(name) === value,
  );
}
