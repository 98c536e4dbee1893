import { type Result, succeed } from '#failures/result.ts';
import { type ErrorDetail, reject, quoted } from '../../schema/error-detail.ts';
import { shownUrl } from '../../core/shown-url.ts';

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

/** The port on which collectors take OTLP over gRPC. */
const grpcPort = '4317';

/** The URL of a collector, before `/v1/traces` and the like; without the slash at its end. */
export function parseCollectorUrl(text: string): Result<string, ErrorDetail> {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    const host = /^[\w.-]+(?::\d+)?$/.exec(text)?.[0];
    return reject(
      `${quoted(text)} is no URL`,
      `write ${host === undefined ? 'one such as http://127.0.0.1:4318' : `http://${host.replace(/:4317$/, ':4318')}`}`,
    );
  }
  if (url.username !== '' || url.password !== '')
    return reject('the URL of a collector has no user and no password', 'write them into a header, below "headers"');
  if (url.search !== '' || url.hash !== '')
    return reject('the URL of a collector ends with its path', 'remove what follows "?" or "#"');
  if (/\/v1\/(?:traces|logs|metrics)\/?$/.test(url.pathname))
    return reject(
      'the gateway adds "/v1/traces" and the like itself',
      `write ${shownUrl(text.replace(/\/v1\/\w+\/?$/, '').replace(/:4317$/, ':4318'))}`,
    );
  if (url.port === grpcPort)
    return reject(
      `port ${grpcPort} is OTLP over gRPC, and the gateway speaks OTLP over HTTP`,
      `write ${shownUrl(text.replace(`:${grpcPort}`, ':4318'))}`,
    );
  return succeed(url.href.replace(/\/+$/, ''));
}
