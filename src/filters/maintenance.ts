import { fail } from '#failures/failure.ts';
import type { Filter, FilterStage } from '../core/filter.ts';

/** Refuses every request of a route that its operator has closed for a while: at run time, or as its action. */
export function maintenanceFilter(
  route: string,
  message: string,
  retryAfterS: number,
  stage: FilterStage = 'action',
): Filter {
  const failure = fail('maintenance', 'route', { route, message, retryAfterS });
  return { name: 'maintenance', stage, onRequestHead: () => failure };
}
