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
  if (octets === 0) return object('a size of zero would refuse everything', 'write at least 1B');
  if (!Number.isSafeInteger(octets)) return object(`${quoted(text)} is more than can be counted`);
  return succeed(octets);
}

function suggestSize(text: string): string {
  const match = /^(\d+)\s*([kmgt]?)(?:i?b|ytes?)?$/i.exec(text.trim());
  if (match === null) return 'write it with a unit, such as 512B, 64KiB or 10MiB';
  return `write ${match[1]}${match[2] === '' ? 'B' : `${match[2]!.toUpperCase()}iB`}`;
}

/** What to say when a plain number stands where a size is wanted. */
export function objectToBareSize(value: number): Objection {
  const kibi = value > 0 && value % 1024 === 0 ? ` or ${value / 1024}KiB` : '';
  return { message: `the size ${value} has no unit`, suggestion: `write ${value}B${kibi}` };
}
