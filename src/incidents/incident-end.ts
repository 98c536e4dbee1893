import { isWithoutFailure } from './failure-family.ts';
import type { OpenIncident } from './open-incident.ts';
import type { UpstreamFailures } from './upstream-failures.ts';
import { isDown, keptOut, type WatchedUpstream } from './watched-upstream.ts';

/** Without a request for this long, an incident is over, or cannot be told from one that is. */
export const silentS = 300;

/** An incident is over when none of its requests has failed for so long, and enough of them came. */
const quietS = 60;

/** A smaller share of late or changed responses is as usual. */
const unusualAgainMax = 0.05;

/** So long after its last failure it is over, however few requests came. */
const goneS = 3600;

/** Whether an incident is over at a second. `all`: its upstreams, and how their endpoints are. */
export function hasEnded(
  open: OpenIncident,
  all: readonly UpstreamFailures[],
  watched: WatchedUpstream,
  second: number,
): boolean {
  const quietFor = second - open.lastSecond;
  if (open.reported === 0) return quietFor > silentS && !isDown(watched);
  if (isDown(watched)) return false;
  if (quietFor > goneS) return true;
  // Nothing fails there since nothing is sent there.
  if (keptOut(watched).some((endpoint) => open.requests.hasFailedAt(endpoint))) return false;
  if (quietFor > silentS && all.every(({ requests }) => requests.sum(second, silentS) === 0)) return true;
  if (quietFor >= quietS && open.hasProvedItsEnd) return true;
  const lastedS = second - open.startSecond;
  return lastedS >= quietS && all.every((failures) => isAsUsual(open, failures, second, Math.min(silentS, lastedS)));
}

/** Some requests fail as they did before it, and as many as that. */
function isAsUsual(open: OpenIncident, { rates }: UpstreamFailures, second: number, widthS: number): boolean {
  if ([...open.families].some((family) => family !== 'application' && !isWithoutFailure(family))) return false;
  if (isWithoutFailure(open.root)) {
    const { requests, failed, usual } = rates.sum(open.routeNames, new Set([open.root]), second, quietS);
    // What began with few of the requests goes on with few of them.
    const few = Math.min(unusualAgainMax, open.shareOfRoutes / 4);
    return requests >= open.requestsOfProof && failed <= Math.max(few * requests, usual);
  }
  const { requests, failed, usual } = rates.sum(open.routeNames, new Set(['application'] as const), second, widthS);
  return usual > 0 && requests >= open.requestsOfProof && failed <= usual + 2 * Math.sqrt(usual);
}
