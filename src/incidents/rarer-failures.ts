import type { RarerFailures } from '../core/live-incident.ts';
import { upperShare } from '../core/upper-share.ts';
import type { OpenIncident } from './open-incident.ts';
import type { UpstreamFailures } from './upstream-failures.ts';

/** The shortest window whose failures speak for a share; what came in the older half alone has ended. */
const windowsS = [20, 60, 300] as const;

/** Of the largest share that it has had: what is below is rarer, and stays so up to the second one, so that it does not change each second. */
const rarerMax = 0.5;
const rarerStillMax = 0.75;

/** Where so many failures are missed since the last one, they have ended, or are rarer still. */
const missedMax = 3;

/** A route with so many of the failures is named. */
const ofOneRoute = 0.9;

/** Of the routes of an incident, in the last `widthS` seconds before `second`. */
export function shareOfRoutes(
  { routeNames, families }: Pick<OpenIncident, 'routeNames' | 'families'>,
  all: readonly UpstreamFailures[],
  second: number,
  widthS: number,
  names: readonly string[] = routeNames,
): { readonly requests: number; readonly failed: number; readonly usual: number } {
  let [requests, failed, usual] = [0, 0, 0];
  for (const { rates } of all) {
    const sum = rates.sum(names, families, second, widthS);
    requests += sum.requests;
    failed += sum.failed;
    usual += sum.usual;
  }
  return { requests: Math.max(requests, failed), failed, usual };
}

/** The share of failures that is certain of the last seconds (95 %). */
export function certainShare(open: OpenIncident, all: readonly UpstreamFailures[], second: number): number {
  const { requests, failed } = shareOfRoutes(open, all, second, windowsS[0]);
  return failed === 0 ? 0 : 1 - upperShare(requests - failed, requests);
}

/** What an incident's share of failures is now, where it is clearly smaller than it was and larger than usual; null: it is not, or its requests no longer fail. */
export function rarerFailures(
  open: OpenIncident,
  all: readonly UpstreamFailures[],
  second: number,
): RarerFailures | null {
  if (open.worstShare === 0) return null;
  const lastedS = second - open.startSecond + 1;
  for (const widthS of windowsS) {
    if (widthS > lastedS) return null;
    if (second - open.lastSecond > widthS / 2) continue;
    const { requests, failed, usual } = shareOfRoutes(open, all, second, widthS);
    if (failed === 0 || failed <= usual || (second - open.lastSecond) * failed > missedMax * widthS) continue;
    const isRarer =
      open.rarer === null
        ? upperShare(failed, requests) <= rarerMax * open.worstShare
        : failed <= rarerStillMax * open.worstShare * requests;
    if (isRarer) return namedShare(open, all, { second, widthS, requests, failed });
  }
  return null;
}

function namedShare(
  open: OpenIncident,
  all: readonly UpstreamFailures[],
  { second, widthS, requests, failed }: Record<'second' | 'widthS' | 'requests' | 'failed', number>,
): RarerFailures {
  for (const route of open.routeNames) {
    const own = shareOfRoutes(open, all, second, widthS, [route]);
    if (own.failed >= ofOneRoute * failed) return { route, share: own.failed / own.requests };
  }
  return { route: null, share: failed / requests };
}
