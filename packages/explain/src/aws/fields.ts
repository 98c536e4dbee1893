const fieldsMax = 60;

/**
 * The fields of a line of Elastic Load Balancing: separated by one space, in quotes if they may contain one. A quote
 * ends its field only if a space or the end of the line follows, since clients write quotes into what they send.
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

/** The position of the closing quotation mark, or the end of a truncated line. */
function quotedEnd(line: string, from: number): number {
  const end = line.indexOf('" ', from);
  if (end >= 0) return end;
  return line.endsWith('"') && line.length > from ? line.length - 1 : line.length;
}

/** A time in seconds with a fraction; -1 for "not reached", and for text that is no time. */
export function secondsOf(field: string | undefined): number {
  return field !== undefined && /^\d{1,9}(?:\.\d{1,9})?$/.test(field) ? Number(field) : -1;
}

/** These logs write "-" for no value. */
export function present(field: string | undefined): string | null {
  return field === undefined || field === '-' || field === '' ? null : field;
}
