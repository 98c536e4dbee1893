import { eachHeaderLine } from '../core/header-lines.ts';
import type { HeaderFilter } from '../core/header-names.ts';
import type { MessageHeaders } from '../core/message.ts';

/**
 * The value of a header as the application gets it; null where it gets none: Connection has nominated the header, or the route removes it
 * with `drop`. What is decided because the application reads a header is decided by this value. `name` is lowercase.
 */
export function forwardedValue(headers: MessageHeaders, name: string, drop: HeaderFilter): string | null {
  if (!headers.has(name)) return null;
  const values: string[] = [];
  const header = (written: string, value: string): void => {
    if (written.toLowerCase() === name) values.push(value);
  };
  headers.writeTo({ header, headerLines: (bytes, start, end) => eachHeaderLine(bytes, start, end, header) }, drop);
  return values.length === 0 ? null : values.join(', ');
}
