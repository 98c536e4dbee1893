import type { Result } from '../../core/result.ts';
import { succeed } from '../../core/result.ts';
import type { ErrorDetail } from '../error-detail.ts';
import { reject, quoted } from '../error-detail.ts';

const unitBytes: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** As a pattern for editors; `parseBytes` is the judge. */
export const bytesPattern = '\\d+(?:B|KiB|MiB|GiB|TiB)';

const exact = new RegExp(`^${bytesPattern}$`);

/** `512B`, `64KiB`, `10MiB` into a number of bytes, above 0. Units of 1024, written so. */
export function parseBytes(text: string): Result<number, ErrorDetail> {
  if (!exact.test(text)) return reject(`${quoted(text)} is not a size`, suggestSize(text));
  const [, count, unit] = /^(\d+)(\w+)$/.exec(text)!;
  const bytes = Number(count) * unitBytes[unit!]!;
  if (bytes === 0) return reject(zero.message, zero.suggestion);
  if (!Number.isSafeInteger(bytes)) return reject(`${quoted(text)} is more than can be counted`);
  return succeed(bytes);
}

/** The least that a size may be, as it would be written, and why less makes no sense. */
export interface LeastSize {
  readonly written: string;
  readonly why: string;
}

/** As `parseBytes`, of sizes that are not below the least. */
export function parseBytesFrom({ written, why }: LeastSize): (text: string) => Result<number, ErrorDetail> {
  const least = parseBytes(written);
  return (text) => {
    const size = parseBytes(text);
    return !size.ok || !least.ok || size.value >= least.value
      ? size
      : reject(`${quoted(text)} is below the least that makes sense, ${written}: ${why}`, `write at least ${written}`);
  };
}

/** `bytesPattern` of sizes that are not below the least. */
export function bytesPatternFrom({ written }: LeastSize): string {
  const least = parseBytes(written);
  if (!least.ok) return bytesPattern;
  const byUnit = Object.entries(unitBytes).map(
    ([unit, bytes]) => `${wholePatternFrom(Math.ceil(least.value / bytes))}${unit}`,
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
export function bareSizeError(value: number): ErrorDetail {
  if (value === 0) return zero;
  const kibi = value > 0 && value % 1024 === 0 ? ` or ${value / 1024}KiB` : '';
  return { message: `the size ${value} has no unit`, suggestion: `write ${value}B${kibi}` };
}
