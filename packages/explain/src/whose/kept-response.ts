import type { AnsweredResponse } from './authorship.ts';

/** A saved response, and where it came from if that is known. */
export interface KeptResponse {
  readonly from: string | null;
  readonly response: AnsweredResponse;
}

/** How much of a body is looked at: a template names its author in its first lines. */
export const bodyCharactersMax = 64 * 1024;

/** Names in lower case; a header that comes several times is an array. */
export function gather(pairs: Iterable<readonly [string, string]>): AnsweredResponse['headers'] {
  const fields = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const values = fields.get(name.toLowerCase()) ?? [];
    values.push(value);
    fields.set(name.toLowerCase(), values);
  }
  return Object.fromEntries(
    [...fields].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  );
}
