import type * as z from 'zod';
import { suggestNearest } from '../config/nearest.ts';

/** What is wrong with the body of a request, one sentence each. `keys`: those that it may have. Read it with `reportInput`. */
export function requestErrors({ issues }: z.core.$ZodError, keys: readonly string[]): readonly string[] {
  return issues.flatMap((issue) => issueTexts(issue, keys));
}

function issueTexts(issue: z.core.$ZodIssue, keys: readonly string[]): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKeyText(key, keys));
  const path = issue.path.join('.');
  if (path === '') return [`The body is not an object with the keys ${keys.join(', ')}.`];
  if (issue.code === 'too_big' && typeof issue.input === 'string')
    return [`${path}: it has ${issue.input.length} characters, and may have at most ${issue.maximum}.`];
  return [`${path}: ${issue.message}.`];
}

function unknownKeyText(key: string, keys: readonly string[]): string {
  const suggestion = suggestNearest(key, keys);
  const shown = JSON.stringify(key.slice(0, 64));
  return `The key ${shown} is unknown: ${suggestion ?? `known are ${keys.join(', ')}.`}`;
}
