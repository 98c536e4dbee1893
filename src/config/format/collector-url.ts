import type { Result } from '#failures/result.ts';
import { shownUrl } from '../../core/shown-url.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';
import { quoted, reject } from '../../schema/error-detail.ts';

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
