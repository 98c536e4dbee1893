import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../error-detail.ts';
import { reject, quoted } from '../error-detail.ts';

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** A timer holds 31 bits of milliseconds, some 24.8 days; a longer one would fire at once. */
const durationMsMax = 2 ** 31 - 1;

/** As a pattern for editors; `parseDuration` is the judge. */
export const durationPattern = '(?=\\d)(?:\\d+d)?(?:\\d+h)?(?:\\d+m(?!s))?(?:\\d+(?:\\.\\d+)?s)?(?:\\d+ms)?';

const exact = new RegExp(`^${durationPattern}$`);
const foreignUnits: readonly (readonly [RegExp, string])[] = [
  [/^(?:milliseconds?|millis|msecs?)$/, 'ms'],
  [/^(?:seconds?|secs?)?$/, 's'],
  [/^(?:minutes?|mins?)$/, 'm'],
  [/^(?:hours?|hrs?)$/, 'h'],
  [/^days?$/, 'd'],
];

/** `500ms`, `2s`, `1m30s`, `1h` into milliseconds, above 0 and at most 24 days. */
export function parseDuration(text: string): Result<number, ErrorDetail> {
  if (/^(?:none|off|never|unlimited|infinite|infinity)$/i.test(text))
    return reject('this limit cannot be switched off', 'write a long duration, such as 24h');
  if (!exact.test(text)) return reject(`${quoted(text)} is not a duration`, suggestDuration(text));
  let total = 0;
  for (const [, count, unit] of text.matchAll(/([\d.]+)(ms|[dhms])/g)) total += Number(count) * unitMs[unit!]!;
  const rounded = Math.round(total);
  if (rounded === 0) return reject(zero.message, zero.suggestion);
  if (rounded > durationMsMax) return reject(`${quoted(text)} is longer than the 24 days that a timer can count`);
  return succeed(rounded);
}

/** A bare number of an age: what others write is days, or seconds as in the header. */
export function bareAgeError(value: number): ErrorDetail {
  const isSeconds = value > daysMax;
  const days = Math.max(1, Math.min(daysMax, Math.round(isSeconds ? (value * 1000) / unitMs['d']! : value)));
  return { message: `${value} has no unit`, suggestion: `write ${days}d for ${days === 1 ? 'a day' : `${days} days`}` };
}

/** `365d`, `12h` into seconds: a duration that no timer of the gateway counts. At most ten years. */
export function parseAge(text: string): Result<number, ErrorDetail> {
  const [, days] = /^(\d{1,4})d$/.exec(text) ?? [];
  if (days !== undefined && Number(days) > daysMax)
    return reject(`${quoted(text)} is longer than ten years`, 'write 365d');
  if (days !== undefined && Number(days) > 0) return succeed((Number(days) * unitMs['d']!) / 1000);
  const parsed = parseDuration(text);
  if (parsed.ok) return succeed(Math.max(1, Math.round(parsed.value / 1000)));
  return reject(`${quoted(text)} is not understood as an age`, `write ${daysMeant(text)}d`);
}

const daysMax = 3650;

/** Of the units that people write an age in, with as many of their letters as they like. */
const daysOf: readonly (readonly [unit: RegExp, days: number])[] = [
  [/^y(?:(?:ea)?rs?)?$/, 365],
  [/^mo(?:nths?)?$/, 30],
  [/^w(?:(?:ee)?ks?)?$/, 7],
  [/^d(?:ays?)?$/, 1],
  [/^h(?:(?:ou)?rs?)?$/, 1 / 24],
  [/^(?:s(?:ec(?:ond)?s?)?)?$/, 1 / 86_400],
];

/** A year, where it cannot be told: also of the value of a header that was copied, which has seconds. */
function daysMeant(text: string): number {
  const [, header] = /max-age="?(\d+)/i.exec(text) ?? [];
  const [, count = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec((header ?? text).toLowerCase()) ?? [];
  const each = daysOf.find(([pattern]) => pattern.test(unit))?.[1];
  if (count === '' || each === undefined) return 365;
  return Math.max(1, Math.min(daysMax, Math.round(Number(count) * each)));
}

const zero = { message: 'a duration of zero would end everything before it begins', suggestion: 'write at least 1ms' };

function suggestDuration(text: string): string {
  const parts = [...text.toLowerCase().matchAll(/(\d+(?:\.\d+)?)\s*([a-z]*)/g)];
  const written = parts.map(([, count, unit]) => `${count}${ourUnit(unit!)}`).join('');
  if (parts.length > 0 && exact.test(written)) return `write ${written}`;
  return 'write it with a unit, such as 500ms, 2s, 1m30s or 1h';
}

function ourUnit(unit: string): string {
  return foreignUnits.find(([pattern]) => pattern.test(unit))?.[1] ?? unit;
}

/** What to say when a plain number stands where a duration is wanted. Thousands are mostly milliseconds, and hours seconds. */
export function bareNumberError(value: number): ErrorDetail {
  if (value === 0) return zero;
  const unit = value < 1000 || value % 1800 === 0 ? 's' : 'ms';
  const meant = value % 1000 === 0 ? `${value / 1000}s, if milliseconds were meant` : value + unit;
  return { message: `the duration ${value} has no unit`, suggestion: `write ${meant}` };
}
