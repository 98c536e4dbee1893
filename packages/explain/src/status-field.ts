import { jsonNumber } from './json-fields.ts';

/** A valid HTTP status; null for anything else, such as "-", 0 and -1, which logs write if there was none. */
export function statusOf(value: unknown): number | null {
  const status = jsonNumber(value);
  return status !== null && Number.isInteger(status) && status >= 100 && status <= 999 ? status : null;
}
