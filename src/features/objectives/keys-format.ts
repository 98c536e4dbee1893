import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';
import { quoted, reject } from '../../schema/error-detail.ts';

export const objectivePattern = String.raw`[5-9]\d(\.\d{1,4})?%`;

/** A share that is promised, such as `99.9%`: from 50 % to less than 100 %, which no one can promise. As a number from 0.5 to 1. */
export function parseObjective(text: string): Result<number, ErrorDetail> {
  if (new RegExp(`^${objectivePattern}$`).test(text))
    return succeed(Math.round(Number.parseFloat(text) * 10_000) / 1_000_000);
  if (/^100(\.0+)?%$/.test(text))
    return reject('100% leaves no failure, and one will come', 'write 99.9%, or how many failures are few');
  return reject(`${quoted(text)} is no objective`, 'write a percentage from 50% to 99.9999%, such as 99.9%');
}

export function bareObjectiveError(value: number): ErrorDetail {
  return { message: `the number ${value} has no unit`, suggestion: `write ${value < 1 ? value * 100 : value}%` };
}
