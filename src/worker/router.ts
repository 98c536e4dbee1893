import type { RouteMatch } from '../core/route-spec.ts';
import { hostOf } from '../wire/host.ts';
import type { RequestHead } from '../core/message.ts';
import type { Route, RoutedClient, Router } from '../exchange/ports.ts';
import { type ConditionTest, conditionsTest } from '../policy/request-conditions.ts';
import { hostTest, isHostPattern, isWildcard } from '../core/host-match.ts';
import { literalPrefix, matchesPrefix, pathsOf, type PathTest, pathTest } from '../core/path-match.ts';
import { plainMatch, plainPath } from '../wire/plain-path.ts';

/**
 * Hashes of paths, so that the routes of a target are found without creating a string for any part of it.
 * Two paths may have the same number: it says where to look, not that a route matches.
 */
type PathNumber = number;

/** The number of `/`, and of targets that are not paths. */
const rootNumber: PathNumber = 0;

/**
 * The end of the segment that begins after the slash at `slash`: the next slash, the question mark, or the end of the
 * target.
 */
function segmentEnd(target: string, slash: number): number {
  let at = slash + 1;
  while (at < target.length) {
    const byte = target.charCodeAt(at);
    if (byte === 0x2f || byte === 0x3f) break;
    at += 1;
  }
  return at;
}

/** The number of a path that extends the path with `number` by `[start, end)` of `target`. */
function numberOf(number: PathNumber, target: string, start: number, end: number): PathNumber {
  let next = number;
  for (let at = start; at < end; at++) next = (Math.imul(next, 31) + target.charCodeAt(at)) | 0;
  return next;
}

/** The number of a route's prefix, and how many segments it has: every target that the prefix matches has this number after as many segments. */
function prefixNumber(prefix: string): { readonly number: PathNumber; readonly depth: number } {
  const end = prefix.endsWith('/') ? prefix.length - 1 : prefix.length;
  let [number, depth, at] = [rootNumber, 0, 0];
  while (at < end && prefix.charCodeAt(at) === 0x2f) {
    const next = segmentEnd(prefix, at);
    number = numberOf(number, prefix, at, next);
    depth += 1;
    at = next;
  }
  return { number, depth };
}

export interface RouteEntry<R extends Route = Route> {
  readonly match: RouteMatch;
  readonly route: R;
}

/**
 * The first route in the configuration's order that matches.
 *
 * Routes are indexed by the name of their host and the path of their prefix. So a
 * request is compared only with routes whose prefix its path begins with, however many others there are. Measured in a loop, against
 * a walk over all routes of the host: 0.2 µs instead of 18 at 1,000 routes with a prefix each, 0.14 instead of 0.42 at two,
 * 0.03 instead of 0.31 if all have the prefix `/`.
 */
export function createRouter(routes: readonly RouteEntry[]): RouterOf<Route> {
  const builder = new RouterBuilder();
  for (const entry of routes) builder.add(entry);
  return builder.done();
}

/** Builds a router, one route after the other, in the configuration's order. */
export class RouterBuilder<R extends Route> {
  readonly #index = new RouteIndex<R>();
  #count = 0;

  add(entry: RouteEntry<R>): void {
    this.#index.add(entry, this.#count++);
  }

  /** Call this when all routes have been added. */
  done(): RouterOf<R> {
    this.#index.begin();
    return this.#index;
  }
}

/** A router whose routes have more than an exchange needs. */
export interface RouterOf<R extends Route> extends Router {
  route(request: RequestHead, client?: RoutedClient): R | null;
}

/** Routes that ask for anything of the client do not match it. */
const unknownClient: RoutedClient = { address: '', listener: '', scheme: 'http' };

/** A route and its position in the configuration. */
interface Candidate<R extends Route> {
  readonly order: number;
  /** By whose number it is found. */
  readonly pathPrefix: string;
  /** Null: all that begins with `pathPrefix`. */
  readonly isPath: PathTest | null;
  /** Empty: any. */
  readonly methods: readonly string[];
  /** Null: nothing else is asked. */
  readonly holds: ConditionTest | null;
  readonly route: R;
}

/** Authorities whose routes are remembered. A client that invents names causes evictions, not growth. */
const authoritiesMax = 1024;

/** A longer authority is not a name with a port (RFC 1035 §2.3.4), and is not remembered. */
const authorityBytesMax = 262;

const spelling = { hostOf, plainPath, plainMatch };

function newPatterned<R extends Route>(pattern: string) {
  return { isHost: hostTest(pattern), routes: new HostRoutes<R>() };
}

function getOrAdd<T>(map: Map<string, T>, name: string, create: () => T): T {
  const there = map.get(name);
  if (there !== undefined) return there;
  const created = create();
  map.set(name, created);
  return created;
}

class RouteIndex<R extends Route> implements RouterOf<R> {
  /** Routes by host name, by wildcard (`#under`), by another pattern, and for any host. Each `HostRoutes` has all routes of its pattern, and no others. */
  readonly #named = new Map<string, HostRoutes<R>>();
  /** By what follows the `*`. */
  readonly #under = new Map<string, HostRoutes<R>>();
  readonly #patterned = new Map<
    string,
    { readonly isHost: (host: string) => boolean; readonly routes: HostRoutes<R> }
  >();
  readonly #any = new HostRoutes<R>();
  readonly #byAuthority = new Map<string, readonly HostRoutes<R>[]>();
  /** Most requests have the same authority as the previous one. */
  #authority = '';
  #reachable: readonly HostRoutes<R>[] = [];
  /** The most segments of a prefix. */
  #depthMax = 0;
  /** Whether every path matches: their spelling does not matter. */
  #matchesAnyPath = true;

  add({ match, route }: RouteEntry<R>, order: number): void {
    const { hosts, methods, conditions } = match;
    const holds = conditions === undefined ? null : conditionsTest(conditions, spelling);
    for (const path of pathsOf(match)) {
      const plain = plainMatch(path);
      if (plain.kind !== 'prefix' || plain.text !== '/') this.#matchesAnyPath = false;
      const isPath = plain.kind === 'prefix' ? null : pathTest(plain);
      const candidate = { order, pathPrefix: literalPrefix(plain), isPath, methods, holds, route };
      if (hosts.length === 0) this.#add(this.#any, candidate);
      for (const pattern of new Set(hosts)) this.#add(this.#routesOf(pattern), candidate);
    }
  }

  /** Call this when all routes have been added, before the first request. */
  begin(): void {
    this.#reachable = this.#reachableBy('');
  }

  #add(routes: HostRoutes<R>, candidate: Candidate<R>): void {
    this.#depthMax = Math.max(this.#depthMax, routes.add(candidate));
  }

  #routesOf(pattern: string): HostRoutes<R> {
    if (isHostPattern(pattern)) return getOrAdd(this.#patterned, pattern, () => newPatterned<R>(pattern)).routes;
    return isWildcard(pattern)
      ? getOrAdd(this.#under, pattern.slice(1), () => new HostRoutes<R>())
      : getOrAdd(this.#named, pattern, () => new HostRoutes<R>());
  }

  route(request: RequestHead, client: RoutedClient = unknownClient): R | null {
    const { authority } = request;
    if (authority !== this.#authority) {
      this.#reachable = this.#byAuthority.get(authority) ?? this.#remember(authority);
      this.#authority = authority;
    }
    const reachable = this.#reachable;
    const target = this.#matchesAnyPath ? request.target : plainPath(request.target);
    let found = firstAt(reachable, rootNumber, null, target, request, client);
    let number = rootNumber;
    let at = 0;
    for (let depth = 0; depth < this.#depthMax && at < target.length && target.charCodeAt(at) === 0x2f; depth++) {
      const end = segmentEnd(target, at);
      number = numberOf(number, target, at, end);
      found = firstAt(reachable, number, found, target, request, client);
      at = end;
    }
    return found === null ? null : found.route;
  }

  #remember(authority: string): readonly HostRoutes<R>[] {
    const reachable = this.#reachableBy(hostOf(authority));
    if (authority.length > authorityBytesMax) return reachable;
    if (this.#byAuthority.size >= authoritiesMax) this.#byAuthority.clear();
    this.#byAuthority.set(authority, reachable);
    return reachable;
  }

  #reachableBy(host: string): readonly HostRoutes<R>[] {
    const named = this.#named.get(host);
    const patterned = [...this.#patterned.values()].filter(({ isHost }) => isHost(host)).map(({ routes }) => routes);
    return [...(named === undefined ? [] : [named]), ...this.#routesUnder(host), ...patterned, this.#any].filter(
      ({ size }) => size > 0,
    );
  }

  #routesUnder(host: string): readonly HostRoutes<R>[] {
    const found: HostRoutes<R>[] = [];
    if (this.#under.size === 0 || host.length > authorityBytesMax) return found;
    for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
      const routes = this.#under.get(host.slice(dot));
      if (routes !== undefined) found.push(routes);
    }
    return found;
  }
}

/** The routes of one host pattern by the numbers of their prefixes, each list in the order of the configuration. */
class HostRoutes<R extends Route> {
  readonly #byNumber = new Map<PathNumber, Candidate<R>[]>();

  get size(): number {
    return this.#byNumber.size;
  }

  /** Returns how many segments its prefix has. */
  add(candidate: Candidate<R>): number {
    const { number, depth } = prefixNumber(candidate.pathPrefix);
    const there = this.#byNumber.get(number);
    if (there === undefined) this.#byNumber.set(number, [candidate]);
    else there.push(candidate);
    return depth;
  }

  at(number: PathNumber): readonly Candidate<R>[] | undefined {
    return this.#byNumber.get(number);
  }
}

/** The first matching route of `found` and of the routes at `number`. */
function firstAt<R extends Route>(
  reachable: readonly HostRoutes<R>[],
  number: PathNumber,
  found: Candidate<R> | null,
  target: string,
  request: RequestHead,
  client: RoutedClient,
): Candidate<R> | null {
  let first = found;
  for (let position = 0; position < reachable.length; position++) {
    const candidates = (reachable[position] as HostRoutes<R>).at(number);
    if (candidates === undefined) continue;
    for (let index = 0; index < candidates.length; index++) {
      const candidate = candidates[index] as Candidate<R>;
      if (first !== null && first.order < candidate.order) break;
      if (!matches(candidate, target, request, client)) continue;
      first = candidate;
      break;
    }
  }
  return first;
}

function matches(
  { pathPrefix, isPath, methods, holds }: Candidate<Route>,
  target: string,
  request: RequestHead,
  client: RoutedClient,
): boolean {
  if (isPath === null ? !matchesPrefix(pathPrefix, target) : !isPath(target)) return false;
  if (methods.length > 0 && !methods.includes(request.method)) return false;
  return holds === null || holds(request, client);
}
