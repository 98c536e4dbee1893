import { featureWords, settingsOf } from '../feature-words.ts';
import { maintenanceWindowsName, type MaintenanceWindowsSpec, type MaintenanceWindowsStatus } from './settings.ts';

export const maintenanceWindowsWords = featureWords<MaintenanceWindowsStatus>({
  settings: settingsOf(maintenanceWindowsName, ({ windows }: MaintenanceWindowsSpec) => ({
    access: Object.fromEntries(
      windows.flatMap(({ schedule, timeZone, lengthMs, allow }, index) => {
        const at = windows.length === 1 ? '' : String(index + 1);
        return [
          [`maintenanceWindow${at}`, `${schedule}${timeZone === null ? '' : ` ${timeZone}`}`],
          [`windowLength${at}Ms`, lengthMs],
          ...(allow.length === 0 ? [] : [[`windowAllow${at}`, allow.join(' ')] as const]),
        ];
      }),
    ),
  })),
  status: {
    title: 'MAINTENANCE WINDOWS',
    rows: ({ maintenanceWindows }) =>
      maintenanceWindows.map(({ route, closed, begins, ends }) => ({
        tone: closed ? 'warn' : 'good',
        cells: [`route ${route}`, closed ? 'closed' : 'open'],
        note: closed ? `until ${minuteOf(ends)}` : begins === null ? 'no window comes' : `next ${minuteOf(begins)}`,
      })),
  },
});

/** '2026-07-05T01:00Z' */
function minuteOf(time: string | null): string {
  return `${time?.slice(0, 16) ?? ''}Z`;
}
