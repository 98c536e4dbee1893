import type { MessageHeaders } from '../core/message.ts';

/** The record keeps less; this bounds what an exchange holds until its end. */
const charactersMax = 2048;

/** The values of the headers with these names, which are lowercase; null if the request has none of them. */
export function recordedHeadersOf(
  headers: MessageHeaders,
  names: readonly string[],
): Readonly<Record<string, string>> | null {
  const found = names.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [[name, value.slice(0, charactersMax)] as const];
  });
  return found.length === 0 ? null : Object.fromEntries(found);
}
