import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import { gatewayHeaderNames } from '../../core/header-names.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import { parseLoneHeaderName } from '../../schema/format/field.ts';

/** It stands between quotes in WWW-Authenticate (RFC 9110 §11.5). */
export function parseRealm(written: string): Result<string, ErrorDetail> {
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(written)) return succeed(written);
  return reject(
    `${quoted(written)} is no realm`,
    'write 1 to 64 letters, digits, spaces and marks of ASCII, without " and \\',
  );
}

/** Of these the gateway writes its own, or reads what the client says. */
const taken: ReadonlySet<string> = new Set([...gatewayHeaderNames, 'authorization', 'cookie', 'proxy-authorization']);

/** A header in which applications get something of the user. */
export function parseUserHeader(written: string): Result<string, ErrorDetail> {
  const name = parseLoneHeaderName(written);
  if (!name.ok || !taken.has(written.toLowerCase())) return name;
  return reject(`the header ${quoted(written)} has a meaning of its own`, 'write another one, such as X-User');
}
