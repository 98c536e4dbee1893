import type { RouteMatch } from '../core/route-spec.ts';
import type { RouteRead } from './route-schema.ts';

export function matchOf(route: RouteRead): RouteMatch {
  return {
    hosts: [...new Set(route.host ?? [])],
    pathPrefix: route.path ?? '/',
    methods: [...new Set(route.methods ?? [])],
    fields: Object.entries(route.headers ?? {}).map(([name, value]) => ({
      name: name.toLowerCase(),
      value: typeof value === 'string' ? value : null,
    })),
  };
}

/** Whether every request that `later` matches is matched by `earlier` already. */
export function shadows(earlier: RouteMatch, later: RouteMatch): boolean {
  return (
    hostsCover(earlier.hosts, later.hosts) &&
    pathCovers(earlier.pathPrefix, later.pathPrefix) &&
    methodsCover(earlier.methods, later.methods) &&
    fieldsCover(earlier, later)
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
function fieldsCover(earlier: RouteMatch, later: RouteMatch): boolean {
  return earlier.fields.every((wanted) =>
    later.fields.some(({ name, value }) => name === wanted.name && (wanted.value === null || wanted.value === value)),
  );
}

/**
 * An id that people recognise and that stays while the match does: `example.org/api`, `GET:/`,
 * `/api;x-beta=1`.
 */
export function idOf(match: RouteMatch): string {
  const methods = match.methods.length === 0 ? '' : `${match.methods.join(',')}:`;
  const [first = '', ...others] = match.hosts;
  const more = others.length === 0 ? '' : `+${others.length}`;
  const fields = match.fields.map(
    ({ name, value }) => `;${name}${value === null ? '' : `=${value.replace(/[^!-~]/g, '_')}`}`,
  );
  return `${methods}${first}${more}${match.pathPrefix}${fields.join('')}`;
}
