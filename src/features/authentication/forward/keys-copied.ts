import type { Result } from '#failures/result.ts';
import { type ErrorDetail, quoted, reject } from '../../../schema/error-detail.ts';
import { parseUserHeader } from '../keys-values.ts';

/** A header of the service's answer for applications: also a token of its own, where it gives one. */
export function parseCopiedHeader(written: string): Result<string, ErrorDetail> {
  if (written.toLowerCase() === 'authorization') return { ok: true, value: written };
  if (written.toLowerCase() === 'set-cookie')
    return reject(`${quoted(written)} is for clients, who get it without being named here`, 'remove it');
  return parseUserHeader(written);
}
