import { jsonNumber } from './json-fields.ts';

/** A status that HTTP knows; null for anything else, such as "-", 0 and -1, with which logs say that there was none. */
export function statusOf(value: unknown): number | null {
  const status = jsonNumber(value);
  return status !== null && Number.isInteger(status) && status >= 100 && status <= 999 ? status : null;
}
