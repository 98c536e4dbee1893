import type { RouteExplanation } from '../core/schemas/traffic.ts';
import { addressText } from '../core/endpoint.ts';
import type { Configuration } from '../core/configuration.ts';
import { askedRequest, rewriteOf } from './explain-rewrite.ts';
import type { FlatSettings } from '../features/feature-words.ts';
import { wordsOfFeatures } from '../features/words.ts';
import { locationOf } from '../core/location-text.ts';
import { loadPatterns } from '../core/pattern.ts';
import {
  actionName,
  hasPattern,
  type HeaderEdits,
  type RouteAction,
  type RouteSpec,
  upstreamsOf,
} from '../core/route-spec.ts';
import type { RouteQuestion } from './route-question.ts';
import type { UpstreamSpec } from '../core/upstream-spec.ts';
import { matchesHost } from '../core/host-match.ts';
import { pathsOf, pathTest, pathText } from '../core/path-match.ts';
import { conditionsMismatch, conditionTexts } from '../policy/request-conditions.ts';
import { hostOf } from '../wire/host.ts';
import { plainMatch, plainPath } from '../wire/plain-path.ts';

interface RouteCandidate {
  readonly route: string;
  readonly matches: boolean;
  /** Why it matches or does not, one clause. */
  readonly reason: string;
}

/** An entry of the overlay, as the status has it. */
interface OperatorEntry {
  readonly id: string;
  readonly kind: string;
  readonly target: string | null;
  /** One clause. */
  readonly reason: string;
}

/** What a route is looked for in. */
export type RoutedConfiguration = Pick<Configuration, 'routes' | 'upstreams'>;

const candidatesMax = 200;

/** Await this before routes are asked about. */
export async function loadPatternsOf({ routes }: Pick<Configuration, 'routes'>): Promise<void> {
  if (routes.some(({ match }) => hasPattern(match))) await loadPatterns();
}

/** The first route that matches, as the router of a worker finds it, with each one before it. `entries`: of the overlay. */
export function explainRoute(
  question: RouteQuestion,
  { routes, upstreams }: RoutedConfiguration,
  entries: readonly OperatorEntry[] = [],
): RouteExplanation {
  const candidates: RouteCandidate[] = [];
  for (const spec of routes) {
    const mismatch = mismatchOf(question, spec);
    candidates.push({ route: spec.id, matches: mismatch === null, reason: mismatch ?? matchText(spec) });
    if (candidates.length > candidatesMax) candidates.shift();
    if (mismatch === null)
      return { ...found(spec, upstreams, question), overlay: overlayOf(spec, entries), candidates };
  }
  const others = methodsBeside(question, routes);
  const reason =
    others.length === 0
      ? 'No route matches: the gateway answers 404.'
      : `No route matches the method ${question.method}: the gateway answers 404. For this host and path there is a route for ${orText(others)}.`;
  const nothing = {
    route: null,
    action: null,
    upstream: null,
    answer: null,
    timeouts: null,
    retry: null,
    rewrite: null,
    headers: null,
    access: null,
    limits: null,
    programs: null,
  };
  return { ...nothing, reason, overlay: [], candidates };
}

function found(
  spec: RouteSpec,
  upstreams: readonly UpstreamSpec[],
  question: RouteQuestion,
): Omit<RouteExplanation, 'candidates' | 'overlay'> {
  const { id, action, timeouts } = spec;
  const upstream = action.kind === 'upstream' ? (upstreams.find((one) => one.id === action.upstream) ?? null) : null;
  const request = askedRequest(question, spec);
  const shown = wordsOfFeatures.map(
    ({ settings }) => settings?.(spec.features, upstream, { request, locationOf }) ?? {},
  );
  const does = upstream === null ? `it answers by itself (${actionName(action)})` : goesText(action);
  return {
    route: id,
    action: actionName(action),
    upstream: upstream?.id ?? null,
    answer:
      upstream === null || shown.some(({ answer }) => answer !== undefined)
        ? Object.assign({}, ...shown.map(({ answer }) => answer))
        : null,
    reason: `${id} is the first route that matches; ${does}.`,
    timeouts,
    retry: upstream === null ? null : Object.assign({}, ...shown.map(({ retry }) => retry)),
    rewrite: upstream === null ? null : Object.assign(rewriteOf(spec, request), ...shown.map(({ rewrite }) => rewrite)),
    headers: Object.assign(headersOf(spec), ...shown.map(({ headers }) => headers)),
    access: accessOf(shown.flatMap(({ access }) => (access === undefined ? [] : [access]))),
    limits: Object.assign({}, ...shown.map(({ limits }) => limits), limitsOf(spec, upstream)),
    programs: shown.find(({ programs }) => programs !== undefined)?.programs ?? null,
  };
}

/** Null: everybody may enter. */
function accessOf(rules: readonly FlatSettings[]): FlatSettings | null {
  return rules.length === 0 ? null : Object.assign({}, ...rules);
}

/** Names alone: a value may be a secret. */
function headersOf({ requestHeaders, responseHeaders }: RouteSpec): FlatSettings {
  const names = (lines: HeaderEdits['set'] = []): string => lines.map(([name]) => name).join(' ');
  const all = {
    requestSet: names(requestHeaders.set),
    requestAdded: names(requestHeaders.add),
    requestRemoved: requestHeaders.remove.join(' '),
    responseSet: names(responseHeaders.set),
    responseAdded: names(responseHeaders.add),
    responseRemoved: responseHeaders.remove.join(' '),
    responseDefault: names(responseHeaders.ifAbsent),
  };
  return Object.fromEntries(Object.entries(all).filter(([, text]) => text !== ''));
}

function goesText(action: RouteAction): string {
  const { split } = action.kind === 'upstream' ? action : {};
  if (split === undefined) return `its requests go to upstream ${upstreamsOf(action).join()}`;
  const { shares, by } = split;
  const sum = shares.reduce((all, { weight }) => all + weight, 0);
  const parts = shares.map(
    ({ upstream, weight }) => `${upstream} (${Number(((100 * weight) / sum).toPrecision(3))} %)`,
  );
  const key = by === null ? '' : `, by ${'name' in by ? `the ${by.kind} ${by.name}` : by.kind}`;
  return `its requests are divided between ${listText(parts, 'and')}${key}`;
}

function limitsOf({ commitDelayMs, buffer, tunnel }: RouteSpec, upstream: UpstreamSpec | null): FlatSettings {
  const own = {
    commitDelayMs,
    ...{ bufferRequestBytes: buffer.requestBytesMax, bufferResponseBytes: buffer.responseBytesMax },
    ...{ tunnelIdleMs: tunnel.idleMs, tunnelPingMs: tunnel.pingMs },
  };
  if (upstream === null) return own;
  const { connectionsMax, requestsMax, queueMax, queueMs, endpoints } = upstream;
  const without = endpoints.filter(({ weight }) => weight === 0).map(({ address }) => addressText(address));
  return {
    ...own,
    endpointConnectionsMax: connectionsMax,
    ...(requestsMax === undefined ? {} : { endpointRequestsMax: requestsMax }),
    ...{ endpointQueueMax: queueMax, endpointQueueMs: queueMs },
    ...(without.length === 0 ? {} : { endpointsWithoutWeight: without.join(', ') }),
  };
}

function overlayOf({ id, action }: RouteSpec, entries: readonly OperatorEntry[]): readonly string[] {
  const upstreams = upstreamsOf(action);
  return entries.flatMap((entry) => (concerns(entry, id, upstreams) ? [entry.reason] : []));
}

function concerns({ kind, id, target }: OperatorEntry, route: string, upstreams: readonly string[]): boolean {
  if (kind === 'maintenance') return target === null || target === route;
  if (kind === 'pause') return id === `pause:route:${route}` || upstreams.some((one) => id === `pause:upstream:${one}`);
  return upstreams.some((one) => target?.startsWith(`${one}/`) === true);
}

/** The methods for which there would be a route; there is none for that of the question. */
function methodsBeside(question: RouteQuestion, routes: RoutedConfiguration['routes']): readonly string[] {
  const only = routes.filter((spec) => {
    const [method] = spec.match.methods;
    return method !== undefined && mismatchOf({ ...question, method }, spec) === null;
  });
  return [...new Set(only.flatMap(({ match }) => match.methods))];
}

/** Why a route does not match; null: it does. In the order in which the router asks. */
function mismatchOf(
  { method, authority, target, headers, client }: RouteQuestion,
  { match }: RouteSpec,
): string | null {
  const host = hostOf(authority);
  if (!matchesHost(match.hosts, host)) return `the host ${host} is not ${orText(match.hosts)}`;
  const path = plainPath(target);
  const paths = pathsOf(match);
  if (!paths.some((one) => pathTest(plainMatch(one))(path)))
    return `the path ${path} ${orText(paths.map((one) => pathText(one, true)))}`;
  if (match.methods.length > 0 && !match.methods.includes(method))
    return `the method ${method} is not ${orText(match.methods)}`;
  const read = { get: (name: string) => headers.get(name) ?? null, has: (name: string) => headers.has(name) };
  const each = (visit: (name: string, value: string) => void): void =>
    headers.forEach((value, name) => visit(name, value));
  const asked = { method, authority, target, headers: { ...read, each } };
  return conditionsMismatch(match.conditions ?? [], { hostOf, plainPath, plainMatch })(asked, client);
}

function matchText({ match }: RouteSpec): string {
  const { hosts, methods, conditions = [] } = match;
  const parts = [
    hosts.length === 0 ? 'any host' : `the host is ${orText(hosts)}`,
    `the path ${orText(pathsOf(match).map((one) => pathText(one)))}`,
    methods.length === 0 ? 'any method' : `the method is ${orText(methods)}`,
    ...conditionTexts(conditions),
  ];
  return parts.join(', ');
}

const orText = (words: readonly string[]): string => listText(words, 'or');

function listText(words: readonly string[], last: 'and' | 'or'): string {
  return words.length <= 1 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}
