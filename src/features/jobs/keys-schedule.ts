import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** For numbers from `min` on. */
  readonly words?: readonly string[];
  /** What may stand in it besides, of which croner knows more than cron. */
  readonly special?: RegExp;
}

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const days = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const second: Field = { name: 'second', min: 0, max: 59 };
const fields: readonly Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of the month', min: 1, max: 31, special: /^L$/i },
  { name: 'month', min: 1, max: 12, words: months },
  {
    name: 'day of the week',
    min: 0,
    max: 7,
    words: days,
    special: /^(?:[0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)#(?:[1-5]|L)$/i,
  },
];

const nicknames: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};

/** The longest month of each number. */
const daysOfMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const example = 'write five fields (minute, hour, day, month, weekday), such as "0 3 * * *"';

/** Cron's words in their plain form: five fields, or six with the seconds first. 'once' stays. `besides`: what else may be written. */
export function parseSchedule(written: string, besides = ', or once'): Result<string, ErrorDetail> {
  const text = written.trim();
  if (text === 'once') return succeed(text);
  if (text.startsWith('@')) {
    const known = nicknames[text.toLowerCase()];
    if (known !== undefined) return succeed(known);
    return reject(
      `${quoted(text)} is no schedule`,
      text.toLowerCase() === '@reboot'
        ? 'write once, for a run after each release'
        : `write one of ${Object.keys(nicknames).join(', ')}`,
    );
  }
  const parts = text.split(/\s+/);
  if (parts.length !== 5 && parts.length !== 6)
    return reject(`${quoted(text)} is no schedule: it has ${countOf(parts, text)}`, example + besides);
  const shape = parts.length === 6 ? [second, ...fields] : fields;
  for (const [index, part] of parts.entries()) {
    const wrong = fieldError(part, shape[index] as Field);
    if (wrong !== null) return reject(`${quoted(text)} is no schedule: ${wrong.message}`, wrong.suggestion);
  }
  const [day = '', month = '', weekday = ''] = parts.slice(-3);
  if (weekday === '*' && neverComes(day, month))
    return reject(
      `${quoted(text)} never comes: no such month has the day ${day}`,
      'write a day that the month has, or L for its last',
    );
  return succeed(parts.join(' '));
}

const countOf = (parts: readonly string[], text: string): string =>
  text === '' ? 'no field' : parts.length === 1 ? 'one field' : `${parts.length} fields`;

function fieldError(part: string, field: Field): ErrorDetail | null {
  for (const item of part.split(',')) {
    const wrong = itemError(item, field);
    if (wrong !== null) return wrong;
  }
  return null;
}

/** `*`, `7`, `1-5`, `MON-FRI`, with a step where several are named. */
function itemError(item: string, { name, min, max, words = [], special }: Field): ErrorDetail | null {
  const numberOf = (word: string): number | null => {
    if (/^\d{1,2}$/.test(word)) return Number(word);
    const at = words.indexOf(word.toUpperCase());
    return at === -1 ? null : at + min;
  };
  const [range = '', step, ...more] = item.split('/');
  const wrong = (message: string, suggestion: string | null = null): ErrorDetail => ({ message, suggestion });
  const said = `${quoted(item)} is no ${name}`;
  if (more.length > 0) return wrong(said, `write */5, or ${min}-${max}/5`);
  if (step !== undefined && (!/^\d{1,2}$/.test(step) || Number(step) < 1 || Number(step) > max))
    return wrong(`${said}: a step is a number from 1 to ${max}`, 'write */5');
  if (range === '*') return null;
  if (special?.test(item) === true) return null;
  const ends = range.split('-');
  const numbers = ends.map(numberOf);
  if (ends.length > 2 || numbers.includes(null)) return wrong(said, `write a number from ${min} to ${max}, or *`);
  const [from = 0, to = from] = numbers as number[];
  if (from < min || to < min || from > max || to > max) return wrong(`${said}: it is from ${min} to ${max}`);
  if (from > to) return wrong(`${said}: it begins after its end`, `write ${ends[0]}-${max},${min}-${ends[1]}`);
  if (step !== undefined && ends.length === 1)
    return wrong(`${said}: a step needs a range`, `write ${range}-${max}/${step}`);
  return null;
}

function neverComes(day: string, month: string): boolean {
  if (!/^[\d,]+$/.test(day)) return false;
  const named = month
    .split(',')
    .map((one) => (/^\d+$/.test(one) ? Number(one) : months.indexOf(one.toUpperCase()) + 1));
  if (named.some((one) => one < 1)) return false;
  return day.split(',').every((one) => named.every((at) => Number(one) > (daysOfMonth[at - 1] ?? 31)));
}

/** A name of the time zone database. */
export function parseTimeZone(written: string): Result<string, ErrorDetail> {
  try {
    return succeed(new Intl.DateTimeFormat('en', { timeZone: written }).resolvedOptions().timeZone);
  } catch {
    return reject(
      `${quoted(written)} is no time zone`,
      'write a name of the time zone database, such as Europe/Berlin or UTC',
    );
  }
}
