import * as z from 'zod';
import { declare, describe } from '../../schema/default.ts';
import { type ErrorDetail, reject } from '../../schema/error-detail.ts';
import { parseAge } from '../../schema/format/duration.ts';
import { parseNetwork } from '../../schema/format/network.ts';
import { messageAlone, oneOrMany, parsed } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { type Result, succeed } from '#failures/result.ts';
import { type FeatureKeys, featureKeys, inForce, reviewReplaced } from '../feature-keys.ts';
import { parseSchedule, parseTimeZone } from '../jobs/keys-schedule.ts';
import { maintenanceDefaults } from '../maintenance/settings.ts';
import { reviewPlainText } from '../text-keys.ts';
import { maintenanceWindowsName, type MaintenanceWindowSpec, type MaintenanceWindowsSpec } from './settings.ts';

const absent = {
  zone: describe('that of the machine', 'People mean the clock on their wall.'),
  message: declare(maintenanceDefaults.message, 'Says what a visitor wants to know.'),
  allow: describe('none', 'Who works on the service names the own addresses.'),
};

const weekMs = 7 * 86_400_000;

function parseTimes(written: string): Result<string, ErrorDetail> {
  const schedule = parseSchedule(written, '');
  if (!schedule.ok || schedule.value !== 'once') return schedule;
  return reject('a window follows no release', 'write when it begins, such as "0 3 * * SUN"');
}

function parseLength(written: string): Result<number, ErrorDetail> {
  const length = parseAge(written);
  if (!length.ok) return length;
  const lengthMs = length.value * 1000;
  if (lengthMs > 0 && lengthMs <= weekMs) return succeed(lengthMs);
  return reject(`a window is as long as 1s to 7d, and not ${written}`, null);
}

const bareLengthError = (value: number): ErrorDetail => ({
  message: `${value} has no unit`,
  suggestion: `write ${value}m or ${value}h`,
});

const oneWindow = section({
  schedule: parsed(parseTimes, { kind: 'schedule', examples: ['0 3 * * SUN', '30 22 * * 1-5'] }).meta({
    description: 'When it begins, in the words of cron: minute, hour, day, month, weekday.',
  }),
  for: parsed(parseLength, { kind: 'duration', examples: ['30m', '2h'], bare: bareLengthError }).meta({
    description: 'How long it is, at most seven days.',
  }),
  time_zone: key(
    parsed(parseTimeZone, { kind: 'time zone', examples: ['Europe/Berlin', 'UTC'] }),
    'Of `schedule`.',
    absent.zone,
  ),
  message: key(messageAlone, 'What visitors read.', absent.message),
  allow: key(
    oneOrMany(parsed(parseNetwork, { kind: 'network', examples: ['10.0.0.0/8'] })),
    'Networks whose clients pass.',
    absent.allow,
  ),
});

const maintenanceWindowsKeys = {
  maintenance_windows: key(
    z.union([z.literal('none'), oneWindow.transform((one) => [one]), z.array(oneWindow).min(1)]),
    'Times at which the route is closed: requests get 503, with the time until the end in Retry-After. One, or a list; or `none`. At the top for all routes; a route for checks (`readiness`) has none of the top.',
  ),
};

type WindowsRead = z.output<z.ZodObject<typeof maintenanceWindowsKeys>>;
type WindowRead = z.output<typeof oneWindow>;

export const maintenanceWindows: FeatureKeys = featureKeys<WindowsRead, object, WindowsRead>({
  name: maintenanceWindowsName,
  routeKeys: maintenanceWindowsKeys,
  fileKeys: maintenanceWindowsKeys,
  forms: {
    maintenance_windows: {
      example: '{ schedule: "0 3 * * SUN", for: 1h }',
      off: 'write none',
      on: 'write { schedule: "0 3 * * SUN", for: 1h }',
      stands: ['schedule', 'for'],
    },
  },
  ofRoute(route, file): MaintenanceWindowsSpec | null {
    const windows = inForce(maintenanceWindowsName, route, file);
    return windows === null ? null : { windows: windows.map(specOf) };
  },
  review(written, findings) {
    const { file, routes } = written;
    reviewWindows(file.read.maintenance_windows, [maintenanceWindowsName], findings);
    for (const { path, read } of routes)
      reviewWindows(read.maintenance_windows, [...path, maintenanceWindowsName], findings);
    reviewReplaced(maintenanceWindowsName, written, findings);
  },
});

/** Where it stands: one may be without a list. */
function reviewWindows(read: WindowsRead['maintenance_windows'], path: Path, findings: Findings): void {
  if (read === undefined || read === 'none') return;
  for (const [index, { message, allow = [], schedule, for: lengthMs }] of read.entries()) {
    const at = read.length === 1 ? path : [...path, index];
    const everyMs = periodOf(schedule);
    if (everyMs !== null && lengthMs >= everyMs)
      findings.warnAtValue(
        [...at, 'for'],
        'a window ends when the next one has begun: the route is closed at all times',
        'write a shorter time',
      );
    reviewPlainText(message ?? '', [...at, 'message'], findings);
    if (allow.some((network) => network.endsWith('/0')))
      findings.warnAtKey([...at, 'allow'], 'it lets everybody pass', 'name the networks of those who work on it');
  }
}

/** How often windows begin, where that is plain; null: it is not. */
function periodOf(schedule: string): number | null {
  const [minute, hour, day, month, weekday] = schedule.split(' ').slice(-5);
  if (day !== '*' || month !== '*') return null;
  if (weekday !== '*') return hour === '*' ? null : weekMs;
  return hour !== '*' ? weekMs / 7 : minute === '*' ? 60_000 : 3_600_000;
}

function specOf(read: WindowRead): MaintenanceWindowSpec {
  return {
    schedule: read.schedule,
    timeZone: read.time_zone ?? null,
    lengthMs: read.for,
    message: read.message ?? maintenanceDefaults.message,
    allow: read.allow ?? [],
  };
}
