/** What may be written in a route, and for all routes at once. */
import * as z from 'zod';
import { defaults } from './defaults.ts';
import { matchKeys } from './condition-schema.ts';
import { requestHeaders, responseHeaders, securityHeaders } from './headers-schema.ts';
import { parsePathPrefix } from './format/path-prefix.ts';
import {
  encodeDetail,
  duration,
  durationOrNone,
  name,
  parsed,
  path,
  sizeOrNone,
  text,
  textOf,
} from '../schema/leaves.ts';
import { hashKey } from './balance-schema.ts';
import { routeActionKeys, routeFeatureKeys } from '../features/keys.ts';
import { quoted } from '../schema/error-detail.ts';
import { key, section } from '../schema/section.ts';

export const timeouts = section({
  dns: key(
    duration,
    'To look up the name of an endpoint. Names are looked up before anybody asks; of the routes to an upstream the shortest limit holds.',
    defaults.timeouts.dns,
  ),
  connect: key(duration, 'To open a connection to it.', defaults.timeouts.connect),
  tls: key(duration, 'For the TLS handshake.', defaults.timeouts.tls),
  response_head: key(
    duration,
    'From the end of the request until the response head is whole.',
    defaults.timeouts.responseHead,
  ),
  idle: key(
    duration,
    'Between bytes in either direction, once a message has begun. Tunnels have `websocket.idle_timeout`.',
    defaults.timeouts.idle,
  ),
  exchange: key(
    durationOrNone,
    'For the whole exchange, or `none`. A gRPC client may shorten it (`grpc-timeout`).',
    defaults.timeouts.exchange,
  ),
});

export const websocket = section({
  idle_timeout: key(
    duration,
    'How long a WebSocket, or another tunnel, may be silent in both directions; then it is closed (`tunnel_idle`). With `ping` it holds for each side: one that sends nothing for so long, pongs included, is gone.',
    defaults.websocket.idleTimeout,
  ),
  ping: key(
    durationOrNone,
    'How long a side of a WebSocket may be silent before the gateway sends it a ping, or `none`. The answer is not passed on to the other side.',
    defaults.websocket.ping,
  ),
});

export const commitDelay = durationOrNone;

/** How much of a body may wait in the gateway. */
export const buffer = z.union([
  z.literal('none'),
  section({
    request: key(
      sizeOrNone,
      'How much of a request body comes before the request gets a connection to an application; `none` passes bodies on as they come.',
      defaults.buffer.request,
    ),
    request_wait: key(
      durationOrNone,
      'How long the gateway waits for that if the length of the body is not known; `none` does not wait. gRPC and other streams are not waited for.',
      defaults.buffer.requestWait,
    ),
    response: key(
      sizeOrNone,
      'How much of a response waits for its client before the endpoint has to wait; `none` reads the endpoint as fast as the client reads.',
      defaults.buffer.response,
    ),
  }),
]);
export const errorPages = z.record(z.string(), path);
export const disclosure = z.enum(['public', 'operator']);

const weight = z.number({
  error: ({ input }) =>
    typeof input === 'string'
      ? encodeDetail({ message: `${quoted(input)} is no weight`, suggestion: 'write a number, such as 5' })
      : undefined,
});
const target = z.union([text, z.record(z.string(), weight.min(0).max(1_000_000))], {
  error: ({ input }) =>
    Array.isArray(input)
      ? encodeDetail({
          message: 'a list does not say how many requests each of them gets',
          suggestion: 'give each a weight, such as { v1: 1, v2: 1 }',
        })
      : undefined,
});

export const route = section({
  id: key(
    name,
    'Its name in logs and metrics; without it one is made of what it matches: host, path, methods, and names of headers without their values.',
  ),
  ...matchKeys,

  to: key(
    target,
    'The upstream or application that gets the requests. Several with a weight each, such as `{ v1: 95, v2: 5 }`, divide them: each request is drawn, and sent again to the same one. With 0 one gets none. While no endpoint of one is ready, the others get its requests.',
  ),
  split_by: key(
    hashKey,
    'Keeps each client at one of several in `to`: `address` of the client, `path`, or the value of a header or cookie is hashed. Requests without it are drawn. Routes with the same `to` agree.',
  ),
  ...routeActionKeys,

  rewrite: key(
    section({
      path: key(parsed(parsePathPrefix, { kind: 'path' }), 'Replaces the part of the path that `path` matched.'),
      host: key(
        textOf('host', 'write client, endpoint, or a host such as example.org'),
        '`client` keeps the Host of the client, `endpoint` sends that of the endpoint, anything else is sent as it is.',
        defaults.route.rewriteHost,
      ),
    }),
    'Changes to the request target.',
  ),
  request_headers: key(requestHeaders, 'Changes to the headers of the request, after those of the file.'),
  response_headers: key(
    responseHeaders,
    'Changes to the headers of responses, after those of the file, also of responses that the gateway makes itself. These keep their type, `Proxy-Status` and request id, and failure responses `Cache-Control: no-store`.',
  ),
  security_headers: key(
    securityHeaders,
    'Headers by which browsers protect a page, if they differ from the file: `strict`, `none`, or names with values.',
  ),
  timeouts: key(timeouts, 'Limits that differ from those of the file.'),
  websocket: key(websocket, 'Settings of WebSockets that differ from those of the file.'),
  commit_delay: key(commitDelay, 'How long an answer may be held back, if it differs from the file.'),
  buffer: key(buffer, 'How much of its bodies waits in the gateway, if it differs from the file; or `none`.'),
  ...routeFeatureKeys,
  error_pages: key(errorPages, 'HTML files for failures, by status or `default`, beside those of the file.'),
  disclosure: key(disclosure, 'What strangers are told of a failure, if it differs from the file.'),
});

export type RouteRead = z.output<typeof route>;

/** The names of what a route leads to. */
export function targetsOf({ to }: Pick<RouteRead, 'to'>): readonly string[] {
  return to === undefined ? [] : typeof to === 'string' ? [to] : Object.keys(to);
}
export type TimeoutsRead = z.output<typeof timeouts>;
export type BufferRead = z.output<typeof buffer>;
export type WebsocketRead = z.output<typeof websocket>;
