import { isoTimeMs } from '../json-fields.ts';
import { commonLogTimeMs } from '../line-text.ts';

/** `2026/11/21 21:59:48` of an error log. It has no zone and counts as UTC, the zone of most servers. */
export function errorLogTime(text: string): number | null {
  const parts = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d)/.exec(text);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second] = parts;
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

/** Any of the times of an access log: `$time_local`, `$time_iso8601`, `$msec`. */
export function accessLogTime(text: string): number | null {
  if (/^\d{9,10}(?:\.\d{1,6})?$/.test(text)) return Math.round(Number(text) * 1000);
  if (/^\d{13}$/.test(text)) return Number(text);
  return isoTimeMs(text) ?? commonLogTimeMs(text.startsWith('[') ? text.slice(1, -1) : text);
}
