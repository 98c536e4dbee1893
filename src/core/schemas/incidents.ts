import * as z from 'zod';
import { reasonSchema } from './order-reason.ts';
import type { Named } from './inferred.ts';
import { excerptSources, suspectKinds } from '../live-incident.ts';
import { shapes, whoses } from '#failures/shape.ts';
import { count, nullableText, text } from './values.ts';

const suspectSchema = z.object({
  name: z.enum(suspectKinds),
  fit: z.number().describe('How well the facts fit, from 0 to 1. It is no probability.'),
  sentence: text,
  evidence: z.array(text),
  refuted_by: text.optional().describe('A fact that speaks against it, and has lowered it; absent: none is known.'),
  next_step: text,
});

const causeSchema = z.object({ name: z.enum(suspectKinds), sentence: text });

const markSchema = z.object({
  at: text,
  by: text.describe('As in the audit: `admin:socket`, `admin:token:<name>`.'),
  reason: nullableText,
});

const failedRequests = count.describe('Requests; where nothing fails, late or changed responses.');
const failedAttempts = count.describe('Attempts; a request may have several.');

export const incidentSchema = z.object({
  id: count.describe('Grows by one; it begins with 1 again only without a state folder.'),
  key: text.describe('Unique also across runs of the process.'),
  title: text.describe('A few words: what fails.'),
  reason: text.describe('What fails, how much of it, and what has probably caused it.'),
  upstream: text.describe('Empty: several (`upstreams`), or before one was chosen.'),
  upstreams: z.array(z.object({ upstream: text, failed: failedRequests, attempts_failed: failedAttempts })),
  cause: nullableText.describe(
    'The commonest of the failures that began; null: 5xx of the application itself, late responses (`lateness`), or other answers than before.',
  ),
  shape: z.enum(shapes),
  whose: z
    .enum(whoses)
    .describe(
      'Which side has caused it. `gateway` too where checks alone have taken out endpoints that answered requests: that the application is at fault is not known.',
    ),
  started_at: text.describe('When the first request or attempt that failed ended.'),
  first_request_at: text.describe(
    'When the earliest request that failed, or had an attempt that failed, began: at or before `started_at`.',
  ),
  requests_query: text.describe(
    'Finds the failed requests that it counts; where other attempts answered all of them, those of which an attempt failed so: a query for `GET /v1/exchanges` and `candor logs` (with a `store`).',
  ),
  opened_at: text.describe('When the gateway had seen enough failures.'),
  last_at: text.describe('Of the last failure.'),
  resolved_at: nullableText.describe('Null while it goes on.'),
  requests: count.describe('Of the upstream, from the first failure to the last.'),
  failed: failedRequests,
  attempts_failed: count.describe('More than `failed` where other attempts have answered.'),
  requests_per_s_before: z
    .number()
    .nullable()
    .describe('In the minutes before, while requests came; null: that was for less than 30 s.'),
  requests_per_s_during: z.number().describe('From the first failure to the last.'),
  causes: z.array(
    z.object({
      cause: text.describe(
        'A cause of docs/failures.md, `app_error`: a 5xx of the application, `late_response`: one that begins much later than is usual on its route, or `changed_response`: 4xx where it used to answer well, or another kind of content than before.',
      ),
      count: count.describe('The larger of `failed` and `attempts_failed`.'),
      failed: failedRequests,
      attempts_failed: failedAttempts,
      is_consequence: z.boolean(),
    }),
  ),
  routes: z.array(z.object({ route: text, failed: failedRequests })),
  endpoints: z.array(
    z.object({
      endpoint: text,
      attempts: count.describe('From the first failure to the last.'),
      failed: count.describe('Attempts.'),
    }),
  ),
  suspects: z.array(suspectSchema).describe('What has probably caused it, the likeliest first; empty: not known.'),
  next_step: nullableText.describe(
    'For the cause with which requests fail now; null: it is over, or the cause is not known.',
  ),
  joined: count.nullable().describe('The incident that it turned out to be part of; null: of none.'),
  additions: z
    .array(
      z.object({
        since: text,
        until: text.optional().describe('Of its last failure; absent: it goes on.'),
        reason: text,
        routes: z.array(text),
        endpoints: z.array(text),
        causes: z.array(text).describe('Failures of a kind that it did not have before.'),
        failed: failedRequests.optional(),
        attempts_failed: failedAttempts.optional(),
        suspects: z.array(suspectSchema),
      }),
    )
    .describe(
      'Routes or endpoints that had worked while it went on, and then began to fail as well; or another way in which requests fail, or instances end. Where the failures that it began with have ended and others go on, `title`, `cause`, `shape`, `whose` and `suspects` are those of what fails now, and what it began with is the first of these.',
    ),
  lateness: z
    .object({
      route: text,
      path: text
        .optional()
        .describe('Of the route, paths that look alike: `/orders/#` has numbers; absent: all of the route.'),
      usual_ms: z
        .number()
        .describe(
          'Half of the responses of the route took no longer until they began, or until they were complete, where their bodies come slowly.',
        ),
      now_ms: z.number(),
      limit_ms: z.number().describe('What takes longer is late: 3 times the usual p90, and 100 ms more.'),
    })
    .optional()
    .describe('Where nothing fails, and responses begin much later than before; absent: requests fail.'),
  excerpts: z
    .array(
      z.object({
        source: z
          .enum(excerptSources)
          .describe(
            '`response`: a 5xx of the application, `check`: a health check that failed, `log`: what it printed.',
          ),
        at: text,
        is_first: z.boolean().describe('The first of its source that is known; the other one is the newest.'),
        where: text.describe('The endpoint, or the instance whose log it is.'),
        route: nullableText.describe('Null: of a check or a log.'),
        status: count.nullable().describe('Null: of a log.'),
        lines: z.array(text).describe('The first with text, at most three with 300 characters together.'),
      }),
    )
    .optional()
    .describe(
      'What the application itself has said, without secrets and markup; the newest are replaced while it goes on. Absent: nothing is known.',
    ),
  answers: z
    .object({
      route: text,
      path: text
        .optional()
        .describe('Of the route, paths that look alike: `/orders/#` has numbers; absent: all of the route.'),
      usual: text.describe('What the route mostly answered before, such as `JSON`.'),
      now: text.describe('What it answers in its place, such as `HTML`, `nothing (no content)`, `a redirect`.'),
      missing: z
        .object({ route: text, path: text })
        .optional()
        .describe(
          'Where requests are missing that clients send to paths of `route` now which never were; absent: that is not so.',
        ),
    })
    .optional()
    .describe('Where nothing fails, and the application answers otherwise with 2xx or 3xx; absent: it does not.'),
  acknowledged: markSchema.nullable().describe('The operator who has acknowledged it; null: none has.'),
  muted: markSchema
    .extend({ until: text })
    .nullable()
    .describe('Until `until` no message about it is sent, except of its end; null: they are.'),
  marks: z.array(text).describe('Who has acknowledged and muted it, until when and why: each one sentence.'),
  most: z
    .object({
      route: text,
      method: text.describe('`other`: one that clients seldom use.'),
      status: count.describe('That clients got; 0: none.'),
      is_of_application: z.boolean().describe('Whether the application has sent this status.'),
      failed: count,
      path: nullableText.describe('Of nearly all of them, without query and secrets; null: they have different ones.'),
      took_ms: z.number().nullable().describe('Nearly all took so long; null: they took different times.'),
      sentence: text,
    })
    .optional()
    .describe('What at least half of the failed requests have in common; absent: nothing, or it is not known.'),
  rarer: z
    .object({
      route: nullableText.describe('That has nearly all of its failures now; null: several routes have.'),
      share: z.number().describe('Of the requests of this route, or of all that fail: from 0 to 1.'),
      sentence: text,
    })
    .nullable()
    .describe(
      'It goes on, and far fewer of the requests fail than at worst, though more than usual; null: about as many fail, or none does.',
    ),
  corrected: z
    .object({
      at: text,
      from: causeSchema.nullable().describe('What was told when it opened; null: that its cause is not known.'),
      to: causeSchema,
    })
    .nullable()
    .describe(
      'Another cause than the one that was told when it opened has been the likeliest for 10 s; null: none has.',
    ),
  interrupted: z.boolean().describe('The process ended while it went on; `resolved_at` is when the next one found it.'),
  findings_at: nullableText.describe('When the gateway found `findings`; null: it has found none.'),
  findings: z
    .array(text)
    .describe(
      'What the gateway found when it looked at once: a direct request, the newest failure, processes, the machine, changes before.',
    ),
});

const ordered = {
  incident: z.int().min(1).describe('Its number.'),
  reason: reasonSchema(200).optional().describe('Why, for the audit and the incident.'),
};
export const acknowledgeRequestSchema = z.strictObject(ordered);
export const muteRequestSchema = z.strictObject({
  ...ordered,
  until: z
    .string()
    .max(64)
    .nullable()
    .describe(
      'A duration (`2h`), the next time of day in UTC (`14:30`), or a date; at most 7 days ahead. Null ends the mute.',
    ),
});

export const incidentsSchema = z.object({ incidents: z.array(incidentSchema) });

/** An incident as the admin API shows it. */
export type IncidentStatus = Named<typeof incidentSchema>;
