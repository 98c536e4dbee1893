const fieldsMax = 60;

/**
 * The fields of a line of Elastic Load Balancing: separated by one space, in quotes where they may hold one. A quote
 * ends its field only where a space or the line's end follows, since clients write quotes into what they send.
 */
export function splitFields(line: string): string[] {
  const fields: string[] = [];
  let from = 0;
  while (from < line.length && fields.length < fieldsMax) {
    const isQuoted = line[from] === '"';
    const end = isQuoted ? quotedEnd(line, from + 1) : plainEnd(line, from);
    fields.push(isQuoted ? line.slice(from + 1, end) : line.slice(from, end));
    from = end + (isQuoted ? 2 : 1);
  }
  return fields;
}

function plainEnd(line: string, from: number): number {
  const space = line.indexOf(' ', from);
  return space < 0 ? line.length : space;
}

/** Where the closing quotation mark is, or the end of a line that was cut off. */
function quotedEnd(line: string, from: number): number {
  const end = line.indexOf('" ', from);
  if (end >= 0) return end;
  return line.endsWith('"') && line.length > from ? line.length - 1 : line.length;
}

/** A time in seconds with a fraction; -1 for "there was none", and for what is no time. */
export function secondsOf(field: string | undefined): number {
  return field !== undefined && /^\d{1,9}(?:\.\d{1,9})?$/.test(field) ? Number(field) : -1;
}

/** "-" is how these logs say that there is none. */
export function present(field: string | undefined): string | null {
  return field === undefined || field === '-' || field === '' ? null : field;
}
