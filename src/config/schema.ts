import * as z from 'zod';
import { alertDefaults } from './alert-defaults.ts';
import { alerts } from './alerts-schema.ts';
import { defaults } from './defaults.ts';
import { parseNameServer } from './format/address.ts';
import { parseLoneHeaderName } from '../schema/format/field.ts';
import { parseHostPattern } from './format/host-pattern.ts';
import { parseNetwork } from '../schema/format/network.ts';
import {
  duration,
  durationOrNone,
  name,
  parsed,
  pathOrNone,
  sizeFrom,
  whole,
  size,
  sizeOrNone,
} from '../schema/leaves.ts';
import { headerKeysOfFile } from './headers-schema.ts';
import { log } from './log-schema.ts';
import { otlp } from './otlp-schema.ts';
import { store } from './store-schema.ts';
import { buffer, commitDelay, disclosure, errorPages, route, timeouts, websocket } from './route-schema.ts';
import { fileFeatureKeys, topFeatureKeys } from '../features/keys.ts';
import { key, section } from '../schema/section.ts';
import { listenAddress, adminTls, listener } from './listener-schema.ts';
import { upstream } from './upstream-schema.ts';
import { application } from './application-schema.ts';
import { adminRoles } from '../core/admin-roles.ts';
import { parseTokenHash } from './format/token-hash.ts';
import { hide } from '../schema/schema-parts.ts';

/** What `client` of `candor.yaml` may hold: the limits towards clients. */

const client = section({
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

/**
 * What may be written in `candor.yaml`. Shapes only: whether names lead somewhere is `review.ts`, and what
 * is made of it is `build.ts`. Descriptions and defaults here are what editors show and the documentation says.
 */

const workers = z.union([
  z.enum(['auto']),
  whole(1, 256),
  section({
    count: key(
      z.union([z.enum(['auto']), whole(1, 256)]),
      'How many threads serve; `auto` is one for each core that the process may use.',
      defaults.workers.count,
    ),
    memory_max: key(
      sizeFrom({
        written: '64MiB',
        why: 'a worker that serves nobody has some 20 MiB already, and one with too little room refuses everybody, or takes the process with it',
      }),
      'What one of them may hold in memory, 64 MiB at least. Near it new requests get a 503 (`shed`); one that passes it is replaced.',
      defaults.workers.memoryMax,
    ),
    delay_max: key(
      durationOrNone,
      'How late one of them may be with its work. After a second in which it always was, it refuses requests that have waited for longer with a 503 (`shed`), until it is in time: those with `priority: low` first, then `normal`, then `high`, and never those of `readiness`. `none`: it refuses none for that.',
      defaults.workers.delayMax,
    ),
  }),
]);

const drain = section({
  timeout: key(
    duration,
    'How long requests under way may take when the gateway stops, a listener goes, or an instance is replaced; then the gateway closes them by force (`drained`).',
    defaults.drain.timeout,
  ),
  lame_duck: key(
    durationOrNone,
    'How long the gateway goes on serving after it was asked to stop, not ready any more and ending each connection with its next response, so that load balancers before it turn elsewhere, or `none`.',
    defaults.drain.lameDuck,
  ),
  tunnels: key(
    z.enum(['wait', 'end']),
    '`wait`: tunnels (WebSockets) may last as long as requests; `end`: they end when the listeners close, or an instance begins to be replaced. WebSockets get a close frame first.',
    defaults.drain.tunnels,
  ),
});

const networks = z.array(parsed(parseNetwork, { kind: 'network', examples: ['10.0.0.0/8'] }));

const dns = section({
  servers: key(
    z.array(parsed(parseNameServer, { kind: 'address', examples: ['10.0.0.2', '127.0.0.1:5353'] })),
    'Name servers to ask, in place of those of the system. Only the hosts file and `localhost` come before them.',
    defaults.dns.servers,
  ),
  allow: key(
    networks,
    'Networks that names may lead to although `deny` has them, or although no application lives there: loopback (unless the hosts file says so), link-local, metadata, multicast and reserved addresses.',
    defaults.dns.allow,
  ),
  deny: key(networks, 'Networks that names may not lead to.', defaults.dns.deny),
});

const hash = hide(parsed(parseTokenHash, { kind: 'hash', examples: [`sha256:${'0'.repeat(64)}`] }), 'hash');

/** A token as its hash, or with its role. */
const adminToken = z.union([
  hash.transform((one) => ({ hash: one, role: undefined })),
  section({
    hash: hash.meta({ description: 'The hash that `candor token` prints.' }),
    role: key(
      hide(z.enum(adminRoles), 'hash'),
      'What its holder may do: `read` only what changes nothing, `operate` everything.',
      defaults.adminRole,
    ),
  }),
]);

/** The whole file. */
export const file = section({
  deployment: key(name, 'The name of this deployment in Proxy-Status and Via.', defaults.deployment),
  member: key(name, 'The name of this gateway among those of the deployment.', defaults.member),
  listeners: key(z.record(name, listener), 'Where clients connect, by name.', defaults.listeners),
  trusted_peers: key(
    z.array(parsed(parseNetwork, { kind: 'network', examples: ['10.0.0.0/8'] })),
    'Networks of the proxies before this one, whose word on client address, scheme and request id is taken.',
    defaults.trustedPeers,
  ),
  client_address_header: key(
    parsed(parseLoneHeaderName, { kind: 'header name', examples: ['CF-Connecting-IP', 'X-Real-IP'] }),
    'The header in which the trusted peers name the client, with one address in it; then no other header does.',
    defaults.clientAddressHeader,
  ),
  client: key(client, 'Limits towards clients.'),
  workers: key(workers, 'Threads that serve: how many, or number and memory.', defaults.workers.count),
  drain: key(drain, 'How the gateway, a listener or an instance ends while requests are under way.'),
  state: key(
    pathOrNone,
    'The folder for what a later process has to know: who serves, and which instances run. `none` keeps nothing.',
    defaults.state,
  ),
  timeouts: key(timeouts, 'Limits towards applications, for every route that does not say otherwise.'),
  websocket: key(websocket, 'WebSockets and other tunnels, for every route that does not say otherwise.'),
  commit_delay: key(
    commitDelay,
    'How long an answer is held back at most, so that one that breaks can still be tried again or become a 502; `none` passes everything on at once.',
    defaults.commitDelay,
  ),
  buffer: key(
    buffer,
    'How much of a body waits in the gateway, so that a slow client holds no connection to an application; or `none`.',
  ),
  ...headerKeysOfFile,
  ...fileFeatureKeys,
  ...topFeatureKeys,
  upstreams: key(z.record(name, upstream), 'Applications that run elsewhere, by name.'),
  applications: key(
    z.record(name, application),
    'Applications that Candor runs, by name; each is an upstream of that name.',
  ),
  routes: key(
    z.array(route),
    'Which request goes where; the first that matches is taken. May be left out where there is one upstream or application.',
  ),
  error_pages: key(errorPages, 'HTML files for failures, by status or `default`.', defaults.errorPages),
  disclosure: key(
    disclosure,
    'What strangers are told of a failure: its type, or endpoint and detail too (`operator`).',
    defaults.disclosure,
  ),
  dns: key(dns, 'How the names of endpoints are looked up, and where they may lead.'),
  admin: key(
    section({
      socket: key(pathOrNone, 'The unix socket of the control plane, or `none`.', defaults.adminSocket),
      listen: key(
        listenAddress,
        'Address and port of the control plane over TCP; only with `tokens`.',
        defaults.adminListen,
      ),
      tls: key(adminTls, 'TLS at that address, with this certificate. Absent: connections are in clear text.'),
      tokens: key(
        z.record(name, adminToken),
        'Who may use it over TCP, by name: the hash that `candor token` prints, alone or with a role.',
        defaults.adminTokens,
      ),
      hosts: key(
        z.array(parsed(parseHostPattern, { kind: 'host' })),
        'Names by which it may be asked over TCP, beside `localhost` and the address that it listens on.',
        defaults.adminHosts,
      ),
    }),
    'How `candor status` and its like reach the gateway.',
  ),
  log: key(log, 'What is remembered of exchanges.'),
  store: key(
    store,
    'Which exchanges are stored for searches (`candor logs`); `none`: no exchange is stored.',
    defaults.store.store,
  ),
  alerts: key(alerts, 'Who is told of incidents, certificates, disks and objectives, and how.', alertDefaults.absent),
  otlp: key(
    otlp,
    'The OpenTelemetry collector that gets spans, records and metrics; `none`: nothing is exported.',
    defaults.otlp.otlp,
  ),
});

export type FileRead = z.output<typeof file>;
