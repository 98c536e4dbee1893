import { eachFieldLine } from '../core/field-lines.ts';
import type { FieldFilter } from '../core/field-names.ts';
import type { Fields } from '../core/message.ts';

/**
 * The value of a field as the application gets it; null where it gets none: Connection has nominated the field, or the route removes it
 * with `drop`. What is decided because the application reads a field is decided by this value. `name` is lowercase.
 */
export function forwardedValue(fields: Fields, name: string, drop: FieldFilter): string | null {
  if (!fields.has(name)) return null;
  const values: string[] = [];
  const field = (written: string, value: string): void => {
    if (written.toLowerCase() === name) values.push(value);
  };
  fields.writeTo({ field, fieldLines: (bytes, start, end) => eachFieldLine(bytes, start, end, field) }, drop);
  return values.length === 0 ? null : values.join(', ');
}
