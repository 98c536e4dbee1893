import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../error-detail.ts';
import { reject, quoted } from '../error-detail.ts';
import { isSwitchWord } from './switch-word.ts';

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** RFC 9110 §5.6.2. */
export function isToken(text: string): boolean {
  return token.test(text);
}

/**
 * Fields that say where a message ends or belong to one connection (RFC 9110 §7.6.1). The gateway writes them
 * itself; an edit could only break the message.
 */
const notEditable: ReadonlyMap<string, string> = new Map([
  ['host', 'use rewrite: { host: … }'],
  ...[
    'content-length',
    'transfer-encoding',
    'connection',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'upgrade',
    'via',
    'cdn-loop',
    'max-forwards',
  ].map((name) => [name, 'remove it here'] as const),
]);

export function parseHeaderName(text: string): Result<string, ErrorDetail> {
  if (isToken(text)) return succeed(text);
  const trimmed = text.trim().replace(/:$/, '');
  return reject(
    `${quoted(text)} is not a header name`,
    isToken(trimmed) ? `write ${quoted(trimmed)}` : 'a header name is letters, digits and hyphens',
  );
}

/** As `parseFieldName`, and nothing that the gateway must write itself. */
export function parseEditedHeaderName(text: string): Result<string, ErrorDetail> {
  const name = parseHeaderName(text);
  if (!name.ok) return name;
  const instead = notEditable.get(text.toLowerCase());
  if (instead === undefined) return name;
  return reject(`the header ${quoted(text)} is written by the gateway itself`, instead);
}

/** As `parseEditedFieldName`, where the name stands alone: a word for true or false is a mistake there. */
export function parseLoneHeaderName(text: string): Result<string, ErrorDetail> {
  return isSwitchWord(text)
    ? reject(`${quoted(text)} is no header name`, 'write a name, such as X-Real-IP, or remove the key')
    : parseEditedHeaderName(text);
}

/** RFC 9110 §5.5, without the obsolete bytes: visible ASCII, spaces and tabs inside. */
export function parseHeaderValue(text: string): Result<string, ErrorDetail> {
  if (/[\r\n]/.test(text))
    return reject('a header value is one line', 'use a list of values under "add" for several lines');
  if (!/^[\t\x20-\x7e]*$/.test(text))
    return reject('a header value has characters outside of visible ASCII', 'percent-encode them');
  if (text.trim() !== text) return reject('a header value has spaces at its end, which are not kept', 'remove them');
  return succeed(text);
}

const commonMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
]);

/** RFC 9110 §9.1: methods are case-sensitive, and all that are registered are in capitals. */
export function parseMethod(text: string): Result<string, ErrorDetail> {
  if (commonMethods.has(text)) return succeed(text);
  const capitals = text.toUpperCase();
  if (commonMethods.has(capitals))
    return reject(`methods are case-sensitive, and ${quoted(text)} is none`, `write ${capitals}`);
  if (capitals === 'CONNECT') return reject('CONNECT is not offered, so no route can match it');
  if (text === '*')
    return reject('"*" is not needed: a route without methods matches every method', 'remove the key "methods"');
  if (isSwitchWord(text))
    return reject(`${quoted(text)} is no method`, 'write methods as a list, such as [GET, HEAD], or remove the key');
  if (!isToken(text)) return reject(`${quoted(text)} is not a method`, 'write methods as a list, such as [GET, HEAD]');
  return succeed(text);
}
