/** `OnCalendar=` of systemd as a schedule of cron, where it can be said. */
export interface ConvertedSchedule {
  readonly schedule: string;
  readonly timeZone: string | null;
}

const shorthands: Readonly<Record<string, string>> = {
  minutely: '* * * * *',
  hourly: '0 * * * *',
  daily: '0 0 * * *',
  monthly: '0 0 1 * *',
  weekly: '0 0 * * 1',
  yearly: '0 0 1 1 *',
  annually: '0 0 1 1 *',
  quarterly: '0 0 1 1,4,7,10 *',
  semiannually: '0 0 1 1,7 *',
};

const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Null: cron has no words for it. */
export function cronOfCalendar(written: string): ConvertedSchedule | null {
  let text = written.trim().replace(/\s+/g, ' ');
  const zone = / ([A-Z][A-Za-z]+\/[A-Za-z_/+-]+|UTC)$/.exec(text)?.[1] ?? null;
  if (zone !== null) text = text.slice(0, -zone.length - 1);
  const short = shorthands[text.toLowerCase()];
  if (short !== undefined) return { schedule: short, timeZone: zone };
  const [, weekday = '*', date = '*-*-*', time = '00:00:00'] =
    /^(?:([A-Za-z]{3,9}(?:(?:\.\.|[,-])[A-Za-z]{3,9})*)(?: |$))?((?:[\d*,./]+-)?[\d*,./]+-[\d*,./~]+)?(?: |$)?([\d*,./]+:[\d*,./]+(?::[\d*,./]+)?)?$/.exec(
      text,
    ) ?? [];
  if (text === '' || (weekday === '*' && date === '*-*-*' && time === '00:00:00' && !/[-:]/.test(text))) return null;
  const dateParts = date.split('-');
  const [year, month, day] = dateParts.length === 2 ? ['*', ...dateParts] : dateParts;
  const [hour = '', minute = '', second = '00'] = time.split(':');
  if (year !== '*' || !/^0+$/.test(second) || /~/.test(date)) return null;
  const fields = [
    cronField(minute, 0, 59),
    cronField(hour, 0, 23),
    cronField(day ?? '*', 1, 31),
    cronField(month ?? '*', 1, 12),
    cronDays(weekday),
  ];
  // With both, cron takes the days that one of them names, and systemd those that both do.
  if (fields.includes(null) || (fields[2] !== '*' && fields[4] !== '*')) return null;
  return { schedule: fields.join(' '), timeZone: zone };
}

function cronField(written: string, min: number, max: number): string | null {
  const parts = written.split(',').map((part) => {
    const [, from = '', to, step] = /^(\*|\d{1,2})(?:\.\.(\d{1,2}))?(?:\/(\d{1,2}))?$/.exec(part) ?? [];
    if (from === '' || step === '0' || step === '00') return null;
    const numbers = [from, to].filter((one) => one !== undefined && one !== '*').map(Number);
    if (numbers.some((one) => one < min || one > max)) return null;
    if (from === '*') return step === undefined ? '*' : `*/${Number(step)}`;
    if (step === undefined) return to === undefined ? String(Number(from)) : `${Number(from)}-${Number(to)}`;
    // `0/15`: from 0 to the end.
    return Number(from) === min && to === undefined
      ? `*/${Number(step)}`
      : `${Number(from)}-${Number(to ?? max)}/${Number(step)}`;
  });
  return parts.includes(null) ? null : parts.join(',');
}

function cronDays(written: string): string | null {
  if (written === '*') return '*';
  const parts = written.split(',').map((part) => {
    const ends = part.split(/\.\.|-/).map((day) => days.indexOf(day.slice(0, 3).toLowerCase()));
    if (ends.includes(-1) || ends.length > 2) return null;
    const [from, to] = ends;
    // `Sat..Sun`: cron counts Sunday as 7 there.
    return to === undefined ? String(from) : `${from}-${to === 0 ? 7 : to}`;
  });
  return parts.includes(null) ? null : parts.join(',');
}

/** A span that is repeated, as `OnUnitActiveSec=15min`. */
export function cronOfInterval(ms: number): string | null {
  const minutes = ms / 60_000;
  if (!Number.isInteger(minutes) || minutes < 1) return null;
  if (minutes === 1) return '* * * * *';
  if (minutes < 60) return 60 % minutes === 0 ? `*/${minutes} * * * *` : null;
  const hours = minutes / 60;
  if (hours === 1) return '0 * * * *';
  if (hours < 24) return Number.isInteger(hours) && 24 % hours === 0 ? `0 */${hours} * * *` : null;
  return hours === 24 ? '0 0 * * *' : hours === 168 ? '0 0 * * 1' : null;
}
