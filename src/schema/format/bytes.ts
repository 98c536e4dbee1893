import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
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
  if (!exact.test(text)) return reject(`${quoted(text)} is not a size`, suggestSize(text, null));
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
  return (text) => {
    const size = parseBytes(text);
    if (size.ok)
      return size.value >= bytesOf(written)
        ? size
        : reject(
            `${quoted(text)} is below the least that makes sense, ${written}: ${why}`,
            `write at least ${written}`,
          );
    return reject(size.failure.message, suggestSize(text, written));
  };
}

/** Of a size that is known to be one. */
function bytesOf(written: string): number {
  const size = parseBytes(written);
  return size.ok ? size.value : 0;
}

/** `bytesPattern` of sizes that are not below the least. */
export function bytesPatternFrom({ written }: LeastSize): string {
  const least = bytesOf(written);
  const byUnit = Object.entries(unitBytes).map(
    ([unit, bytes]) => `${wholePatternFrom(Math.ceil(least / bytes))}${unit}`,
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

/** What is suggested is accepted: it is not below `least`. */
function suggestSize(text: string, least: string | null): string {
  const meant = meantSize(text);
  if (meant === null)
    return `write it with a unit, such as ${least === null ? '512B, 64KiB or 10MiB' : `${least} or 10GiB`}`;
  return least !== null && bytesOf(meant) < bytesOf(least) ? `write at least ${least}` : `write ${meant}`;
}

/** `1.5 GB` is written `1536MiB`. Null if the text is no number of bytes. */
function meantSize(text: string): string | null {
  const match = /^(\d+)(\.\d{1,3})?\s*([kmgt]?)(?:i?b|ytes?)?$/i.exec(text.trim());
  if (match === null) return null;
  const [, whole = '', decimals, letter = ''] = match;
  const units = Object.keys(unitBytes);
  const unit = units.findIndex((name) => name[0] === (letter === '' ? 'B' : letter.toUpperCase()));
  if (decimals === undefined) return `${whole}${units[unit]}`;
  return unit === 0 ? null : `${Math.round(Number(whole + decimals) * 1024)}${units[unit - 1]}`;
}

const zero = { message: 'a size of zero would refuse everything', suggestion: 'write at least 1B' };

/** What to say when a plain number stands where a size is wanted. */
export function bareSizeError(value: number): ErrorDetail {
  if (value === 0) return zero;
  const kibi = value > 0 && value % 1024 === 0 ? ` or ${value / 1024}KiB` : '';
  return { message: `the size ${value} has no unit`, suggestion: `write ${value}B${kibi}` };
}

/** The same where a size may not be below the least. */
export function bareSizeErrorFrom({ written }: LeastSize): (value: number) => ErrorDetail {
  return (value) => {
    const error = bareSizeError(value);
    if (value >= bytesOf(written)) return error;
    // Where so few bytes make no sense, so few MiB may be meant.
    const isMiB = value > 0 && value < 10_000 && value * 1024 ** 2 >= bytesOf(written);
    return { ...error, suggestion: isMiB ? `write ${value}MiB` : `write at least ${written}` };
  };
}
