import { fail } from '#failures/failure.ts';
import type { Filter } from '../core/filter.ts';

/** Refuses every request of a route that its operator has closed for a while. */
export function maintenanceFilter(route: string, message: string, retryAfterS: number): Filter {
  const failure = fail('maintenance', 'route', { route, message, retryAfterS });
  return { name: 'maintenance', onRequestHead: () => failure };
}
