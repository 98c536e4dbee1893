import type { FieldMatch, RouteSpec } from '../core/configuration.ts';
import { matchesHost, matchesPath } from '../policy/route-match.ts';
import { hostOf } from '../wire/host.ts';
import { plainPath } from '../wire/plain-path.ts';

/** A request that somebody asks about. */
export interface RouteQuestion {
  readonly method: string;
  /** Host and port, lowercase. */
  readonly authority: string;
  /** Path and query. */
  readonly target: string;
  /** By lowercase name. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface RouteCandidate {
  readonly route: string;
  readonly matches: boolean;
  /** Why it matches or does not, one clause. */
  readonly reason: string;
}

/** Which route a request takes, and why. */
export interface RouteExplanation {
  /** Null: none matches. */
  readonly route: string | null;
  /** What the route does: 'upstream', 'redirect' and so on; null without a route. */
  readonly action: RouteSpec['action']['kind'] | null;
  /** Null: the route has none. */
  readonly upstream: string | null;
  /** One sentence. */
  readonly reason: string;
  /** The routes in the order of the configuration up to the one that matches first; of more than 200, the last ones. */
  readonly candidates: readonly RouteCandidate[];
  readonly timeouts: RouteSpec['timeouts'] | null;
  readonly retry: { readonly [key: string]: string | number | boolean | null } | null;
}

const candidatesMax = 200;

/** The first route that matches, as the router of a worker finds it, with each one before it. */
export function explainRoute(question: RouteQuestion, routes: readonly RouteSpec[]): RouteExplanation {
  const candidates: RouteCandidate[] = [];
  for (const spec of routes) {
    const mismatch = mismatchOf(question, spec);
    candidates.push({ route: spec.id, matches: mismatch === null, reason: mismatch ?? matchText(spec) });
    if (candidates.length > candidatesMax) candidates.shift();
    if (mismatch === null) return found(spec, candidates);
  }
  const reason = 'No route matches: the gateway answers 404.';
  return { route: null, action: null, upstream: null, reason, candidates, timeouts: null, retry: null };
}

function found(spec: RouteSpec, candidates: readonly RouteCandidate[]): RouteExplanation {
  const { id, action, timeouts, retry } = spec;
  const upstream = action.kind === 'upstream' ? action.upstream : null;
  const does = upstream === null ? `it answers by itself (${action.kind})` : `its requests go to upstream ${upstream}`;
  const reason = `${id} is the first route that matches; ${does}.`;
  return {
    route: id,
    action: action.kind,
    upstream,
    reason,
    candidates,
    timeouts,
    retry: retry === undefined ? null : flat(retry),
  };
}

/** Why a route does not match; null: it does. In the order in which the router asks. */
function mismatchOf({ method, authority, target, headers }: RouteQuestion, { match }: RouteSpec): string | null {
  const host = hostOf(authority);
  if (!matchesHost(match.hosts, host)) return `the host ${host} is not ${orText(match.hosts)}`;
  const path = plainPath(target);
  if (!matchesPath(plainPath(match.pathPrefix), path))
    return `the path ${path} does not begin with ${match.pathPrefix}`;
  if (match.methods.length > 0 && !match.methods.includes(method))
    return `the method ${method} is not ${orText(match.methods)}`;
  const missing = match.fields.find(({ name, value }) =>
    value === null ? !headers.has(name) : headers.get(name) !== value,
  );
  return missing === undefined ? null : headerText(missing, headers);
}

function headerText({ name, value }: FieldMatch, headers: ReadonlyMap<string, string>): string {
  if (!headers.has(name)) return `the header ${name} is missing`;
  return `the header ${name} is not ${JSON.stringify(value)}`;
}

function matchText({ match: { hosts, pathPrefix, methods, fields } }: RouteSpec): string {
  const parts = [
    hosts.length === 0 ? 'any host' : `the host is ${orText(hosts)}`,
    `the path begins with ${pathPrefix}`,
    methods.length === 0 ? 'any method' : `the method is ${orText(methods)}`,
    ...fields.map(({ name, value }) =>
      value === null ? `there is a header ${name}` : `the header ${name} is ${JSON.stringify(value)}`,
    ),
  ];
  return parts.join(', ');
}

function orText(words: readonly string[]): string {
  return words.length <= 1 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** Lists as text. */
function flat(settings: object): { readonly [key: string]: string | number | boolean | null } {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      key,
      value === null || ['string', 'number', 'boolean'].includes(typeof value)
        ? (value as string)
        : JSON.stringify(value),
    ]),
  );
}
