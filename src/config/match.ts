import { coversHosts } from '../core/host-match.ts';
import { coversPath, literalPrefix, type PathMatch, pathsOf } from '../core/path-match.ts';
import type { PlainCondition, RequestCondition } from '../core/request-condition.ts';
import type { RouteMatch } from '../core/route-spec.ts';
import { leftOut } from '../redact/span.ts';
import { redactPath } from '../redact/target.ts';
import { testsOf } from '../schema/value-match.ts';
import type { ConditionsRead, MatchRead } from './condition-schema.ts';
import { impliesConditions } from './condition-cover.ts';
import type { RouteRead } from './route-schema.ts';

export function matchOf(route: RouteRead): RouteMatch {
  return {
    hosts: [...new Set(route.host ?? [])],
    ...pathMatchOf(route.path ?? []),
    methods: withHead(route.methods),
    ...conditionsPart(routeConditions(route)),
  };
}

/** HEAD asks what GET would answer (RFC 9110 §9.3.2), and who may send one may send the other. */
function withHead(methods: readonly string[] = []): readonly string[] {
  const isHead = methods.includes('GET') && !methods.includes('HEAD');
  return [...new Set(isHead ? [...methods, 'HEAD'] : methods)];
}

function conditionsPart(conditions: readonly RequestCondition[]): Pick<RouteMatch, 'conditions'> {
  return conditions.length === 0 ? {} : { conditions };
}

function routeConditions({ not, any, ...read }: MatchRead): readonly RequestCondition[] {
  return [
    ...conditionsOf(read),
    ...(any === undefined ? [] : [{ kind: 'any' as const, of: any.map(blockOf) }]),
    ...(not === undefined ? [] : [{ kind: 'not' as const, of: blockOf(not) }]),
  ];
}

/** Host, path and method of a route are no conditions; those within `any` and `not` are. */
function blockOf({ host, path, methods = [], ...read }: ConditionsRead): readonly PlainCondition[] {
  return [
    ...(host === undefined ? [] : [{ kind: 'host' as const, hosts: host }]),
    ...(path === undefined ? [] : [{ kind: 'path' as const, paths: path }]),
    ...(methods.length === 0 ? [] : [{ kind: 'method' as const, methods: withHead(methods) }]),
    ...conditionsOf(read),
  ];
}

function conditionsOf(read: ConditionsRead): readonly PlainCondition[] {
  const { headers, query, cookies, client_address, listener, scheme } = read;
  return [
    ...(listener === undefined ? [] : [{ kind: 'listener' as const, names: listener }]),
    ...(scheme === undefined ? [] : [{ kind: 'scheme' as const, scheme }]),
    ...(client_address === undefined ? [] : [{ kind: 'client_address' as const, networks: client_address }]),
    ...valuesOf('header', headers),
    ...valuesOf('query', query),
    ...valuesOf('cookie', cookies),
  ];
}

function valuesOf(
  kind: 'header' | 'query' | 'cookie',
  written: ConditionsRead['headers'] = {},
): readonly PlainCondition[] {
  return Object.entries(written).map(([name, value]) => ({
    ...{ kind, name: kind === 'header' ? name.toLowerCase() : name },
    tests: testsOf(value),
  }));
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
    impliesConditions(later.conditions ?? [], earlier.conditions ?? [])
  );
}

function methodsCover(earlier: readonly string[], later: readonly string[]): boolean {
  return earlier.length === 0 || (later.length > 0 && later.every((method) => earlier.includes(method)));
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
    const wanted = idOf({ ...matchOf(route), methods: [...new Set(route.methods)] });
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
    ({ kind, text }) =>
      `${idSigns[kind]}${kind === 'glob' && !text.startsWith('/') ? '/**/' : ''}${redactPath(text).replaceAll(leftOut, '_').replace(/\s/g, '_')}`,
  );
  const path = otherPaths.length === 0 ? firstPath : `${firstPath}+${otherPaths.length}`;
  return `${methods}${first}${more}${path}${(match.conditions ?? []).map((one) => `;${'name' in one ? one.name : one.kind}`).join('')}`;
}

const idSigns = { prefix: '', exact: '=', glob: '', pattern: '~' } as const;
