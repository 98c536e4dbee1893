import type { Dialect } from '../dialect.ts';
import { compileFormat } from './format-matcher.ts';
import { dialectOf } from './log-format.ts';
import type { NginxProduct } from './product.ts';

const combined =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

const ingressTail =
  '$request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id';

const apisix =
  '$remote_addr - $remote_user [$time_local] $http_host "$request" $status $body_bytes_sent $request_time "$http_referer" "$http_user_agent" $upstream_addr $upstream_status $upstream_response_time "$upstream_scheme://$upstream_host$upstream_uri"';

/** The format of `stream {}` in nginx's documentation. */
const stream = (protocol: string): string =>
  `$remote_addr [$time_local] ${protocol} $status $bytes_sent $bytes_received $session_time "$upstream_addr" "$upstream_bytes_sent" "$upstream_bytes_received" "$upstream_connect_time"`;

/** Default formats of each gateway, with how sure it is that a matching line is the gateway's own. */
const formats: readonly (readonly [NginxProduct, string, string, 1 | 2])[] = [
  ['ingress-nginx', 'ingress-nginx access log (upstreaminfo)', `${combined} ${ingressTail}`, 2],
  [
    'ingress-nginx',
    'ingress-nginx access log (upstreaminfo)',
    `${combined} ${ingressTail.replace(' [$proxy_alternative_upstream_name]', '')}`,
    2,
  ],
  ['apisix', 'apisix access log', apisix, 2],
  ['apisix', 'apisix access log', `${apisix} "$apisix_request_id"`, 2],
  ['kong', 'kong access log', `${combined} kong_request_id: "$kong_request_id"`, 2],
  ['nginx', 'nginx access log (stream)', stream('TCP'), 2],
  ['nginx', 'nginx access log (stream)', stream('UDP'), 2],
  ['nginx', 'nginx access log (combined)', combined, 1],
  ['nginx', 'nginx access log (main)', `${combined} "$http_x_forwarded_for"`, 1],
];

export const knownFormats: readonly Dialect[] = formats.map(([product, name, text, certainty]) =>
  dialectOf(product, name, compileFormat(text), certainty),
);
