import * as z from 'zod';
import type { AlertTargetStatus, AlertTestResult } from '../core/alert.ts';
import type { SnakeCased } from '../core/json-case.ts';

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

/** If a type gets a key that its schema lacks or contradicts, this no longer compiles. */
type Fits<T extends U, U> = T;
export type CheckedAlertTarget = Fits<SnakeCased<AlertTargetStatus>, z.infer<typeof alertTargetSchema>>;
export type CheckedAlertTest = Fits<
  Omit<SnakeCased<AlertTestResult>, 'exchange'>,
  Omit<z.infer<typeof alertTestsSchema>['results'][number], 'exchange'>
>;
