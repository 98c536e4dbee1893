import * as z from 'zod';
import type { Named } from './inferred.ts';
import { count, nullableText, text, time } from './values.ts';

const secretSchema = z.object({
  name: text,
  application: nullableText.describe('Whose it is; null: of all applications.'),
  changed_at: time,
  changed_by: text.describe('The actor, as in `admin_action`.'),
  used_by: z.array(text).describe('Applications of the configuration whose programs get it.'),
});

export const secretsSchema = z.object({
  revision: count.describe('Grows with each change.'),
  key: nullableText.describe('The id of the key that encrypts them; null: there is none yet.'),
  secrets: z.array(secretSchema),
  missing: z
    .array(z.object({ name: text, application: text }))
    .describe('Secrets that programs of an application need and that have no value.'),
});

const owner = z.string().min(1).max(1024).nullable().optional().describe('Null or absent: of all applications.');

export const setSecretsRequestSchema = z.strictObject({
  application: owner,
  values: z.record(z.string(), z.string()).describe('By name. All of them are set, or none.'),
});

export const removeSecretRequestSchema = z.strictObject({ application: owner, name: z.string().min(1).max(1024) });

export const secretsChangeSchema = z.object({
  revision: count,
  added: z.array(text).describe('Names, as in the other lists.'),
  changed: z.array(text),
  unchanged: z.array(text).describe('They had this value before.'),
  removed: z.array(text),
  replacing: z.array(text).describe('Applications of which new instances take the place of the old ones.'),
  key: nullableText.describe('Of a rotation: the id of the new key. Null: it was none.'),
});

export type SecretsStatus = Named<typeof secretsSchema>;
export type SecretsChange = Named<typeof secretsChangeSchema>;
