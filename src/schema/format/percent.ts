import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../error-detail.ts';
import { quoted, reject } from '../error-detail.ts';

/** As a pattern for editors; `parsePercent` is the judge. */
export const percentPattern = '\\d{1,3}%';

/** `1%` to `100%` as a share. */
export function parsePercent(text: string): Result<number, ErrorDetail> {
  const percent = /^(\d{1,3}) ?%$/.exec(text)?.[1];
  if (percent === undefined) return reject(`${quoted(text)} is not a percentage`, 'write it such as 50%');
  const share = Number(percent) / 100;
  if (share <= 0 || share > 1) return reject(`${quoted(text)} is not between 1% and 100%`);
  return succeed(share);
}

/** A number in place of a percentage: others write 50, or 0.5. */
export function barePercentError(value: number): ErrorDetail {
  const percent = Math.round(value > 0 && value < 1 ? value * 100 : value);
  const suggestion = percent >= 1 && percent <= 100 ? `write ${percent}%` : 'write it such as 50%';
  return { message: `${value} is not a percentage`, suggestion };
}
