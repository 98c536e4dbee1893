/** What `client` of `candor.yaml` may hold: the limits towards clients. */
import * as z from 'zod';
import { defaults } from './defaults.ts';
import { duration, size, sizeOrNone, whole } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';

export const client = section({
  head_timeout: key(duration, 'For a whole request head, from its first byte (408).', defaults.client.headTimeout),
  body_timeout: key(
    duration,
    'Between bytes of a request body (408). Once the response has begun, only if the length of the body is known: a stream may be silent then, until `timeouts.idle` ends its response.',
    defaults.client.bodyTimeout,
  ),
  keep_alive: key(
    duration,
    'Between requests on one connection; then the gateway closes it.',
    defaults.client.keepAlive,
  ),
  write_timeout: key(duration, 'Between two reads of a response by the client.', defaults.client.writeTimeout),
  head_max: key(size, 'The largest request head (431).', defaults.client.headMax),
  headers_max: key(whole(1, 10_000), 'How many headers a request may have (431).', defaults.client.headersMax),
  target_max: key(size, 'The longest request target (414).', defaults.client.targetMax),
  body_max: key(sizeOrNone, 'The largest request body (413), or `none`.', defaults.client.contentMax),
  connections_max: key(
    whole(1, 1_000_000),
    'How many client connections may be open at once, in all workers together.',
    defaults.client.connectionsMax,
  ),
  connections_per_address_max: key(
    z.union([whole(1, 1_000_000), z.enum(['none'])]),
    'How many of them may come from one address, trusted peers apart, or `none`.',
    defaults.client.connectionsPerAddressMax,
  ),
  tls_handshake_rate_max: key(
    z.union([whole(1, 1_000_000), z.enum(['none'])]),
    'How many TLS handshakes a second one address may begin in each worker, trusted peers apart, or `none`. As many as in five seconds may come at once; the next ones wait for up to half of `head_timeout`.',
    defaults.client.tlsHandshakeRateMax,
  ),
  ipv6_prefix: key(
    whole(16, 128),
    'How many leading bits of an IPv6 address count as one address.',
    defaults.client.ipv6Prefix,
  ),
  pipelined_max: key(
    whole(0, 1000),
    'How many requests a connection may send ahead of their answers; then it is read no further.',
    defaults.client.pipelinedMax,
  ),
  head_rate_min: key(
    sizeOrNone,
    'The minimum rate of a request head, in bytes per second after `rate_grace` (408), or `none`.',
    defaults.client.headRateMin,
  ),
  body_rate_min: key(
    sizeOrNone,
    'The minimum rate of a request body, in bytes per second, while the gateway waits for it (408), or `none`.',
    defaults.client.bodyRateMin,
  ),
  write_rate_min: key(
    sizeOrNone,
    'The minimum rate at which a client reads a response, in bytes per second while bytes wait for it, or `none`.',
    defaults.client.writeRateMin,
  ),
  rate_grace: key(duration, 'How long a client may be slower than these rates.', defaults.client.rateGrace),
  buffer_max: key(
    size,
    'What the buffers of all requests and responses (`buffer`) take together in each worker; then bodies are passed on as they come.',
    defaults.client.bufferMax,
  ),
});
