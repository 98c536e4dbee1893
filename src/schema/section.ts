/** Maps of the schema and their keys. */
import * as z from 'zod';
import type { Default } from './default.ts';
import { ours } from './leaves.ts';

// A file is read once: compiling code for each map takes longer than reading by its interpreter.
z.config({ jitless: true });

/** A map with these keys and no other. An unknown key's message carries the known ones, for suggestions. */
export function section<S extends z.ZodRawShape>(shape: S): z.ZodObject<S, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? `${ours}${Object.keys(shape).join(' ')}` : undefined),
  });
}

/** A key that may be left out, with what editors show of it. */
export function key<S extends z.ZodType>(schema: S, description: string, absent?: Default): z.ZodOptional<S> {
  // Not as zod's own `default`, which would be that of the value after reading.
  const shown =
    absent === undefined
      ? {}
      : { ...(absent.inWords ? {} : { absent: absent.written }), why: absent.why, otherwise: absent.written };
  const fullDescription = absent?.inWords === true ? `${description} Default: ${absent.written}.` : description;
  return z.optional(schema.meta({ ...schema.meta(), description: fullDescription, ...shown }) as S);
}
