import type { AnsweredResponse } from '../../diagnose/whose/authorship.ts';

/** A response that was kept, and where it came from as far as that is known. */
export interface KeptResponse {
  readonly from: string | null;
  readonly response: AnsweredResponse;
}

/** As much of a body as is looked at: a template says who wrote it in its first lines. */
export const bodyCharactersMax = 64 * 1024;

/** Names in lower case; a field that comes several times is an array. */
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
