import type { StatusRange } from '../../core/upstream-spec.ts';
import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';
import { quoted, reject } from '../../schema/error-detail.ts';

/** `204`, `2xx`, `200-399`. */
export function parseStatusRange(text: string): Result<StatusRange, ErrorDetail> {
  const hundreds = /^([2-5])xx$/i.exec(text)?.[1];
  if (hundreds !== undefined) return succeed({ from: Number(hundreds) * 100, to: Number(hundreds) * 100 + 99 });
  const range = /^(\d{3})(?:\s*[-–]\s*(\d{3}))?$/.exec(text);
  const from = Number(range?.[1]);
  const to = Number(range?.[2] ?? range?.[1]);
  if (range !== null && from >= 200 && from <= to && to <= 599) return succeed({ from, to });
  return reject(
    `${quoted(text)} is no status of a response`,
    'write a status such as 204, 2xx, or a range such as 200-399',
  );
}
