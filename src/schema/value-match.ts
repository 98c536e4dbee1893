import * as z from 'zod';
import { parseHeaderValue } from './format/field.ts';
import type { ValueTest } from '../core/request-condition.ts';
import { parsePattern } from './format/pattern.ts';
import { encodeDetail, parsed, text } from './leaves.ts';
import { hide } from './schema-parts.ts';
import { key, section } from './section.ts';

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

const wanted = section({
  present: key(z.boolean(), '`true`: there is one, with any value. `false`: there is none.'),
  prefix: key(hide(text, 'value', 'value'), 'What the value begins with.'),
  suffix: key(hide(text, 'value', 'value'), 'What the value ends with.'),
  pattern: key(hide(parsed(parsePattern), 'value', 'value'), 'A regular expression that is found in the value.'),
});

/** What a route may ask of a value: this one, or what it is like. */
export const valueTests = z.union([parsed(parseHeaderValue), wanted], {
  error: (issue) =>
    typeof issue.input === 'boolean'
      ? encodeDetail({
          message: `${issue.input} is not text`,
          suggestion: `write "${issue.input}" for this value, or { present: ${issue.input} } for ${issue.input ? 'any' : 'none'}`,
        })
      : undefined,
});

/** All of them must be passed. */
export function testsOf(written: z.output<typeof valueTests>): readonly ValueTest[] {
  if (typeof written === 'string') return [{ kind: 'is', value: written }];
  const { present, ...likes } = written;
  const tests = Object.entries(likes).map(([kind, value]) => ({
    kind: kind as 'prefix' | 'suffix' | 'pattern',
    value: value ?? '',
  }));
  if (present === false) return [{ kind: 'absent' }];
  return tests.length === 0 ? [{ kind: 'present' }] : tests;
}

/** By name; null: any value. */
export function matchesOf(
  written: Readonly<Record<string, z.output<typeof valueMatch>>> = {},
): { readonly name: string; readonly value: string | null }[] {
  return Object.entries(written).map(([name, value]) => ({ name, value: typeof value === 'string' ? value : null }));
}
