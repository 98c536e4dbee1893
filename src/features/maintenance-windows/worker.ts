import { fail } from '#failures/failure.ts';
import type { Filter } from '../../core/filter.ts';
import { retryAfterUntil } from '../../filters/maintenance.ts';
import { NetworkRanges, packRanges, rangeOf } from '../access/network-ranges.ts';
import type { CronSchedule } from '../cron-schedule.ts';
import { machineZone } from '../machine-zone.ts';
import { lazyWorkerFeature } from '../worker-feature.ts';
import { maintenanceWindowsName, type MaintenanceWindowSpec, type MaintenanceWindowsSpec } from './settings.ts';
import { WindowTimes } from './window-times.ts';

/** Closes a route at certain times. Each worker reckons them by its clock: a window begins also while the main thread is busy. */
export const maintenanceWindows = lazyWorkerFeature(
  maintenanceWindowsName,
  () => import('../cron-schedule.ts'),
  ({ scheduleOf }, { id }, { windows }: MaintenanceWindowsSpec) => ({
    hooks: {
      filters: windows.map((window) =>
        windowFilter(id, window, scheduleOf(window.schedule, window.timeZone ?? machineZone())),
      ),
    },
  }),
);

function windowFilter(route: string, window: MaintenanceWindowSpec, schedule: CronSchedule): Filter {
  const { lengthMs, message, allow } = window;
  const times = new WindowTimes(schedule, lengthMs);
  const allowed = new NetworkRanges(packRanges(allow.flatMap((network) => rangeOf(network) ?? [])));
  return {
    name: maintenanceWindowsName,
    stage: 'maintenance',
    onRequestHead({ clock, client }) {
      const now = clock.wallTime();
      const closed = times.at(now);
      if (closed === null || now < closed.begins || allowed.has(client.address)) return 'continue';
      return fail('maintenance', 'route', { route, message, retryAfterS: retryAfterUntil(closed.ends, now) });
    },
  };
}
