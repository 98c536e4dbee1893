const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `2026/11/21 21:59:48` of an error log. It has no zone: it is read as UTC, which is the zone of most servers. */
export function errorLogTime(text: string): number | null {
  const parts = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d)/.exec(text);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second] = parts;
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

/** `21/Nov/2026:21:59:48 +0100`, what `$time_local` is. */
export function localTime(text: string): number | null {
  const parts = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(text);
  if (parts === null) return null;
  const [, day, monthName, year, hour, minute, second, sign, zoneHours, zoneMinutes] = parts;
  const month = months.indexOf(monthName ?? '');
  if (month < 0) return null;
  const offset = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000 * (sign === '-' ? -1 : 1);
  return Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second)) - offset;
}

/** Any of the times that an access log has: `$time_local`, `$time_iso8601`, `$msec`. */
export function accessLogTime(text: string): number | null {
  if (/^\d{9,10}(?:\.\d{1,6})?$/.test(text)) return Math.round(Number(text) * 1000);
  if (/^\d{13}$/.test(text)) return Number(text);
  if (/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?$/.test(text)) {
    const at = Date.parse(text.replace(' ', 'T'));
    return Number.isNaN(at) ? null : at;
  }
  return localTime(text.startsWith('[') ? text.slice(1, -1) : text);
}
