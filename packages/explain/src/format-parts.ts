/** A value in a log format. Values of the same name: the first one counts. */
interface FormatField {
  /** What the value is; null if it is not used. */
  readonly name: string | null;
  /** The form of its values. Without one, any text is a value. */
  readonly form: RegExp | null;
}

/** A log format: fixed text, and values between. */
export type FormatPart = string | FormatField;

/** Tries to find the end of a value. Formats with distinct separators need one for each value. */
const triesMax = 1000;

/** No value is longer, except the last one. */
const valueCharactersMax = 16_384;

/** Whether the format has two values with no text between, so that nobody can tell where the first one ends. */
export function hasAdjacentFields(parts: readonly FormatPart[]): boolean {
  return parts.some((part, index) => typeof part !== 'string' && typeof (parts[index + 1] ?? '') !== 'string');
}

/** The values of a line by name; null if the line is not of this format. Parts must not have adjacent fields. */
export function matchParts(parts: readonly FormatPart[], line: string): Readonly<Record<string, string>> | null {
  const values: string[] = [];
  let tries = 0;
  const matchFrom = (index: number, at: number): boolean => {
    const part = parts[index];
    if (part === undefined) return at === line.length;
    if (typeof part === 'string') return line.startsWith(part, at) && matchFrom(index + 1, at + part.length);
    const next = parts[index + 1];
    if (typeof next !== 'string') return isValue(part, line.slice(at)) && keep(index, line.slice(at));
    // A value may contain the text that separates it from the next one: then another occurrence fits.
    for (
      let end = line.indexOf(next, at);
      end >= 0 && end - at <= valueCharactersMax;
      end = line.indexOf(next, end + 1)
    ) {
      tries += 1;
      if (tries > triesMax) return false;
      if (isValue(part, line.slice(at, end)) && matchFrom(index + 1, end)) return keep(index, line.slice(at, end));
    }
    return false;
  };
  const keep = (index: number, value: string): boolean => {
    values[index] = value;
    return true;
  };
  if (!matchFrom(0, 0)) return null;
  const named: Record<string, string> = {};
  parts.forEach((part, index) => {
    if (typeof part !== 'string' && part.name !== null) named[part.name] ??= values[index] ?? '';
  });
  return named;
}

const isValue = ({ form }: FormatField, value: string): boolean => form === null || form.test(value);

/** A format as it stands in a configuration: without the quotation marks around it, and without the end of its line. */
export function unquotedFormat(text: string): string {
  const trimmed = text.trim();
  const quote = trimmed.charAt(0);
  const isQuoted =
    trimmed.length > 1 &&
    trimmed.endsWith(quote) &&
    (quote === "'" ||
      (quote === '"' && /\\"/.test(trimmed.slice(1, -1))) ||
      (quote === '"' && !trimmed.slice(1, -1).includes('"')));
  const inner = isQuoted ? trimmed.slice(1, -1) : trimmed;
  return inner
    .replace(/(?:\\n|\n)+$/, '')
    .replace(/\\t/g, '\t')
    .replace(/\\(["' \\])/g, '$1');
}
