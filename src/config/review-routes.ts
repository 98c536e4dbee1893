import type { ErrorCollector } from './error-collector.ts';
import { type Draft, isMap } from './draft.ts';
import { reviewMatches } from './review-matches.ts';
import { orList, quoted } from '../schema/error-detail.ts';
import { applicationAnswer } from './build-features.ts';
import { reviewHeaderValues } from './review-headers.ts';
import { parseHostPattern } from './format/host-pattern.ts';
import type { Path } from '../schema/findings.ts';
import { featuresOfFile, routeActionKeys } from '../features/keys.ts';
import type { RouteRead, WebsocketRead } from './route-schema.ts';

const actions = ['to', ...Object.keys(routeActionKeys)];

/** Keys that only matter where a request goes on to an application. */
const upstreamOnly = [
  'split_by',
  'rewrite',
  'request_headers',
  'timeouts',
  'websocket',
  'commit_delay',
  'buffer',
  ...featuresOfFile.flatMap(({ needsUpstream, routeKeys = {} }) => (needsUpstream ? Object.keys(routeKeys) : [])),
];

export function reviewRoutes(draft: Draft, collector: ErrorCollector): void {
  reviewHeaderValues(draft.plain, [], collector);
  reviewPing(draft.plain.websocket, ['websocket', 'ping'], collector);
  for (const [at, { websocket }] of draft.routes) reviewPing(websocket, ['routes', at, 'websocket', 'ping'], collector);
  const routes = draft.raw['routes'];
  if (!Array.isArray(routes)) return;
  for (const [at, route] of routes.entries()) if (isMap(route)) reviewAction(route, at, draft, collector);
  for (const [at, route] of draft.routes) reviewRoute(route, at, collector);
  reviewIds(draft, collector);
  reviewMatches(draft, collector);
}

function reviewAction(
  route: Readonly<Record<string, unknown>>,
  at: number,
  draft: Draft,
  collector: ErrorCollector,
): void {
  // `false` switches off what is only a switch.
  const written = actions.filter((action) => route[action] !== undefined && route[action] !== false);
  const present = written.includes('to') ? written.filter((action) => !standsBesideTo(action, route[action])) : written;
  const [first, second] = present;
  if (second !== undefined) {
    collector.errorAtKey(
      ['routes', at, second],
      `the route has ${orList(present.map(quoted)).replace(' or ', ' and ')}, and can do one thing only`,
      'make two routes of it, or remove one',
    );
    return;
  }
  if (first === undefined) {
    // A misspelt or empty action has been complained of.
    if (collector.errors.some(({ path }) => path.startsWith(`routes[${at}].`) || path === `routes[${at}]`)) return;
    if (actions.some((action) => collector.isBad(['routes', at, action]))) return;
    collector.errorAtKey(['routes', at], 'the route does not say what to do', `add ${orList(actions.map(quoted))}`);
    return;
  }
  const { to } = route;
  const application = first === 'to' && typeof to === 'string' ? draft.applications.get(to) : undefined;
  const answer = application === undefined ? null : applicationAnswer(String(to), application, {}, { directory: '/' });
  if (first === 'to' && answer === null) return;
  const answering = featuresOfFile.find(({ name, routeKeys = {} }) =>
    answer === null ? first in routeKeys : name === answer.feature,
  );
  const beside = answer === null ? quoted(first) : `"to" of ${quoted(to)}, which is static`;
  for (const key of upstreamOnly.filter(
    (one) => route[one] !== undefined && answering?.effective?.includes(one) !== true,
  )) {
    collector.warnAtKey(['routes', at, key], `${quoted(key)} has no effect beside ${beside}`, 'remove it');
  }
}

function standsBesideTo(action: string, written: unknown): boolean {
  return featuresOfFile.some((feature) => feature.name === action && feature.standsBesideTo?.(written) === true);
}

function reviewRoute(route: RouteRead, at: number, collector: ErrorCollector): void {
  const { rewrite, timeouts } = route;
  reviewSplit(route, ['routes', at], collector);
  reviewHeaderValues(route, ['routes', at], collector);
  const host = rewrite?.host;
  if (host !== undefined && host !== 'client' && host !== 'endpoint' && !/^[A-Za-z0-9.[\]:_-]+$/.test(host)) {
    const parsed = parseHostPattern(host);
    collector.errorAtValue(
      ['routes', at, 'rewrite', 'host'],
      `${quoted(host)} is not a host`,
      parsed.ok ? null : 'write client, endpoint, or a host such as example.org',
    );
  }
  const exchange = timeouts?.exchange;
  if (
    exchange !== undefined &&
    exchange !== null &&
    timeouts?.response_head !== undefined &&
    exchange < timeouts.response_head
  ) {
    collector.warnAtKey(
      ['routes', at, 'timeouts', 'response_head'],
      'this limit is never reached: "exchange" ends the exchange before',
      'make it shorter than "exchange"',
    );
  }
}

function reviewSplit({ to, split_by }: RouteRead, path: Path, collector: ErrorCollector): void {
  const weights = typeof to === 'object' ? Object.values(to) : null;
  if (split_by !== undefined && (weights === null || weights.length < 2))
    collector.warnAtKey(
      [...path, 'split_by'],
      '"split_by" has no effect while "to" names one upstream',
      'name several in "to", such as { v1: 95, v2: 5 }, or remove it',
    );
  if (weights === null) return;
  if (weights.every((weight) => weight === 0))
    collector.errorAtKey([...path, 'to'], 'no upstream gets a request', 'give one of them a weight above 0');
  else if (weights.length === 1)
    collector.warnAtKey([...path, 'to'], 'one upstream gets all requests, whatever its weight', 'write its name alone');
}

/** A side is closed as idle before the pong of a ping that comes so late could show that it is there. */
function reviewPing(read: WebsocketRead | undefined, path: Path, collector: ErrorCollector): void {
  const { idle_timeout: idleMs, ping: pingMs } = read ?? {};
  if (idleMs === undefined || pingMs === undefined || pingMs === null || pingMs < idleMs) return;
  collector.warnAtKey(
    path,
    'no ping comes before "idle_timeout" ends the tunnel',
    'make it half as long as "idle_timeout", or shorter',
  );
}

function reviewIds(draft: Draft, collector: ErrorCollector): void {
  const seen = new Map<string, number>();
  for (const [at, { id }] of draft.routes) {
    if (id === undefined) continue;
    const earlier = seen.get(id);
    if (earlier === undefined) seen.set(id, at);
    else
      collector.errorAtValue(
        ['routes', at, 'id'],
        `the id ${quoted(id)} is taken by the route in ${collector.positionText(['routes', earlier, 'id'])}`,
        'give one of them another',
      );
  }
}
