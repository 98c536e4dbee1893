import type { RouteMatch } from '../core/route-spec.ts';
import { leftOut } from '../redact/span.ts';
import { redactPath } from '../redact/target.ts';
import { matchesOf } from '../schema/value-match.ts';
import type { RouteRead } from './route-schema.ts';

export function matchOf(route: RouteRead): RouteMatch {
  return {
    hosts: [...new Set(route.host ?? [])],
    pathPrefix: route.path ?? '/',
    methods: [...new Set(route.methods ?? [])],
    headers: matchesOf(route.headers).map(({ name, value }) => ({ name: name.toLowerCase(), value })),
  };
}

/** Whether every request that `later` matches is matched by `earlier` already. */
export function shadows(earlier: RouteMatch, later: RouteMatch): boolean {
  return (
    hostsCover(earlier.hosts, later.hosts) &&
    pathCovers(earlier.pathPrefix, later.pathPrefix) &&
    methodsCover(earlier.methods, later.methods) &&
    headersCover(earlier, later)
  );
}

function hostsCover(earlier: readonly string[], later: readonly string[]): boolean {
  if (earlier.length === 0) return true;
  return (
    later.length > 0 &&
    later.every((host) =>
      earlier.some(
        (pattern) =>
          pattern === host ||
          (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)) && host !== pattern.slice(1)),
      ),
    )
  );
}

function pathCovers(earlier: string, later: string): boolean {
  return earlier === '/' || later === earlier || later.startsWith(`${earlier}/`);
}

function methodsCover(earlier: readonly string[], later: readonly string[]): boolean {
  return earlier.length === 0 || (later.length > 0 && later.every((method) => earlier.includes(method)));
}

/** All that `earlier` asks for must be asked for by `later` too. */
function headersCover(earlier: RouteMatch, later: RouteMatch): boolean {
  return earlier.headers.every((wanted) =>
    later.headers.some(({ name, value }) => name === wanted.name && (wanted.value === null || wanted.value === value)),
  );
}

/**
 * The ids of routes in their order: what the file says, or what people recognise and what stays while the match does, such as
 * `example.org/api`, `GET:/`, `/api;x-beta`. Of headers an id has the names alone: their values may be credentials, and ids are
 * in logs, metrics and messages to people. A number tells routes apart that match the same otherwise. It is the same for all
 * gateways with this file, and stays when a value is replaced.
 */
export function routeIds(routes: readonly RouteRead[]): string[] {
  const taken = new Set(routes.flatMap(({ id }) => id ?? []));
  const last = new Map<string, number>();
  return routes.map((route) => {
    if (route.id !== undefined) return route.id;
    const wanted = idOf(matchOf(route));
    let number = last.get(wanted) ?? 0;
    let id: string;
    do {
      number += 1;
      id = number === 1 ? wanted : `${wanted}#${number}`;
    } while (taken.has(id));
    taken.add(id);
    last.set(wanted, number);
    return id;
  });
}

function idOf(match: RouteMatch): string {
  const methods = match.methods.length === 0 ? '' : `${match.methods.join(',')}:`;
  const [first = '', ...others] = match.hosts;
  const more = others.length === 0 ? '' : `+${others.length}`;
  const path = redactPath(match.pathPrefix).replaceAll(leftOut, '_');
  return `${methods}${first}${more}${path}${match.headers.map(({ name }) => `;${name}`).join('')}`;
}
