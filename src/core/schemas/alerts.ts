import * as z from 'zod';
import type { Named } from './inferred.ts';

const text = z.string();
const count = z.int().min(0);
const time = z.iso.datetime({ precision: 3 });
const type = z.enum(['webhook', 'slack', 'discord', 'pagerduty', 'smtp', 'command']);

export const alertTargetSchema = z.object({
  id: text,
  type,
  destination: text.describe('Host and port, or the program.'),
  queued: count.describe('Messages that wait, the one that is being sent included.'),
  sent: count,
  tests: count.describe('Tests (`candor alert test`) that it has accepted.'),
  failed: count.describe('Messages that were given up.'),
  last_sent_at: time.nullable(),
  failure: z
    .object({ reason: text, next_step: text, since: time, retry_at: time.nullable() })
    .nullable()
    .describe('Why the last attempt failed; null: it did not.'),
});

export const alertsSchema = z.object({ targets: z.array(alertTargetSchema) });

export const alertTestsSchema = z.object({
  results: z.array(
    z.object({
      target: text,
      type,
      destination: text,
      ok: z.boolean(),
      reason: text,
      next_step: text.nullable(),
      exchange: z.array(text).describe('What was sent (`>`) and what came back (`<`), without secrets.'),
      took_ms: z.number(),
    }),
  ),
});

const tier = z.enum(['fast', 'medium', 'slow']);

export const objectiveSchema = z.object({
  route: text,
  kind: z.enum(['availability', 'latency']),
  target: z.number().describe('A share, such as 0.999.'),
  under_ms: z.number().nullable().describe('Of latency: how long responses may take.'),
  burning: tier.nullable().describe('The fastest pair of windows in which the budget is used up too fast; null: none.'),
  since_s: z.number().nullable(),
  budget_left: z.number().describe('Of the budget of three days: 1 is all of it, 0 and below nothing.'),
  burn_rates: z
    .array(
      z.object({
        tier,
        limit: z.number(),
        short_s: z.number(),
        long_s: z.number(),
        short: z.number(),
        long: z.number(),
      }),
    )
    .describe(
      'How many times as fast as allowed the budget is used up, in each pair of windows. Both reach `limit`: it burns.',
    ),
});

/** How a target does, for the status. Never its URL or its keys. */
export type AlertTargetStatus = Named<typeof alertTargetSchema>;

/** What a target made of one message, for `candor alert test`. */
export type AlertTestResult = Named<typeof alertTestsSchema>['results'][number];

/** An objective of a route, and how fast its error budget is used up. */
export type ObjectiveStatus = Named<typeof objectiveSchema>;
