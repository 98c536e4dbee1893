import { isoTimeMs, jsonNumber } from './json-fields.ts';

// Written anew after the first version of this file was overwritten by mistake: its author has the last word on it.

/** Milliseconds since the epoch; null for what is no time with a date. */
export function instantOf(text: unknown): number | null {
  return isoTimeMs(text);
}

/** A status code; null for "-" and what else is none. */
export function statusOf(value: unknown): number | null {
  const status = jsonNumber(value);
  return status !== null && status >= 100 && status <= 999 ? status : null;
}
