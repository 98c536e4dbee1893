import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';

/** It stands between quotes in WWW-Authenticate (RFC 9110 §11.5). */
export function parseRealm(written: string): Result<string, ErrorDetail> {
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(written)) return succeed(written);
  return reject(
    `${quoted(written)} is no realm`,
    'write 1 to 64 letters, digits, spaces and marks of ASCII, without " and \\',
  );
}
