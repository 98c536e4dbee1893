/** Times as people write them in a search: `since:10m`, `--until 08:30`. */

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** '500ms', '2h': in milliseconds; null if it is no duration. */
export function millisecondsOfText(value: string): number | null {
  const [, count, unit] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|min|m|h|d)$/.exec(value) ?? [];
  return count === undefined || unit === undefined ? null : Number(count) * (units[unit] as number);
}

/** What `timeOfText` reads, for messages. */
export const timeForms =
  'is a time ago (10m, 2h, 3d), a time of day in UTC, the last one before now (08:30), or a date (2026-11-22T08:30Z)';

/** What is wrong with a time that ends before it begins; null if nothing is. Milliseconds since 1970; null: no limit. */
export function rangeProblem(since: number | null, until: number | null): string | null {
  if (since === null || until === null || until >= since) return null;
  const [from, to] = [since, until].map((at) => new Date(at).toISOString().replace('.000Z', 'Z'));
  return `until (${to}) is before since (${from}), so that nothing can match`;
}

/**
 * A point in time, in milliseconds since 1970 and never before; null if it cannot be read. A duration is a time before `now`, a time of day in UTC the
 * last one before `now`; a date is read as RFC 3339, without an offset as UTC.
 */
export function timeOfText(value: string, now: number): number | null {
  const ago = millisecondsOfText(value);
  const at = ago === null ? pointInTime(value, now) : now - ago;
  return at === null ? null : Math.max(0, at);
}

/** What `timeAheadOfText` reads, for messages. */
export const timeAheadForms =
  'is a duration (30m, 2h), a time of day in UTC, the next one (14:30), or a date (2026-11-22T14:30Z)';

/** As `timeOfText`, but after `now`: a duration begins now, and a time of day is the next one. A date may be past. */
export function timeAheadOfText(value: string, now: number): number | null {
  const ahead = millisecondsOfText(value);
  if (ahead !== null) return now + ahead;
  const at = pointInTime(value, now);
  return at !== null && value.includes(':') && !value.includes('-') ? at + (units['d'] as number) : at;
}

function pointInTime(value: string, now: number): number | null {
  const [, hours, minutes, seconds = '0'] = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(value) ?? [];
  if (hours !== undefined) {
    const at = new Date(now).setUTCHours(Number(hours), Number(minutes), Number(seconds), 0);
    return at <= now ? at : at - (units['d'] as number);
  }
  if (!/^\d{4}-\d\d-\d\d/.test(value)) return null;
  const hasOffset = /(?:Z|[+-]\d\d:\d\d)$/i.test(value);
  const at = Date.parse(value.includes('T') && !hasOffset ? `${value}Z` : value);
  return Number.isNaN(at) ? null : at;
}
