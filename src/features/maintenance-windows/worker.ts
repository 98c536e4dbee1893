import { fail } from '#failures/failure.ts';
import type { Filter } from '../../core/filter.ts';
import { retryAfterUntil } from '../../filters/maintenance.ts';
import { NetworkRanges, packRanges, rangeOf } from '../access/network-ranges.ts';
import type { CronSchedule } from '../cron-schedule.ts';
import { machineZone } from '../machine-zone.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { maintenanceWindowsName, type MaintenanceWindowSpec, type MaintenanceWindowsSpec } from './settings.ts';
import { WindowTimes } from './window-times.ts';

let scheduleOf: ((pattern: string, timeZone: string) => CronSchedule) | null = null;

/** Closes a route at certain times. Each worker reckons them by its clock: a window begins also while the main thread is busy. */
export const maintenanceWindows = workerFeature<MaintenanceWindowsSpec, FeaturePart>({
  name: maintenanceWindowsName,
  load: () => import('../cron-schedule.ts').then((loaded) => void ({ scheduleOf } = loaded)),
  prepare: ({ id }, { windows }) => ({ hooks: { filters: windows.map((window) => windowFilter(id, window)) } }),
});

function windowFilter(route: string, window: MaintenanceWindowSpec): Filter {
  const { schedule, timeZone, lengthMs, message, allow } = window;
  if (scheduleOf === null) throw new Error('the schedule is not loaded');
  const times = new WindowTimes(scheduleOf(schedule, timeZone ?? machineZone()), lengthMs);
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
