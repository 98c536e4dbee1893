import { conditionText } from '../../core/exchange-query.ts';
import type { LiveIncident } from '../../core/live-incident.ts';

/** An earlier version has told only when the first failure came. */
export const firstRequestAt = ({ firstRequestAt: first, startedAt }: LiveIncident): number =>
  Math.min(startedAt, first ?? Infinity);

/** Finds the requests of an incident: a search goes by when requests began, and a timeout fails long after that. */
export function requestsQuery(incident: LiveIncident): string {
  const { cause, upstream } = incident;
  return [
    cause === null ? 'shape:app_error' : conditionText('cause', cause),
    ...(upstream === '' ? [] : [conditionText('upstream', upstream)]),
    `since:${new Date(firstRequestAt(incident)).toISOString()}`,
  ].join(' ');
}
