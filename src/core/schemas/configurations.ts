import * as z from 'zod';
import type { Described } from './inferred.ts';

const time = z.iso.datetime({ precision: 3 }).describe('ISO 8601, UTC.');
const count = z.int().min(0);
const lines = z.array(z.string());

const configurationSummary = z.object({
  id: count.describe('Counts on over restarts.'),
  state: z
    .enum(['active', 'earlier', 'refused'])
    .describe('`active`: the gateway runs it. `earlier`: it did. `refused`: it was never applied.'),
  at: time,
  actor: z.string().describe('Who or what made the gateway read it first: `gateway` is its start.'),
  times: count.describe('How often it was applied, or refused, without another one in between, such as by restarts.'),
  last_at: time,
  last_actor: z.string(),
  revision: count
    .nullable()
    .describe('Of the process `epoch`; records and events have the same. Null: it was refused.'),
  epoch: z.string().describe('The process that applied or refused it last.'),
  content_hash: z
    .string()
    .nullable()
    .describe('Of what was read, with the files that it names, and a key of the state folder. Null: it was refused.'),
  source: z.string().nullable().describe('Path of the file. Null: there is none.'),
  warnings: lines,
  changed: lines.describe('What is not as in the configuration before.'),
  errors: lines.describe('Why it was refused, each with its line and column.'),
});

export const configurationSchema = configurationSummary.extend({
  text: z
    .string()
    .nullable()
    .describe(
      'The text of the file, with `***` in place of secrets. Null: there was no file, or it could not be read.',
    ),
  unshown: z
    .array(
      z.object({
        key: z.string().describe('Such as `applications.web.environment.PASSWORD`.'),
        version: count.describe(
          'Counts the values of the key. Configurations with the same number have the same value.',
        ),
      }),
    )
    .nullable()
    .describe('The values that `text` has `***` or a reference to a variable for. Null: they are not known.'),
  effective: z
    .looseObject({})
    .optional()
    .describe(
      'All settings with their defaults, and `***` in place of secrets; only of the active one, with `effective=true`.',
    ),
});

export const configurationsSchema = z.object({
  configurations: z
    .array(configurationSummary)
    .describe('The newest first: at most 50, of which at most 10 were refused.'),
});

export type ConfigurationSummaryJson = Described<typeof configurationSummary>;
export type ConfigurationJson = Described<typeof configurationSchema>;
