import * as z from 'zod';
import type { Named } from './inferred.ts';
import { count, nullableText, text, time } from './values.ts';

const starters = ['schedule', 'catch_up', 'once', 'hand'] as const;

const jobRunSchema = z.object({
  run: count.describe('Its number; the first is 1.'),
  state: z.enum(['running', 'succeeded', 'failed']),
  by: z.enum(starters).describe('Why it was started: it was due, late, once for the release, or by hand.'),
  due_at: time.nullable().describe('Null: no time was due.'),
  started_at: time,
  ms: count.nullable().describe('How long it ran; null: it runs, or its end was not seen.'),
  code: z.int().nullable().describe('Null: a signal has ended it, it runs, or its end was not seen.'),
  signal: nullableText,
  failure: nullableText.describe('Why it has failed, one clause.'),
  release: nullableText.describe('That it ran in; null: its application was never deployed.'),
  actor: nullableText.describe('Who has started it by hand.'),
  output: z.array(text).describe('The last lines that it has printed, at most 20; while it runs none.'),
});

const jobSchema = z.object({
  job: text.describe('The application, a point and the name.'),
  application: text,
  command: text,
  schedule: nullableText.describe("Cron's words, `once`, or null: by hand alone."),
  time_zone: nullableText.describe('Null: no schedule needs one.'),
  overlap: z.enum(['skip', 'wait', 'allow']),
  catch_up: z.enum(['none', 'last']),
  next_at: time.nullable().describe('When it is due next.'),
  waits: z.boolean().describe('It is due, and waits for the end of its present run.'),
  failing: nullableText.describe('Why it is failing, one clause; null: it is not.'),
  failing_s: count.nullable().describe('For how many seconds.'),
  runs: z.array(jobRunSchema).describe('The latest first, at most 20.'),
  runs_total: count,
  skipped: z
    .object({ at: time, reason: text })
    .nullable()
    .describe('The last time that was not run, since it still ran.'),
  missed: z
    .object({ first: time, last: time, count, is_more: z.boolean(), reason: text })
    .nullable()
    .describe('The last times at which it was not run.'),
});

export type JobStatus = Named<typeof jobSchema>;
export type JobRunStatus = JobStatus['runs'][number];

export const jobsSchema = z.object({ jobs: z.array(jobSchema) });

export const jobRunRequestSchema = z.strictObject({ job: text.describe('`shop.report`') });

/** A line of the answer to a run by hand. */
export const jobRunLineSchema = z.union([
  z.object({ kind: z.literal('started'), job: text, run: count }),
  z.object({ kind: z.literal('output'), text }),
  z
    .object({ kind: z.literal('left_out'), lines: count })
    .describe('So many lines were left out here: the requester reads too slowly.'),
  z
    .object({ kind: z.literal('running') })
    .describe('It goes on; every 15 s, so that no connection is closed for its silence.'),
  z.object({
    kind: z.literal('ended'),
    ...{
      job: text,
      run: count,
      code: z.int().nullable(),
      signal: nullableText,
      ms: count.nullable(),
      failure: nullableText,
    },
  }),
]);

export type JobRunLine = z.output<typeof jobRunLineSchema>;
