import { commonLogTimeMs, judgedText, wholeNumber } from './line-text.ts';

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
