import * as z from 'zod';
import type { Described } from './inferred.ts';
import { count, nullableText, storeFailing, text, time, timedOut } from './values.ts';

export const eventSchema = z.object({
  epoch: text,
  seq: z.int().min(1),
  at: time,
  kind: text,
  member: text,
  worker: count.nullable(),
  revision: count,
  subject: text,
  from: nullableText,
  to: nullableText,
  reason: text,
  evidence: z.object({}),
  actor: text,
});

/** A page of the events of a time. */
export const eventsSchema = z.object({
  events: z.array(eventSchema),
  cursor: nullableText.describe('Where the next page begins; null if there is none.'),
  timed_out: timedOut,
  store_failing: storeFailing,
});

export const gapSchema = z.object({
  reason: z.enum(['not_held', 'another_epoch']),
  missed: count.describe('Events of this epoch that are no longer held. Events of earlier epochs are gone.'),
  epoch: text.describe('The epoch of the events that follow.'),
});

/** What a follower has missed. */
export type EventGap = Described<typeof gapSchema>;
