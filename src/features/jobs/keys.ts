/** Programs of an application that run to their end, at times or by hand (`candor jobs`). */
import * as z from 'zod';
import { declare, describe } from '../../schema/default.ts';
import { quoted } from '../../schema/error-detail.ts';
import { splitCommandLine } from '../../schema/format/command-line.ts';
import { duration, name, parsed, text } from '../../schema/leaves.ts';
import { hide } from '../../schema/schema-parts.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { parseSchedule, parseTimeZone } from './keys-schedule.ts';
import { jobOverlaps, jobsName, type JobsSpec } from './settings.ts';

const absent = {
  schedule: describe('by hand alone', 'Many jobs are run when a person wants it.'),
  time_zone: describe('that of the machine', 'People mean the clock on their wall.'),
  overlap: declare('skip', 'Two runs of a program that expects to be alone do harm.'),
  catch_up: declare('none', 'A report of the night is of no use at noon; whether it is, its author knows.'),
  timeout: declare('1h', 'A job that hangs is seen in the same night.'),
};

const hourMs = 3_600_000;

const job = section({
  command: hide(z.union([parsed(splitCommandLine, { kind: 'command line' }), z.array(text).min(1)]), 'command').meta({
    description: 'Program and arguments, as one line or a list. No shell runs.',
    examples: ['python3 report.py'],
  }),
  schedule: key(
    parsed(parseSchedule, { kind: 'schedule', examples: ['0 3 * * *', '*/15 * * * *', '@hourly', 'once'] }),
    "Cron's words: minute, hour, day of the month, month, day of the week; `once`: once for each release.",
    absent.schedule,
  ),
  time_zone: key(
    parsed(parseTimeZone, { kind: 'time zone', examples: ['Europe/Berlin', 'UTC'] }),
    'Of `schedule`.',
    absent.time_zone,
  ),
  overlap: key(
    z.enum(jobOverlaps),
    'When it is due while it still runs: `skip` leaves that time out, `wait` runs it once afterwards, `allow` runs it beside, ten at most.',
    absent.overlap,
  ),
  catch_up: key(
    z.enum(['none', 'last']),
    '`last`: of the times that were missed, since the gateway did not run, the last one is run late. They are told in any case.',
    absent.catch_up,
  ),
  timeout: key(duration, 'How long a run may take; then it is ended with `stop_timeout`.', absent.timeout),
  environment: key(
    hide(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])), 'value'),
    'Variables for it, beside those of the application.',
  ),
});

const applicationKeys = {
  jobs: key(
    z.record(name, hide(job, 'command')),
    'Programs that run to their end in the release of the application, with its environment, by name.',
  ),
};

type ApplicationRead = z.output<z.ZodObject<typeof applicationKeys>>;

export const jobs: FeatureKeys = featureKeys<object, object, object, ApplicationRead>({
  name: jobsName,
  applicationKeys,
  forms: { jobs: { example: '{ report: { command: python3 report.py, schedule: "0 3 * * *" } }' } },
  ofApplication({ jobs: written }): JobsSpec | null {
    if (written === undefined || Object.keys(written).length === 0) return null;
    return {
      jobs: Object.entries(written).map(([jobName, read]) => ({
        name: jobName,
        command: read.command,
        schedule: read.schedule ?? null,
        timeZone: read.time_zone ?? null,
        overlap: read.overlap ?? 'skip',
        catchesUp: read.catch_up === 'last',
        timeoutMs: read.timeout ?? hourMs,
        environment: Object.fromEntries(
          Object.entries(read.environment ?? {}).map(([variable, value]) => [variable, String(value)]),
        ),
      })),
    };
  },
  review({ applications, file }, findings) {
    const hasState = (file.read as { readonly state?: unknown }).state !== null;
    for (const { path, read } of applications)
      for (const [jobName, one] of Object.entries(read.jobs ?? {})) {
        const at = [...path, 'jobs', jobName];
        if (jobName.includes('.'))
          findings.errorAtKey(
            at,
            `${quoted(jobName)} has a point, which parts an application and its job`,
            `write ${quoted(jobName.replaceAll('.', '-'))}`,
          );
        if (!hasState)
          findings.errorAtKey(at, 'without a state folder no run can be claimed', 'remove "state: none", or the job');
        const isTimed = one.schedule !== undefined && one.schedule !== 'once';
        for (const setting of ['time_zone', 'catch_up'] as const)
          if (!isTimed && one[setting] !== undefined)
            findings.warnAtKey(
              [...at, setting],
              `${quoted(setting)} has no effect: no time is due`,
              one.schedule === 'once'
                ? 'write times in "schedule" in place of once, or remove it'
                : 'add "schedule", or remove it',
            );
        if (one.schedule === undefined && one.overlap === 'wait')
          findings.warnAtKey([...at, 'overlap'], 'a run by hand does not wait', 'add "schedule", or remove it');
      }
  },
});
