import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';
import { reject } from '../../schema/error-detail.ts';

/** A URL that messages are sent to. It may be a secret: no error repeats it. */
export function parseServiceUrl(text: string): Result<string, ErrorDetail> {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    return reject(
      'this is no URL that begins with https:// or http://',
      'write the whole URL, as the service shows it',
    );
  if (url.username !== '' || url.password !== '')
    return reject('the URL has a user or a password', 'name a `token_file` in their place');
  if (url.hash !== '') return reject('what follows "#" is not sent', 'remove it');
  return succeed(url.href);
}

export interface MailServer {
  readonly host: string;
  /** Null: the usual one. */
  readonly port: number | null;
}

/** `smtp.example.org`, `smtp.example.org:587`, `[::1]:25`. */
export function parseMailServer(text: string): Result<MailServer, ErrorDetail> {
  const match = /^(?:\[([\da-f:.]+)\]|([a-z\d](?:[a-z\d.-]*[a-z\d])?))(?::(\d{1,5}))?$/i.exec(text);
  const port = match?.[3] === undefined ? null : Number(match[3]);
  if (match === null || port === 0 || (port ?? 1) > 65_535)
    return reject('this is no address of a mail server', 'write host and port, such as smtp.example.org:587');
  return succeed({ host: (match[1] ?? match[2]) as string, port });
}

/** An address of mail, also in a network without public names. */
export function parseRecipient(text: string): Result<string, ErrorDetail> {
  if (/^[^\s@<>(),:;"\\[\]]{1,64}@[a-z\d](?:[a-z\d.-]{0,251}[a-z\d])?$/i.test(text)) return succeed(text);
  return reject('this is no mail address', 'write one such as ops@example.org');
}
