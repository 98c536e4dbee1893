import { failureTable } from '#failures/failure-table.ts';
import { requestRules } from '#failures/rules.ts';
import type { ErrorCollector } from './error-collector.ts';
import { type Draft, isMap } from './draft.ts';
import { reviewMatches } from './review-matches.ts';
import { orList, quoted } from '../schema/error-detail.ts';
import { reviewHeaderValues } from './review-headers.ts';
import { parseHostPattern } from './format/host-pattern.ts';
import type { Path } from '../schema/findings.ts';
import { featuresOfFile, routeActionKeys } from '../features/keys.ts';
import type { RouteRead, WebsocketRead } from './route-schema.ts';

const actions = ['to', ...Object.keys(routeActionKeys)];
const besideTo = featuresOfFile.flatMap(({ standsBesideTo, routeKeys = {} }) =>
  standsBesideTo === true ? Object.keys(routeKeys) : [],
);

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
  reviewErrorPages(draft.plain.error_pages, ['error_pages'], false, collector);
  reviewHeaderValues(draft.plain, [], collector);
  reviewPing(draft.plain.websocket, ['websocket', 'ping'], collector);
  for (const [at, { websocket }] of draft.routes) reviewPing(websocket, ['routes', at, 'websocket', 'ping'], collector);
  const routes = draft.raw['routes'];
  if (!Array.isArray(routes)) return;
  for (const [at, route] of routes.entries()) if (isMap(route)) reviewAction(route, at, collector);
  for (const [at, route] of draft.routes) reviewRoute(route, at, collector);
  reviewIds(draft, collector);
  reviewMatches(draft, collector);
}

function reviewAction(route: Readonly<Record<string, unknown>>, at: number, collector: ErrorCollector): void {
  // `false` switches off what is only a switch.
  const written = actions.filter((action) => route[action] !== undefined && route[action] !== false);
  const present = written.includes('to') ? written.filter((action) => !besideTo.includes(action)) : written;
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
  if (first === 'to') return;
  const effective = featuresOfFile.find(({ routeKeys = {} }) => first in routeKeys)?.effective ?? [];
  for (const key of upstreamOnly.filter((one) => route[one] !== undefined && !effective.includes(one))) {
    collector.warnAtKey(['routes', at, key], `${quoted(key)} has no effect beside ${quoted(first)}`, 'remove it');
  }
}

function reviewRoute(route: RouteRead, at: number, collector: ErrorCollector): void {
  const { rewrite, timeouts } = route;
  reviewSplit(route, ['routes', at], collector);
  reviewHeaderValues(route, ['routes', at], collector);
  reviewErrorPages(route.error_pages, ['routes', at, 'error_pages'], true, collector);
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

/** Every status that the gateway answers with by itself. */
const ownStatuses: ReadonlySet<number> = new Set([
  ...Object.values(failureTable).flatMap(({ status }) => (typeof status === 'number' ? [status] : [])),
  ...Object.values(requestRules).map(({ status }) => status),
]);

/** Pages are for what the gateway answers by itself. Without a route that is 404 too. */
function reviewErrorPages(
  pages: RouteRead['error_pages'],
  path: Path,
  isOfRoute: boolean,
  collector: ErrorCollector,
): void {
  for (const status of Object.keys(pages ?? {}))
    if (/^[45]\d\d$/.test(status) && (!ownStatuses.has(Number(status)) || (isOfRoute && status === '404')))
      collector.warnAtKey(
        [...path, status],
        `this page has no effect: ${isOfRoute ? 'on a route ' : ''}the gateway does not answer ${status} by itself, and what an application answers is passed on as it is`,
        'remove it, and let the application send its page',
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
