import * as z from 'zod';
import { parseHeaderValue } from './format/field.ts';
import { encodeDetail, parsed } from './leaves.ts';
import { section } from './section.ts';

/** What a header or a cookie must have: this value, or any. */
export const valueMatch = z.union([parsed(parseHeaderValue), section({ present: z.literal(true) })], {
  error: (issue) =>
    typeof issue.input === 'boolean'
      ? encodeDetail({
          message: `${issue.input} is not text`,
          suggestion: `write "${issue.input}" for this value, or { present: true } for any`,
        })
      : undefined,
});

/** By name; null: any value. */
export function matchesOf(
  written: Readonly<Record<string, z.output<typeof valueMatch>>> = {},
): { readonly name: string; readonly value: string | null }[] {
  return Object.entries(written).map(([name, value]) => ({ name, value: typeof value === 'string' ? value : null }));
}
