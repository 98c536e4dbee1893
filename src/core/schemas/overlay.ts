import * as z from 'zod';
import type { Described } from './inferred.ts';
import { count, nullableText, text } from './values.ts';

export const overlayEntry = z.object({
  id: text.describe('Such as `drain:api/10.0.0.1:3000`; restoring it clears the entry.'),
  kind: z.enum(['maintenance', 'pause', 'weight', 'drain', 'eject', 'scale', 'stop']),
  target: nullableText.describe('A route, an upstream, an endpoint or an application; null: all routes.'),
  values: z.record(text, z.union([text, z.number()])).describe('Settings of the entry, by kind.'),
  reason: text.describe('The effect of the entry, one clause.'),
  matched: z.boolean().describe('false: the configuration has no such target, and the entry has no effect.'),
  revision: count.describe('The revision of the overlay that made the entry.'),
  at: text.describe('ISO 8601.'),
  actor: text,
});

export const overlaySchema = z.object({
  revision: count.describe('Grows with each change.'),
  persisted: z.boolean().describe('Whether the entries are on disk, where a later process finds them.'),
  memory_reason: nullableText.describe('Why the entries are not on disk; null if they are.'),
  entries: z.array(overlayEntry),
});

export const overlayChangeSchema = z.object({
  changed: z.boolean().describe('false: the overlay already had these entries.'),
  affected: z.array(text).describe('Ids of the entries that were set or cleared.'),
  warnings: z.array(text).describe('What the operator should know, one sentence each.'),
  overlay: overlaySchema,
});

/** As the admin API says it. */
export type OverlayJson = Described<typeof overlaySchema>;
