import type { EndpointOutcomes } from '../core/outcome.ts';
import type { RouteTraffic } from '../core/route-traffic.ts';
import type { AttemptOutcomes } from './outlier-detection.ts';
import type { SiblingOutlier } from './sibling-outliers.ts';

// The probation of an endpoint is judged by the routes on which it failed; where it was ejected because it differed from the others, by what it differed by.

/** What took longer is late on a route; on one that was not compared: what is late on all. */
export function lateLimitOf({ lateMs }: SiblingOutlier, route: string): number {
  return lateMs.get(route) ?? Math.max(...lateMs.values());
}

/** A request of a probation whose response is late already, as a failure. */
export function lateOutcome({ upstream, endpoint }: RouteTraffic): EndpointOutcomes {
  return {
    ...{ upstream, endpoint, state: 'probation', successes: 0, serverErrors: 0, rateLimited: 0, restMs: 0 },
    ...{ failures: 1, consecutiveFailures: 0, consecutiveUnreachable: 0, latencyMs: 0, causes: [] },
  };
}

/** Without a request of the routes on which it failed for so long, those of any route judge its probation. */
export const anyRouteAfterMs = 60_000;

/** Outcomes of a probation without the successes on other routes than these; `only` is empty: all of them. */
export function onRoutes(
  outcomes: AttemptOutcomes,
  endpoint: string,
  only: readonly string[],
  routes: readonly RouteTraffic[],
): AttemptOutcomes {
  if (only.length === 0) return outcomes;
  const own = routes.filter((one) => one.endpoint === endpoint && only.includes(one.route));
  const answered = own.reduce((sum, one) => sum + one.answered, 0);
  return { ...outcomes, successes: Math.min(outcomes.successes, answered) };
}

/** Outcomes of a probation, in which what the endpoint was ejected for is a failure. */
export function asBefore(
  outlier: SiblingOutlier | null,
  outcomes: EndpointOutcomes | AttemptOutcomes,
  routes: readonly RouteTraffic[],
): AttemptOutcomes {
  if (outlier === null) return outcomes;
  const own = routes.filter(({ endpoint }) => endpoint === outlier.endpoint);
  const late = ({ route, slow }: RouteTraffic): number => {
    const limitMs = lateLimitOf(outlier, route);
    return slow.filter(({ ms }) => ms > limitMs).length;
  };
  const again = outlier.event === 'late' ? own.reduce((sum, one) => sum + late(one), 0) : outcomes.serverErrors;
  const failures = Math.min(again, outcomes.successes);
  return { ...outcomes, successes: outcomes.successes - failures, failures: outcomes.failures + failures };
}
