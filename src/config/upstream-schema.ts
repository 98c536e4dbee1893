/** What may be written about upstreams: where their endpoints are, and how the gateway uses them. */
import { endpointProtocols } from '../core/upstream-spec.ts';
import { balancerWords, namedBalancers } from '../core/named-balancers.ts';
import * as z from 'zod';
import { upstreamFeatureKeys } from '../features/keys.ts';
import { balance, endpoints, whenNoneReady } from './balance-schema.ts';
import { check } from './check-schema.ts';
import { defaults } from './defaults.ts';
import { duration, oneOrMany, path, size, textOf, whole } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import { hide } from '../schema/schema-parts.ts';

const tls = z.union([
  z.boolean(),
  section({
    server_name: key(
      textOf('name', 'write the name that stands in the certificate, or remove the key'),
      'The name that is asked for (SNI) and must stand in the certificate.',
    ),
    verify: key(z.boolean(), 'Whether the certificate must be valid.', defaults.tlsVerify),
    ca_file: key(oneOrMany(path), 'Files of certificate authorities in PEM, instead of those of the system.'),
    certificate_file: key(
      path,
      'The certificate that the gateway shows to endpoints that ask who it is, in PEM, with its intermediate ones after it.',
    ),
    key_file: key(hide(path, 'file', 'key'), 'The private key of that certificate, in PEM, without a passphrase.'),
  }),
]);

export const endpointKeys = {
  protocol: key(
    z.enum(endpointProtocols),
    'What is spoken with the endpoints. `fastcgi`: with php-fpm and other FastCGI servers, over TCP or a unix socket (docs/php.md). `http2` is the same as `http2: true`.',
    defaults.protocol,
  ),
  connections: key(
    section({
      max: key(
        whole(1, 100_000),
        'Connections to each endpoint, idle ones included, of all workers together, besides those with tunnels and streams of events. While several client addresses use it, one of them gets three quarters (docs/limits.md).',
        defaults.connections.max,
      ),
      requests_max: key(
        z.union([whole(1, 1_000_000), z.enum(['none'])]),
        'Requests in flight at each endpoint, of all workers together, whichever protocol carries them; others wait as for a connection. Or `none`.',
        defaults.connections.requestsMax,
      ),
      idle_max: key(whole(0, 100_000), 'How many of them each worker may keep idle.', defaults.connections.idleMax),
      idle_timeout: key(duration, 'How long an idle one is kept.', defaults.connections.idleTimeout),
      reuse: key(
        z.enum(['always', 'after_check', 'never']),
        'Whether a connection that has served a request may serve another one. `after_check`: only if the system says, right before, that nothing has come on it. For endpoints that are not trusted: `never`.',
        defaults.connections.reuse,
      ),
      queue_max: key(
        whole(0, 100_000),
        'How many requests may wait for a connection to an endpoint, or for their turn, in all workers together; one more is a 503 (`pool_full`).',
        defaults.connections.queueMax,
      ),
      queue_timeout: key(
        duration,
        'How long a request may wait there; then it is a 503 (`queue_timeout`).',
        defaults.connections.queueTimeout,
      ),
    }),
    'Connections towards the endpoints.',
  ),
  ...upstreamFeatureKeys,
  attempts: key(
    whole(1, 10),
    'How often an exchange is tried, the first time included. A request that may have been executed is repeated only if its method is idempotent, and once; while nothing has been sent, up to two more endpoints are asked. Where requests wait for an endpoint (`when_none_ready`), a used connection and the fresh one after it that this endpoint closed before a response count as one attempt: its process was ending.',
    defaults.attempts,
  ),
  balance: key(
    balance,
    `How an endpoint is picked for each request. ${balancerWords.map((word) => `\`${word}\`: ${namedBalancers[word].how}; `).join('')}\`{ hash: … }\`: by a part of the request. Each leaves out endpoints that are not ready.`,
    defaults.balance,
  ),
  when_none_ready: key(
    whenNoneReady,
    'What a request does while no endpoint is ready, and one is starting or was ready within the last 30 s. A request is answered at once if it is known that no endpoint can be ready before the wait is over, such as where each program starts again only later.',
  ),
  logs: key(
    z.array(path).max(16),
    'Files that the application writes, from the folder of this file, followed from their end on for the `store`: `candor logs` shows their lines beside its output.',
    defaults.logs,
  ),
  response_head_max: key(size, 'The largest response head; a larger one is a 502.', defaults.responseHeadMax),
};

export const upstream = z.union([
  endpoints,
  section({
    endpoints: endpoints.meta({
      description:
        'Where the application listens: `host:port`, `unix:/path`, `https://host`, or a list of them. An entry of the list can be `{ address, weight, priority }`.',
    }),
    tls: key(tls, '`true`, or how to speak TLS to the endpoints. `https://` endpoints mean `true`.'),
    proxy_protocol: key(
      z.enum(['v1', 'v2', 'none']),
      'Connections to the endpoints begin with a PROXY protocol header of this version, which names the client. A connection then carries requests of that client alone.',
      defaults.upstreamProxyProtocol,
    ),
    http2: key(
      z.boolean(),
      'Whether HTTP/2 is spoken with the endpoints: within TLS with those that choose it (ALPN), in clear text with all (h2c). Health checks do the same. Upgrades (WebSockets) still go over HTTP/1.1. gRPC needs it.',
      defaults.upstreamHttp2,
    ),
    family: key(
      z.enum(['ipv4', 'ipv6', 'prefer_ipv4', 'prefer_ipv6']),
      'Which addresses of endpoints that are names are used. A preferred family has 250 ms before the other one is tried beside it.',
      defaults.family,
    ),
    check: key(
      check,
      '`tcp`, `none`, a path to ask for, or how to check that an endpoint is healthy.',
      defaults.check.kind,
    ),
    ...endpointKeys,
  }),
]);

export type UpstreamRead = z.output<typeof upstream>;
