import type { Result } from '../../core/result.ts';
import { succeed } from '../../core/result.ts';
import type { Objection } from '../objection.ts';
import { object, quoted } from '../objection.ts';

const unitOctets: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** As a pattern for editors; `parseOctets` is the judge. */
export const octetsPattern = '\\d+(?:B|KiB|MiB|GiB|TiB)';

const exact = new RegExp(`^${octetsPattern}$`);

/** `512B`, `64KiB`, `10MiB` into a number of octets, above 0. Units of 1024, written so. */
export function parseOctets(text: string): Result<number, Objection> {
  if (!exact.test(text)) return object(`${quoted(text)} is not a size`, suggestSize(text));
  const [, count, unit] = /^(\d+)(\w+)$/.exec(text)!;
  const octets = Number(count) * unitOctets[unit!]!;
  if (octets === 0) return object(zero.message, zero.suggestion);
  if (!Number.isSafeInteger(octets)) return object(`${quoted(text)} is more than can be counted`);
  return succeed(octets);
}

/** The least that a size may be, as it would be written, and why less makes no sense. */
export interface LeastSize {
  readonly written: string;
  readonly why: string;
}

/** As `parseOctets`, of sizes that are not below the least. */
export function parseOctetsFrom({ written, why }: LeastSize): (text: string) => Result<number, Objection> {
  const least = parseOctets(written);
  return (text) => {
    const size = parseOctets(text);
    return !size.ok || !least.ok || size.value >= least.value
      ? size
      : object(`${quoted(text)} is below the least that makes sense, ${written}: ${why}`, `write at least ${written}`);
  };
}

/** `octetsPattern` of sizes that are not below the least. */
export function octetsPatternFrom({ written }: LeastSize): string {
  const least = parseOctets(written);
  if (!least.ok) return octetsPattern;
  const byUnit = Object.entries(unitOctets).map(
    ([unit, octets]) => `${wholePatternFrom(Math.ceil(least.value / octets))}${unit}`,
  );
  return `0*(?:${byUnit.join('|')})`;
}

/** Numbers from `least` on, without zeros before them: those with more digits, and those that differ first in a greater one. */
function wholePatternFrom(least: number): string {
  const digits = String(least);
  const greater = [...digits].flatMap((digit, at) => {
    const rest = digits.length - at - 1;
    return digit === '9' ? [] : [`${digits.slice(0, at)}[${Number(digit) + 1}-9]${rest === 0 ? '' : `\\d{${rest}}`}`];
  });
  return `(?:[1-9]\\d{${digits.length},}|${greater.join('|')}${greater.length === 0 ? '' : '|'}${digits})`;
}

function suggestSize(text: string): string {
  const match = /^(\d+)\s*([kmgt]?)(?:i?b|ytes?)?$/i.exec(text.trim());
  if (match === null) return 'write it with a unit, such as 512B, 64KiB or 10MiB';
  return `write ${match[1]}${match[2] === '' ? 'B' : `${match[2]!.toUpperCase()}iB`}`;
}

const zero = { message: 'a size of zero would refuse everything', suggestion: 'write at least 1B' };

/** What to say when a plain number stands where a size is wanted. */
export function objectToBareSize(value: number): Objection {
  if (value === 0) return zero;
  const kibi = value > 0 && value % 1024 === 0 ? ` or ${value / 1024}KiB` : '';
  return { message: `the size ${value} has no unit`, suggestion: `write ${value}B${kibi}` };
}
