import type { CountedCause, LiveIncident } from '../core/live-incident.ts';
import type { OpenIncident } from './open-incident.ts';

/** How the gateway calls the requests by which a route authenticates. */
const askingPrefix = 'authentication of ';

const keysOf = (upstream: string): string => `keys of ${upstream}`;
const isQuestion = (route: string): boolean => route.startsWith(askingPrefix) || route.startsWith(keysOf(''));

/** What of an outage its asking routes have: requests that got no decision. */
const cause = 'authentication_unavailable';

/**
 * The incident of the service that the routes of `asking` ask who may enter; null: none of these is, or `asking` is about something else. Its outage is
 * one incident, and not a second one for each upstream whose routes ask it.
 */
export function askedService(asking: OpenIncident, all: readonly OpenIncident[]): OpenIncident | null {
  if (asking.partOf !== null || asking.kinds.commonest(asking.root) !== cause) return null;
  const asked = asking.routeNames.map((route) => `${askingPrefix}${route}`);
  const others = all.filter((one) => one !== asking && one.partOf === null);
  const service = others.find(({ routeNames }) => routeNames.some((route) => asked.includes(route)));
  // Keys of an issuer are asked for once for all routes, so that these are not known by it.
  return service ?? others.find(({ routeNames, upstream }) => routeNames.includes(keysOf(upstream))) ?? null;
}

/** What an incident is with the routes that ask the service: of its requests, those of clients count. */
export function withAskingRoutes(own: LiveIncident, asking: readonly LiveIncident[]): LiveIncident {
  const [first] = asking;
  if (first === undefined) return own;
  const { most: _, ...facts } = own;
  const routes = [own, ...asking].flatMap((one) => one.routes).filter(({ route }) => !isQuestion(route));
  const count = sumOf(asking);
  const failed = own.failed - sumOf(own.routes.filter(({ route }) => isQuestion(route))) + count;
  const effect: CountedCause = { cause, count, failed: count, attemptsFailed: 0, isConsequence: true };
  return {
    ...facts,
    ...(first.most === undefined ? {} : { most: first.most }),
    failed,
    requests: Math.max(failed, ...asking.map(({ requests }) => requests)),
    causes: [...own.causes, effect],
    routes: routes.toSorted((a, b) => b.failed - a.failed),
    lastAt: Math.max(own.lastAt, ...asking.map(({ lastAt }) => lastAt)),
  };
}

function sumOf(counted: readonly { readonly failed: number }[]): number {
  return counted.reduce((sum, { failed }) => sum + failed, 0);
}

/** 'The routes /, /admin ask it who may enter, and answer 503 meanwhile.'; empty: none does. */
export function askingSentence(
  { causes, routes }: Pick<LiveIncident, 'causes' | 'routes'>,
  namesOf: (names: readonly string[]) => string,
): readonly string[] {
  if (!causes.some((one) => one.cause === cause && one.isConsequence)) return [];
  const names = routes.map(({ route }) => route);
  return [
    names.length === 1
      ? `The route ${namesOf(names)} asks it who may enter, and answers 503 meanwhile.`
      : `The routes ${namesOf(names)} ask it who may enter, and answer 503 meanwhile.`,
  ];
}
