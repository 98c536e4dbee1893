import type { RouteSpec } from '../core/route-spec.ts';
import type { Filter } from '../core/filter.ts';
import { maintenanceFilter } from '../filters/maintenance.ts';
import { readinessFilter } from '../filters/readiness.ts';
import { redirectFilter } from '../filters/redirect.ts';
import { respondFilter } from '../filters/respond.ts';
import { locationOf } from './redirect-location.ts';

/** The filters of a route, in the order in which requests pass them. The last filter of a route without an upstream responds. */
export function filtersOf({ id, action }: RouteSpec): readonly Filter[] {
  switch (action.kind) {
    case 'upstream':
      return [];
    case 'respond':
      return [respondFilter(action.status, action.contentType, action.body)];
    case 'redirect':
      return [redirectFilter(action.status, locationOf(action.location))];
    case 'maintenance':
      return [maintenanceFilter(id, action.message, action.retryAfterS)];
    case 'readiness':
      return [readinessFilter()];
  }
}
