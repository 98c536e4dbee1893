import { headerId } from './header-names.ts';
import type { MessageHeaders } from './message.ts';

/**
 * The value of a header, without lines that are for this connection only because a Connection header nominates them (RFC 9110
 * §7.6.1): the gateway removes those, and decides nothing by what the application does not get. Null where there is none.
 * `name` is lowercase. A nomination of a name that the gateway itself uses changes nothing.
 */
export function endToEndValue(headers: Pick<MessageHeaders, 'get' | 'has' | 'each'>, name: string): string | null {
  if (headerId(name) !== 0) return headers.get(name);
  if (!headers.has(name)) return null;
  let value: string | null = null;
  headers.each((one, line) => {
    if (one === name) value = value === null ? line : `${value}, ${line}`;
  });
  return value;
}
