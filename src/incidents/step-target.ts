import { withAddress } from '#failures/failure-texts.ts';
import type { LiveIncident } from '../core/live-incident.ts';
import type { WatchedUpstream } from './watched-upstream.ts';

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
