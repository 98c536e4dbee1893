import * as z from 'zod';
import type { OutputLineJson } from '../core/output-line.ts';
import { unparsedParts } from '../core/unparsed-bytes.ts';
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

/** What is stored about an exchange besides its record. */
export const requestContextSchema = z.object({
  configuration: z
    .object({ id: z.int() })
    .nullable()
    .describe('The number of the configuration that served the request; null: it is not kept, or not known.'),
  lines: z.array(lineSchema).describe('Lines with the id of the exchange or of its trace, the oldest first.'),
  nearby: z
    .array(lineSchema)
    .describe('Lines without any id that its instances printed while they had the request, at most 20.'),
  unparsed: z
    .array(z.object({ ...unparsedKeys, size: z.int().min(1) }))
    .describe(
      'Attempts whose bytes could not be parsed, and how many are kept: `readUnparsed` has them for operators.',
    ),
}) satisfies z.ZodType<RequestContextJson>;
