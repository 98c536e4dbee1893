import * as z from 'zod';
import type { OutputLineJson } from '../core/output-line.ts';
import type { RequestContextJson } from '../core/request-context.ts';

const lineSchema = z.object({
  kind: z.literal('output'),
  at: z.string().describe('When the gateway read it, RFC 3339.'),
  application: z.string(),
  instance: z.string().nullable(),
  pid: z.number().nullable().describe('The process that leads the instance.'),
  stream: z.enum(['stdout', 'stderr', 'file']),
  path: z.string().nullable().describe('Of a file.'),
  text: z.string().describe('Without secrets and control characters, cut at 4096 bytes.'),
  left_out: z.number().describe('Lines of the application before this one that came too fast to be stored.'),
}) satisfies z.ZodType<OutputLineJson>;

/** A page of lines that applications have printed. */
export const outputSchema = z.object({
  lines: z.array(lineSchema),
  cursor: z.string().nullable().describe('Where the next page begins; null if there is none.'),
  end: z.string().describe('For a later search with `after`.'),
  timed_out: z.boolean().describe('As of a search for exchanges.'),
});

/** What is stored about an exchange besides its record. */
export const requestContextSchema = z.object({
  lines: z.array(lineSchema).describe('Lines with the id of the exchange or of its trace, the oldest first.'),
  nearby: z
    .array(lineSchema)
    .describe('Lines without any id that its instances printed while they had the request, at most 20.'),
}) satisfies z.ZodType<RequestContextJson>;
