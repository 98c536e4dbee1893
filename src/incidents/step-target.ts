import { withAddress } from '#failures/failure-texts.ts';
import { lowerFirst } from '#failures/first-letter.ts';
import type { LiveIncident } from '../core/live-incident.ts';
import { type WatchedUpstream, applicationsOf } from './watched-upstream.ts';
import { outputStep } from '#failures/output-step.ts';
import type { SuspectContext } from './suspect-facts.ts';

/** Lines from so long before the first failure are shown: what goes wrong is often printed before a request fails. */
const beforeMs = 5000;

/** How to see what the applications that the gateway runs have printed meanwhile; null: it runs none of them. */
export function outputStepOf({ incident, watched }: Pick<SuspectContext, 'incident' | 'watched'>): string | null {
  const applications = applicationsOf(watched);
  if (applications.length === 0) return null;
  const since = incident.startedAt - beforeMs;
  const step = outputStep(applications, { of: 'time', since, isStored: watched.storesOutput === true });
  const printed = printedText(incident);
  return printed === null ? step : `${printed}; ${lowerFirst(step)}`;
}

/** The same for an application that the gateway does not run: a log of its may be followed all the same. */
export function foreignLogStep(incident: Pick<LiveIncident, 'excerpts'>): string {
  const printed = printedText(incident);
  return printed === null
    ? "Look at the application's log at that time."
    : `${printed}; see what its log says around it.`;
}

/** 'web/1 printed "Error: no database" at 12:04:05 UTC': the first line that says something; null: none is known. */
function printedText({ excerpts = [] }: Pick<LiveIncident, 'excerpts'>): string | null {
  const first = excerpts.find(({ source }) => source === 'log');
  const [line] = first?.lines ?? [];
  if (first === undefined || line === undefined) return null;
  return `${first.where} printed "${line}" at ${new Date(first.at).toISOString().slice(11, 19)} UTC`;
}

/** Puts the endpoint with the most failures and the route with the most into a step of the failure table: `http://HOST:PORT/PATH`, `-servername NAME`. */
export function withTarget(
  step: string,
  { cause, endpoints, routes }: LiveIncident,
  watched: WatchedUpstream | null = null,
): string {
  const worst = endpoints.toSorted((a, b) => b.failed - a.failed)[0]?.endpoint;
  const address = worst?.slice(worst.lastIndexOf('/') + 1);
  if (worst === undefined || address === undefined || cause === null || !/:\d+$/.test(address)) return step;
  const name = watched?.endpoints.find(({ id }) => id === worst)?.name ?? null;
  const path = pathOf(routes[0]?.route ?? '');
  const withPath = step.replaceAll('HOST:PORT/PATH', `HOST:PORT${path}`);
  // Steps for failures of TLS itself say which of both to use. The certificate need not have the address in it.
  const isTls = watched?.tls === true && !cause.startsWith('tls_');
  const withScheme = isTls
    ? withPath.replaceAll(/\bcurl (?=[^`|]*http:\/\/HOST)/g, 'curl -k ').replaceAll('http://HOST', 'https://HOST')
    : withPath;
  return withAddress(withScheme, { cause, evidence: { address, name } });
}

/** Of a route that is named after its host and path. Only what a shell reads as one plain word. */
function pathOf(route: string): string {
  const path = route.slice(Math.max(0, route.indexOf('/')));
  return /^\/[\w./~-]*$/.test(path) ? path : '/';
}
