import { durationText } from '#failures/quantity-text.ts';
import { missingRequestsQuery } from '../core/objective.ts';
import type { ObjectiveJson, RouteFigures, RouteTimelinesJson, StatusJson } from './model.ts';

/** A route as the table of routes shows it. */
export interface RouteRow extends RouteFigures {
  readonly objectives: readonly ObjectiveJson[];
  /** Of each step of the last minutes; null: no history is kept of it. */
  readonly plot: Pick<RouteTimelinesJson['routes'][number], 'requests' | 'errors'> | null;
}

/** Those that fail most first, then those with the most requests. */
export function routeRows(
  { routes, objectives }: Pick<StatusJson, 'routes' | 'objectives'>,
  timelines: RouteTimelinesJson | null,
): readonly RouteRow[] {
  const plots = new Map(timelines?.routes.map((one) => [one.id, one]));
  return routes
    .map((route) => ({
      ...route,
      objectives: objectives.filter((one) => one.route === route.id),
      plot: plots.get(route.id) ?? null,
    }))
    .toSorted(
      ({ last_minute: a }, { last_minute: b }) =>
        b.errors - a.errors || b.requests - a.requests || (b.p99_ms ?? 0) - (a.p99_ms ?? 0),
    );
}

/** Requests that match no route have one too. */
export function routeName(id: string): string {
  return id === '' ? '(no route)' : id;
}

/** '99.9 % without failure', '99 % within 500 ms'. */
export function objectiveWords({ target, under_ms: underMs }: Pick<ObjectiveJson, 'target' | 'under_ms'>): string {
  const share = `${Number((target * 100).toFixed(4))} %`;
  return underMs === null ? `${share} without failure` : `${share} within ${durationText(underMs)}`;
}

/** Why an objective is missed, one sentence; null: it is kept. */
export function missedText(objective: ObjectiveJson): string | null {
  const window = objective.burn_rates.find(({ tier }) => tier === objective.burning);
  if (objective.burning === null || window === undefined) return null;
  const left = Math.max(0, Math.round(objective.budget_left * 100));
  return (
    `The objective of ${objective.route} (${objectiveWords(objective)}) is missed: over ${hours(window.long_s)} its error budget was used up ` +
    `${window.long.toFixed(1)} times as fast as allowed; ${left === 0 ? 'nothing' : `${left} %`} of that of three days is left.`
  );
}

/** Finds the requests that used the budget up, in the time in which they did. */
export function missedQuery(objective: ObjectiveJson): string {
  const { route, under_ms: underMs, burning, burn_rates: rates } = objective;
  const window = rates.find(({ tier }) => tier === burning) ?? rates[0];
  return `${missingRequestsQuery(route, underMs)} since:${Math.ceil((window?.long_s ?? 3600) / 3600)}h`;
}

function hours(seconds: number): string {
  const count = Math.round(seconds / 3600);
  if (count <= 1) return 'the last hour';
  return count % 24 === 0 ? `the last ${count / 24} days` : `the last ${count} hours`;
}
