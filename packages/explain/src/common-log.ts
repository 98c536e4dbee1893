import { commonLogTimeMs, judgedText, wholeNumber } from './line-text.ts';

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

/** A line that begins as the Common Log Format does. Each gateway may put text of its own before and after it. */
export interface CommonLogLine {
  /** The text before the client, such as a virtual host; may be empty. */
  readonly before: string;
  readonly atMs: number;
  /** The text between the quotation marks. */
  readonly requestLine: string;
  readonly status: number;
  /** "-" if none were sent, in the formats of some programs. */
  readonly bytes: string;
  /** The text after the bytes, without the quotation marks around its fields. */
  readonly rest: readonly string[];
}

const start =
  /^(?:(\S{1,255}) )?(\S{1,255}) (\S{1,64}) (\S{1,64}|"[^"]{0,64}") \[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "/;
const restFieldsMax = 40;

/** 21/Nov/2026:10:15:30 +0000 */
const timeCharacters = 26;

let lastLine: string | null = null;
let lastParts: CommonLogLine | null = null;

/** Null for a line of another form. Several dialects ask about the same line in turn, so the last result is kept. */
export function readCommonLog(line: string): CommonLogLine | null {
  if (line === lastLine) return lastParts;
  lastParts = takeApart(line);
  lastLine = line;
  return lastParts;
}

function takeApart(line: string): CommonLogLine | null {
  // Checks for this time first: most lines of most logs are not of this form.
  const bracket = line.indexOf('[');
  if (bracket < 5 || bracket > 700 || line[bracket + 3] !== '/' || line[bracket + timeCharacters + 1] !== ']')
    return null;
  const match = start.exec(line.slice(0, 1000));
  if (match === null) return null;
  const text = judgedText(line);
  const requestEnd = closingQuote(text, match[0].length);
  const atMs = commonLogTimeMs(match[5] ?? '');
  if (requestEnd < 0 || text[requestEnd + 1] !== ' ' || atMs === null) return null;
  const fields = splitFields(text.slice(requestEnd + 2));
  const status = wholeNumber(fields[0]);
  const bytes = fields[1];
  if (status === null || status < 0 || status > 999 || bytes === undefined || !/^(?:-|\d{1,18})$/.test(bytes))
    return null;
  const requestLine = text.slice(match[0].length, requestEnd);
  return { before: match[1] ?? '', atMs, requestLine, status, bytes, rest: fields.slice(2) };
}

/** The position of the quotation mark that ends a field; an escaped one does not. */
function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at > 0 && text[at - 1] === '\\' && text[at - 2] !== '\\') at = text.indexOf('"', at + 1);
  return at;
}

/** Fields between spaces; quoted fields may contain spaces. */
function splitFields(text: string): readonly string[] {
  const fields: string[] = [];
  let at = 0;
  while (at < text.length && fields.length < restFieldsMax) {
    const isQuoted = text[at] === '"';
    const end = isQuoted ? closingQuote(text, at + 1) : text.indexOf(' ', at);
    const stop = end < 0 ? text.length : end;
    fields.push(text.slice(isQuoted ? at + 1 : at, stop));
    at = stop + (isQuoted ? 2 : 1);
  }
  return fields;
}
