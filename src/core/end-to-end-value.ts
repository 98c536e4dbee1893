import { fieldId } from './field-names.ts';
import type { Fields } from './message.ts';

/**
 * The value of a field, without lines that are for this connection only because a Connection field nominates them (RFC 9110
 * §7.6.1): the gateway removes those, and decides nothing by what the application does not get. Null where there is none.
 * `name` is lowercase. A nomination of a name that the gateway itself uses changes nothing.
 */
export function endToEndValue(fields: Fields, name: string): string | null {
  if (fieldId(name) !== 0) return fields.get(name);
  if (!fields.has(name)) return null;
  let value: string | null = null;
  fields.each((one, line) => {
    if (one === name) value = value === null ? line : `${value}, ${line}`;
  });
  return value;
}
