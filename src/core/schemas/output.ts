import * as z from 'zod';
import type { Described } from './inferred.ts';
import { unparsedParts } from '../unparsed-bytes.ts';
import { storeFailing } from './values.ts';

const lineSchema = z.object({
  kind: z.literal('output'),
  at: z.string().describe('When the gateway read it, RFC 3339.'),
  application: z.string(),
  instance: z.string().nullable(),
  pid: z.number().nullable().describe('The process that leads the instance.'),
  stream: z.enum(['stdout', 'stderr', 'file']),
  path: z.string().nullable().describe('Of a file.'),
  text: z.string().describe('Without secrets and control characters, cut at 4096 bytes.'),
  left_out: z.number().describe('Lines of the application before this one that were not stored.'),
  left_out_why: z
    .enum(['too_fast', 'store_failed'])
    .nullable()
    .describe(
      'Why: they came too fast (limits.md), or the store could not write for too long; null: none was left out.',
    ),
});

const contextLineSchema = lineSchema.extend({
  has: z
    .enum(['request_id', 'trace_id'])
    .describe('Which id of the request the line has; other requests of the same trace have the latter too.'),
  relation: z
    .enum(['attempt', 'other_time', 'no_attempt'])
    .describe(
      '`attempt`: its application had an attempt of the request, and printed it at most 5 s before the request began or after it ended; `other_time`: earlier or later; `no_attempt`: its application had none.',
    ),
  after_end_ms: z.number().describe('From the end of the request; negative: before it.'),
});

/** A page of lines that applications have printed. */
export const outputSchema = z.object({
  lines: z.array(lineSchema),
  cursor: z.string().nullable().describe('Where the next page begins; null if there is none.'),
  end: z.string().describe('For a later search with `after`.'),
  timed_out: z.boolean().describe('As of a search for exchanges.'),
  store_failing: storeFailing,
});

const unparsedKeys = {
  attempt: z.int().min(1),
  part: z.enum(unparsedParts).describe('The head of a response, the framing of its body, or an HTTP/2 frame.'),
  offset: z.int().nullable().describe('Where in that part the bytes begin; null: not known.'),
};

/** The first bytes of each attempt that could not be parsed. */
export const unparsedSchema = z.object({
  unparsed: z.array(
    z.object({ ...unparsedKeys, bytes: z.string().describe('In hexadecimal; credentials in them read `...`.') }),
  ),
});

const figures = {
  processes: z.number().describe('The process that leads the instance, and those that it has started.'),
  resident_bytes: z
    .number()
    .nullable()
    .describe('RSS of all of them together; memory that they share counts for each.'),
  threads: z.number(),
  open_files: z.number().nullable().describe('Open descriptors of the process that is nearest to its limit.'),
  open_files_max: z.number().nullable(),
  cores: z.number().nullable().describe('CPU time for each second since the sample before: 0.5 is half a core.'),
  age_ms: z.number().nullable().describe('Since the process started.'),
  group_bytes: z
    .number()
    .nullable()
    .describe('Memory of its control group, which the gateway may share; null without a limit.'),
  group_bytes_max: z.number().nullable().describe('The limit of that memory.'),
  stopped_pid: z
    .number()
    .optional()
    .describe('One of the processes that a signal has stopped (state T); absent: none.'),
  stopped_pids: z
    .array(z.number())
    .readonly()
    .optional()
    .describe('All of them, where none is left that could answer requests; absent: some may.'),
};

/** What an instance's process uses. */
export const processFiguresSchema = z.object(figures);

const processSchema = z.object({
  instance: z.string(),
  pid: z.number(),
  attempts: z
    .array(z.int())
    .describe('The numbers of the attempts that it is shown for, from 1; times are those of the last one.'),
  sample: z
    .object({
      ...figures,
      at: z.string().describe('RFC 3339.'),
      before_ms: z.number().describe('From the sample to the end of the attempt; negative: it was taken afterwards.'),
      restarts: z.number().describe('Of the instance, before this process.'),
    })
    .nullable()
    .describe('The last one before the attempt ended, else the first one after it; null: there is none near.'),
  exit: z
    .object({
      at: z.string(),
      code: z.number().nullable(),
      signal: z.string().nullable(),
      out_of_memory: z.boolean(),
      stopped_by_candor: z.boolean(),
      replaced_by: z.string().nullable().describe('The instance that had replaced it, where Candor stopped it.'),
    })
    .nullable()
    .describe('The end of that process before the attempt, during it or within a minute after it.'),
  summary: z.string().describe('The sample in words.'),
  remarks: z.array(z.string()).describe('What stands out, the most important first.'),
});

/** What is stored about an exchange besides its record. */
export const requestContextSchema = z.object({
  configuration: z
    .object({ id: z.int() })
    .nullable()
    .describe('The number of the configuration that served the request; null: it is not kept, or not known.'),
  lines: z.array(contextLineSchema).describe('Lines with the id of the exchange or of its trace, the oldest first.'),
  nearby: z
    .array(lineSchema)
    .describe(
      'Lines without any id that its instances printed while they had the request, perhaps for another one: the last 20.',
    ),
  unparsed: z
    .array(z.object({ ...unparsedKeys, size: z.int().min(1) }))
    .describe(
      'Attempts whose bytes could not be parsed, and how many are kept: `readUnparsed` has them for operators.',
    ),
  processes: z.array(processSchema).describe('The processes of the instances that had the request, as they were.'),
  stores_output: z
    .boolean()
    .describe(
      'All output of that time is stored: where `lines` and `nearby` are empty, the application printed nothing. False also within a second after the request, and where lines were left out or deleted.',
    ),
});

/** A line as the admin API, `candor logs --json` and the dashboard have it. */
export type OutputLineJson = Described<typeof lineSchema>;

/** A line with an id of a request. Every client knows the ids of its requests: an application may have printed one that a client has sent it. */
export type ContextLineJson = Described<typeof contextLineSchema>;

/** The process of an instance when it had a request. */
export type ProcessStateJson = Described<typeof processSchema>;

/** What is stored about a request besides its record. */
export type RequestContextJson = Described<typeof requestContextSchema>;
