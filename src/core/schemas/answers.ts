import * as z from 'zod';
import type { Described } from './inferred.ts';
import { count, nullableText, text } from './values.ts';

/**
 * Schemas of the responses of the admin API. The OpenAPI file is made from them, and the tests check every response
 * against them. Unknown keys are allowed: readers of the API must ignore them.
 */

export const readinessSchema = z.object({ ready: z.literal(true), state: z.literal('serving') });

export const reloadSchema = z.object({
  ok: z.literal(true),
  revision: count,
  changed: z.array(text).describe('Names of the changed routes, upstreams, applications and listeners.'),
  overlay: z.array(text).describe('Entries of the overlay that win over the file, one sentence each.'),
  admin_certificate: nullableText.describe(
    'In PEM: what the admin API shows over TCP from now on; null in clear text.',
  ),
});

/** One line of the answer to `upgrade`. */
export const upgradeLineSchema = z.union([
  z.object({ step: z.enum(['starting', 'reading_configuration', 'listening', 'ready', 'draining']), pid: count }),
  z.object({ outcome: z.literal('done'), pid: count.describe('Pid of the process that serves now.') }),
  z.object({
    outcome: z.literal('failed'),
    kind: z.enum(['refused', 'failure', 'validation_failed', 'timeout', 'stopping']),
    reason: text,
    errors: z.array(text),
  }),
]);

export const stopSchema = z.object({
  stopping: z.literal(true),
  pid: count.describe('Pid of the process that ends.'),
});

export const restartRequestSchema = z.strictObject({
  instance: z
    .string()
    .min(1)
    .max(1024)
    .describe(
      'Its id in the status, such as `web/3`; or an application (`web`), with its workers, or a worker (`web.mail`), for all of its instances.',
    ),
});

export const restartSchema = z.object({ restarting: text.describe('The instance, or what its instances are of.') });

export const problemSchema = z.object({
  type: text,
  title: text,
  status: count,
  detail: text,
  errors: z.array(text).optional(),
});

/** A line about a running upgrade for its requester. The last line has an outcome. */
export type UpgradeLine = Described<typeof upgradeLineSchema>;

/** The response to who stops the gateway: it is stopping from now on. */
export type StopResponse = Described<typeof stopSchema>;

/** Problem details (RFC 9457) as the admin API answers them. */
export type ProblemDetails = Described<typeof problemSchema>;
