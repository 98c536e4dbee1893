/** A line is judged by its first characters only: no gateway writes facts that matter after so many. */
export const judgedCharactersMax = 65_536;

/** The line without its end, truncated to what is judged. */
export function judgedText(line: string): string {
  const text = line.length > judgedCharactersMax ? line.slice(0, judgedCharactersMax) : line;
  return text.endsWith('\r') || text.endsWith('\n') ? text.trimEnd() : text;
}

/** "GET /path HTTP/1.1" without its version; null if there is no request ("-", "<BADREQ>"). */
export function requestOf(requestLine: string): string | null {
  if (requestLine === '' || requestLine === '-' || requestLine.startsWith('<')) return null;
  const version = requestLine.lastIndexOf(' HTTP/');
  return version > 0 ? requestLine.slice(0, version) : requestLine;
}

const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** 0 to 11; null if the text is no English abbreviation of a month. */
export function monthOf(name: string): number | null {
  const month = monthNames.indexOf(name);
  return month < 0 ? null : month;
}

const commonLogTime = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?: ([+-])(\d\d)(\d\d))?$/;

/** "10/Oct/2026:13:55:36 +0200", with or without a fraction. Counts as UTC without a zone. Null for anything else. */
export function commonLogTimeMs(text: string): number | null {
  const match = commonLogTime.exec(text);
  if (match === null) return null;
  const [, day, monthName, year, hour, minute, second, fraction, sign, zoneHours, zoneMinutes] = match;
  const month = monthOf(monthName ?? '');
  if (month === null) return null;
  const atMs = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second));
  const zoneMs = (Number(zoneHours ?? 0) * 60 + Number(zoneMinutes ?? 0)) * 60_000;
  return atMs + Math.trunc(Number(`0.${fraction ?? 0}`) * 1000) - (sign === '-' ? -zoneMs : zoneMs);
}

/** The number that the whole text is; null for anything else, and for numbers too long to be a count. */
export function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}
