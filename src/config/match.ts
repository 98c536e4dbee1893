import { coversHosts } from '../core/host-match.ts';
import { coversPath, literalPrefix, type PathMatch, pathsOf } from '../core/path-match.ts';
import type { RouteMatch } from '../core/route-spec.ts';
import { leftOut } from '../redact/span.ts';
import { redactPath } from '../redact/target.ts';
import { matchesOf } from '../schema/value-match.ts';
import type { RouteRead } from './route-schema.ts';

export function matchOf(route: RouteRead): RouteMatch {
  return {
    hosts: [...new Set(route.host ?? [])],
    ...pathMatchOf(route.path ?? []),
    methods: [...new Set(route.methods ?? [])],
    headers: matchesOf(route.headers).map(({ name, value }) => ({ name: name.toLowerCase(), value })),
  };
}

function pathMatchOf(paths: readonly PathMatch[]): Pick<RouteMatch, 'pathPrefix' | 'paths'> {
  const [first, ...others] = paths;
  if (first === undefined) return { pathPrefix: '/' };
  if (others.length > 0) return { pathPrefix: '/', paths };
  return { pathPrefix: literalPrefix(first), ...(first.kind === 'prefix' ? {} : { paths }) };
}

/** Whether every request that `later` matches is matched by `earlier` already. */
export function shadows(earlier: RouteMatch, later: RouteMatch): boolean {
  return (
    coversHosts(earlier.hosts, later.hosts) &&
    pathsOf(later).every((path) => pathsOf(earlier).some((one) => coversPath(one, path))) &&
    methodsCover(earlier.methods, later.methods) &&
    headersCover(earlier, later)
  );
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
  const [firstPath, ...otherPaths] = pathsOf(match).map(
    ({ kind, text }) => `${kind === 'exact' ? '=' : ''}${redactPath(text).replaceAll(leftOut, '_')}`,
  );
  const path = otherPaths.length === 0 ? firstPath : `${firstPath}+${otherPaths.length}`;
  return `${methods}${first}${more}${path}${match.headers.map(({ name }) => `;${name}`).join('')}`;
}
