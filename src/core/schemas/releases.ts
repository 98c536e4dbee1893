import * as z from 'zod';
import { rolloutStates, rolloutStrategies } from '../release.ts';
import type { Named } from './inferred.ts';
import { count, nullableText, text, time } from './values.ts';

const share = z.number().min(0).max(1);

const armCounts = z.object({
  requests: count,
  failures: count.describe('Attempts that failed at it.'),
  server_errors: count.describe('Responses of the application with 5xx.'),
  late: count.describe('Responses that began later than the old release allows to expect.'),
});

const judgementSchema = z.object({
  verdict: z.enum(['good', 'bad', 'inconclusive']),
  reason: text,
  evidence: z.number().describe('How many times likelier than chance the worst finding is.'),
  limit: z.number().describe('From this evidence on the release is bad.'),
  old: armCounts,
  fresh: armCounts.describe('Of the new release.'),
  worst: z
    .object({ route: nullableText, event: z.enum(['failure', 'server_error', 'late', 'answer']), cause: nullableText })
    .nullable(),
  requests_needed: count.describe('Requests of the new release in which ten times as many failures would show.'),
});

export const rolloutSchema = z.object({
  id: count,
  from: text.describe('The release that was in force.'),
  to: text,
  strategy: z.enum(rolloutStrategies),
  state: z.enum(rolloutStates),
  began_at: time,
  actor: text,
  share: share.describe('Of the requests, that the new release gets.'),
  shares: z.array(share).describe('Of its steps.'),
  left_ms: count.nullable().describe('Until the next step at the latest; null: it is over.'),
  reason: nullableText.describe('Why it has ended; null: it has not.'),
  judgement: judgementSchema.nullable(),
  trouble: nullableText
    .optional()
    .describe('Why its next step could not be written into the journal; null or absent: nothing keeps it.'),
  remarks: z.array(text).describe('A sentence each, of what the release does not have.'),
});

const releaseSchema = z.object({
  number: count,
  name: text,
  digest: text,
  command: text,
  environment: z.array(text).describe('Names of variables.'),
  environment_changed: z
    .array(text)
    .describe(
      'Names of variables that the release before it in the list does not have, or has with another value, or that it alone has.',
    ),
  from: z.object({ kind: z.enum(['folder', 'git', 'archive', 'configuration']), text }),
  created_at: text,
  actor: text,
  configuration: count.nullable(),
  bytes: count.describe('Of its files.'),
  built_ms: count.nullable().describe('How long the build took that has made its files; null: none has.'),
});

const pastRollout = z.object({
  rollout: count,
  from: count.nullable(),
  from_name: nullableText.describe('Also of a release that is not kept any more; null: not known.'),
  to: count,
  to_name: nullableText,
  strategy: z.enum(rolloutStrategies),
  state: z.enum(rolloutStates),
  actor: text,
  began_at: text,
  ended_at: nullableText,
  verdict: z.enum(['good', 'bad', 'inconclusive']).nullable(),
  reason: nullableText,
});

export const notInForceSchema = z
  .object({ command: z.boolean(), environment: z.array(text).describe('Names of variables.') })
  .nullable()
  .optional()
  .describe(
    'What the configuration has otherwise than the release in force, so that the next deployment uses it; null or absent: nothing, or a release is being rolled out.',
  );

const applicationReleasesSchema = z.object({
  application: text,
  in_force: nullableText.describe('The name of the release; null: the application was never deployed.'),
  previous: nullableText.describe('The release that was in force before: a rollback that names none goes to it.'),
  warm: nullableText.describe('The release that a rollback would give requests to at once.'),
  rollout: rolloutSchema.nullable().describe('What is being rolled out.'),
  making: z
    .object({
      files: count,
      bytes: count,
      files_total: count,
      bytes_total: count,
      build: z
        .object({ for_ms: count, last_line: nullableText })
        .nullable()
        .describe('For how long its build runs, and what it has printed last; null: none runs.'),
    })
    .nullable()
    .describe('How much of the files of a new release is copied; null: none is being made.'),
  failed_build: z
    .object({ number: count.describe('That the release would have had: its log is kept by it.'), reason: text })
    .nullable()
    .optional()
    .describe(
      'The build of the last deployment since this process has started, if it has failed; null or absent: it has not.',
    ),
  not_in_force: notInForceSchema,
  last: rolloutSchema.nullable().describe('What was rolled out last, since this process has started.'),
  releases: z.array(releaseSchema).describe('The newest first.'),
  rollouts: z.array(pastRollout).describe('The newest first.'),
});

/** What a deployment would release. */
export const releasePlanSchema = z.object({
  application: text,
  in_force: nullableText.describe('The name of the release; null: the application was never deployed.'),
  strategy: z.enum(rolloutStrategies),
  from: text,
  files: count,
  bytes: count,
  same: nullableText.describe(
    'The release that has the same files, command and environment: it would be released again; null: there is none.',
  ),
  build: nullableText.describe('What would run in a copy of the files and make the release of them; null: nothing.'),
  build_ms: count.describe('How long it may run.'),
  command: z.object({ old: text, fresh: text }).describe('Of the release in force, and of the new one.'),
  environment: z
    .object({ added: z.array(text), removed: z.array(text), changed: z.array(text) })
    .describe('Names of variables, by which the new release differs.'),
  remarks: z.array(text),
});

export const releaseLogSchema = z.object({
  application: text,
  number: count.describe('Of the release, or the one that it would have had.'),
  text: text.describe('The last lines that its build has printed.'),
});

export const releasesSchema = z.object({ applications: z.array(applicationReleasesSchema) });

const path = text.regex(/^[^\0]+$/, 'is a path, which has no NUL');

const source = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('folder'), path }),
  z.object({ kind: z.literal('git'), path: path.describe('A repository.'), revision: path }),
  z.object({ kind: z.literal('archive'), path: path.describe('.tar, .tar.gz or .tar.zst') }),
]);

export const deployRequestSchema = z.strictObject({
  application: text,
  from: source.describe('Absolute paths on the machine of the gateway.'),
  name: text.regex(/^\w[\w.-]{0,63}$/, 'a name has up to 64 letters, digits, dots, dashes and underscores').optional(),
  strategy: z.enum(rolloutStrategies).optional(),
  answers_may_change: z.boolean().optional().describe('Its answers are not compared, but for failures.'),
  dry_run: z.boolean().optional().describe('Answers what would be released, and changes nothing.'),
});

export const rolloutRequestSchema = z.strictObject({
  application: text,
  to: text.optional().describe('Of a rollback: the name or number of a release; absent: the one before.'),
  reason: text.max(500).optional(),
});

export type ReleaseLogText = Named<typeof releaseLogSchema>;
export type ReleasePlan = Named<typeof releasePlanSchema>;
export type NotInForce = NonNullable<Named<typeof notInForceSchema>>;
export type RolloutStatus = Named<typeof rolloutSchema>;
export type ApplicationReleasesStatus = Named<typeof applicationReleasesSchema>;
export type ReleaseOrigin = z.infer<typeof source>;
