/** Sizes and times of other programs, as a configuration writes them. Null: it is neither. */

const sizeUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `512m`, `1.5GB`, `536870912`: units of 1024, as in systemd, Docker and pm2. */
export function sizeOf(written: string): string | null {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(written.trim()) ?? [];
  if (digits === undefined) return null;
  let rank = ['', 'k', 'm', 'g', 't'].indexOf(unit.toLowerCase());
  let number = Number(digits);
  while (!Number.isInteger(number) && rank > 0) {
    number *= 1024;
    rank -= 1;
  }
  number = Math.round(number);
  while (number >= 1024 && number % 1024 === 0 && rank < sizeUnits.length - 1) {
    number /= 1024;
    rank += 1;
  }
  return number === 0 ? null : `${number}${sizeUnits[rank]}`;
}

const daysMax = 24;
const durationUnits: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];

export function durationText(ms: number): string | null {
  let rest = Math.round(ms);
  if (rest <= 0 || rest > daysMax * 86_400_000) return null;
  let text = '';
  for (const [unit, length] of durationUnits) {
    if (rest >= length) text += `${Math.floor(rest / length)}${unit}`;
    rest %= length;
  }
  return text;
}

const unitLengths: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  msec: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  seconds: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
  weeks: 604_800_000,
};

/** `1min 30s`, `1m30s`, `5`: a number alone has the unit `alone`. */
export function millisecondsOf(written: string, alone = 's'): number | null {
  const text = written.trim().toLowerCase();
  if (!/^(?:\d+(?:\.\d+)?\s*[a-z]*\s*)+$/.test(text)) return null;
  let sum = 0;
  for (const [, digits = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]*)/g)) {
    const length = unitLengths[unit === '' ? alone : unit];
    if (length === undefined) return null;
    sum += Number(digits) * length;
  }
  return sum;
}

export function durationOf(written: string, alone = 's'): string | null {
  const ms = millisecondsOf(written, alone);
  return ms === null ? null : durationText(ms);
}
