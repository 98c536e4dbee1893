import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';
import { quoted, reject } from '../../schema/error-detail.ts';
import { normalHost } from './address.ts';
import { isToken } from '../../schema/format/field.ts';
import { isSwitchWord } from '../../schema/format/switch-word.ts';

/** The name of a cookie is a token (RFC 6265 §4.1.1). A word for true or false in its place is a mistake. */
export function parseCookieName(text: string): Result<string, ErrorDetail> {
  if (isSwitchWord(text)) return reject(`${quoted(text)} is no name of a cookie`, 'write a name, or remove the key');
  if (isToken(text)) return succeed(text);
  return reject(`${quoted(text)} cannot be the name of a cookie`, 'write letters, digits, "-", "_" and "." alone');
}

/** The attribute Path of a cookie (RFC 6265 §4.1.1): a semicolon would begin the next attribute. */
export function parseCookiePath(text: string): Result<string, ErrorDetail> {
  if (/^\/[\x21-\x3a\x3c-\x7e]*$/.test(text)) return succeed(text);
  return reject(`${quoted(text)} is no path of a cookie`, 'write a path that begins with "/", without spaces and ";"');
}

/** The attribute Domain: browsers ignore a dot before it. */
export function parseCookieDomain(text: string): Result<string, ErrorDetail> {
  const host = /^[\w.-]+$/.test(text) ? normalHost(text.replace(/^\./, '')) : undefined;
  return host === undefined || host === null
    ? reject(`${quoted(text)} is not a host name`, 'write one such as example.org, or remove the key')
    : succeed(host);
}
