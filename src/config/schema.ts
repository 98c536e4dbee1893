/**
 * What may be written in `candor.yaml`. Shapes only: whether names lead somewhere is `review.ts`, and what
 * is made of it is `build.ts`. Descriptions and defaults here are what editors show and the documentation says.
 */
import { logFormatNames } from '../core/log-formats.ts';
import { balancerWords, namedBalancers } from '../core/named-balancers.ts';
import * as z from 'zod';
import { alertDefaults } from './alert-defaults.ts';
import { alerts } from './alerts-schema.ts';
import { automaticTls } from './automatic-tls-schema.ts';
import { concurrency } from './concurrency-schema.ts';
import { adminToken } from './admin-token-schema.ts';
import { balance, endpoints, whenNoneReady } from './balance-schema.ts';
import { check } from './check-schema.ts';
import { client } from './client-schema.ts';
import { defaults } from './defaults.ts';
import { parseListenAddress, parseNameServer } from './format/address.ts';
import { splitCommandLine } from './format/command-line.ts';
import { parseFieldName, parseLoneFieldName } from './format/field.ts';
import { parseHostPattern } from './format/host-pattern.ts';
import { parseNetwork } from './format/network.ts';
import { parseCheckPath } from './format/path-prefix.ts';
import {
  ageOrNone,
  duration,
  durationOrNone,
  name,
  oneOrMany,
  parsed,
  path,
  pathOrNone,
  size,
  sizeFrom,
  sizeFromOrNone,
  text,
  textOf,
  whole,
} from './leaves.ts';
import { circuitBreaker, outlierDetection } from './outlier-schema.ts';
import { otlp } from './otlp-schema.ts';
import { store } from './store-schema.ts';
import { buffer, commitDelay, disclosure, errorPages, route, timeouts, websocket } from './route-schema.ts';
import { retry } from './retry-schema.ts';
import { key, section } from './section.ts';
import { drainSignal } from './drain-schema.ts';
import { sticky } from './sticky-schema.ts';

const listenAddress = z.union([
  parsed(parseListenAddress, { kind: 'address', examples: [':8080', 'localhost:8080'] }),
  whole(0, 65_535),
]);

const certificateFiles = {
  certificate_file: path.meta({ description: 'A certificate in PEM, followed by its intermediate certificates.' }),
  key_file: path.meta({ description: 'The private key of that certificate, in PEM, without a passphrase.' }),
};

const tlsVersions = {
  version_min: key(
    z.enum(['1.2', '1.3']),
    'The oldest version of TLS that is accepted.',
    defaults.listenerTls.versionMin,
  ),
  profile: key(
    z.enum(['intermediate', 'modern']),
    "Mozilla's profile: `intermediate` accepts TLS 1.2 with ciphers that are still secure; `modern` is TLS 1.3 alone.",
    defaults.listenerTls.profile,
  ),
};

const adminTls = section({ ...certificateFiles, ...tlsVersions });

const listenerTls = section({
  certificates: key(
    z.array(section(certificateFiles)).min(1),
    'Certificates from files. A client gets the one that has the host name that it asks for (SNI), a client that asks for none the first one.',
  ),
  auto: key(
    automaticTls,
    '`true`, or how to obtain certificates automatically (ACME) for the hosts that `certificates` do not have.',
    defaults.listenerTls.auto,
  ),
  internal: key(
    z.boolean(),
    'Certificates from a CA of this gateway, for development: see `candor trust`.',
    defaults.listenerTls.internal,
  ),
  unknown_names: key(
    z.enum(['refuse', 'first']),
    'What clients get that ask for a host name which no certificate has: `refuse` ends the handshake with the alert `unrecognized_name`; `first` shows them the first certificate.',
    defaults.listenerTls.unknownNames,
  ),
  ...tlsVersions,
  redirect_http: key(
    z.union([z.boolean(), whole(1, 65_535)]),
    'Whether requests in clear text for a host of these certificates are redirected to this listener (308), or the port at which clients reach it where that is another one than in `bind`. Routes with `readiness` are not redirected, nor is a host before its certificate has been obtained.',
    defaults.listenerTls.redirectHttp,
  ),
  hsts: key(
    ageOrNone,
    'How long browsers that were here use TLS alone for the host (Strict-Transport-Security), such as `365d`, or `none`.',
    defaults.listenerTls.hsts,
  ),
  client_certificates: key(
    section({
      ca_file: oneOrMany(path).meta({
        description: 'Files of the certificate authorities, in PEM, whose certificates clients may show.',
      }),
      required: key(
        z.boolean(),
        'Whether clients without a certificate are refused. With `false` applications see whether there is one.',
        defaults.listenerTls.clientCertificateRequired,
      ),
    }),
    'Clients are asked for a certificate.',
  ),
});

const listener = z.union([
  listenAddress,
  section({
    bind: listenAddress.meta({
      description: 'Address and port, such as `localhost:8080`; `:8080` is every IPv4 address, `[::]:8080` IPv6 too.',
    }),
    proxy_protocol: key(
      z.boolean(),
      'Connections begin with a PROXY protocol header, which trusted peers alone may send.',
      defaults.proxyProtocol,
    ),
    http2: key(
      z.boolean(),
      'Whether clients may speak HTTP/2: as TLS clients choose (ALPN), and in clear text where they know it beforehand. `false`: HTTP/1.1 alone.',
      defaults.http2,
    ),
    tls: key(
      z.union([z.enum(['auto', 'internal']), listenerTls]),
      '`auto`: TLS with certificates that are obtained automatically; `internal`: with those of a CA of this gateway, for development; or how to speak TLS. Absent: connections are in clear text.',
    ),
  }),
]);

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
    '`wait`: tunnels (WebSockets) may last as long as requests; `end`: they end when the listeners close. WebSockets get a close frame first.',
    defaults.drain.tunnels,
  ),
});

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
    key_file: key(path, 'The private key of that certificate, in PEM, without a passphrase.'),
  }),
]);

const endpointKeys = {
  connections: key(
    section({
      max: key(
        whole(1, 100_000),
        'Connections to each endpoint, idle ones included, of all workers together.',
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
  concurrency: key(
    concurrency,
    'How many requests may be in flight at all endpoints together; others wait for their turn. A number, or with a queue.',
  ),
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
  slow_start: key(
    durationOrNone,
    'For how long an endpoint that became ready gets a part of its share only, which grows from a tenth to the whole, or `none`. Endpoints that became ready at the same time share as always.',
    defaults.slowStart,
  ),
  sticky: key(
    sticky,
    '`true`, or how clients stay at the endpoint that answered them first: a signed cookie names it, without its address. If that endpoint is not ready, another one gets the request, and the session.',
    defaults.stickyAbsent,
  ),
  when_none_ready: key(
    whenNoneReady,
    'What a request does while no endpoint is ready, and one is starting or was ready within the last 30 s. It is answered at once if the program of an instance starts again only after the wait.',
  ),
  outlier_detection: key(
    outlierDetection,
    'When an endpoint whose checks pass gets no requests because its requests fail, or `none`: only checks decide.',
  ),
  circuit_breaker: key(
    circuitBreaker,
    'Whether an endpoint whose requests fail gets none for a short time even if it is the last one, or too many others are ejected: the answer is then a 503 (`circuit_open`) at once. `true`, or for how long.',
    defaults.outlierDetection.breaker,
  ),
  drain_signal: key(
    drainSignal,
    'Whether an endpoint may say that it wants no new requests: by a header of its responses, also those to checks, or by its health document.',
    defaults.drainSignal.absent,
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

const readiness = z.union([
  parsed(parseCheckPath, { kind: 'path' }),
  section({
    path: key(
      parsed(parseCheckPath, { kind: 'path' }),
      'Asked for by GET; a status from 200 to 299 passes.',
      defaults.readiness.path,
    ),
    interval: key(duration, 'Between two checks.', defaults.readiness.interval),
    timeout: key(duration, 'For one check; a timeout is never readiness.', defaults.readiness.timeout),
    passes: key(whole(1, 100), 'How many in a row make an instance ready.', defaults.readiness.passes),
    start_timeout: key(
      duration,
      'For the first readiness after a start; then it is reported.',
      defaults.readiness.startTimeout,
    ),
  }),
]);

export const application = section({
  command: z.union([parsed(splitCommandLine, { kind: 'command line' }), z.array(text).min(1)]).meta({
    description: 'Program and arguments, as one line or a list. No shell runs.',
    examples: ['node server.js'],
  }),
  directory: key(path, 'Where it runs, from the folder of this file.', defaults.application.directory),
  environment: key(
    z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    'Variables for it, beside those that Candor itself was given.',
  ),
  instances: key(whole(1, 256), 'How many run side by side.', defaults.application.instances),
  port: key(
    z.union([z.enum(['free']), whole(1, 65_535)]),
    'Where it listens, told by PORT; `free` finds one for each instance.',
    defaults.application.port,
  ),
  readiness: key(
    readiness,
    'The path to ask, or how to find out that an instance is ready. Nothing is sent to it before.',
    defaults.readiness.path,
  ),
  http2: key(
    z.boolean(),
    'Whether HTTP/2 is spoken with it, in clear text (h2c), also by the readiness check. Upgrades (WebSockets) still go over HTTP/1.1. gRPC needs it.',
    defaults.application.http2,
  ),
  stop_timeout: key(duration, 'Between SIGTERM and SIGKILL.', defaults.application.stopTimeout),
  restart: key(
    section({
      first_delay: key(
        duration,
        'Before the first restart; each further one waits up to twice as long.',
        defaults.restart.firstDelay,
      ),
      max_delay: key(
        duration,
        'The longest wait of an instance that ends at each start. One that was ready for a second waits 1 s at most (or `first_delay` where that is longer).',
        defaults.restart.maxDelay,
      ),
      reset_after: key(duration, 'Running this long makes the next restart a first one.', defaults.restart.resetAfter),
    }),
    'How soon an instance that ended is started again.',
  ),
  ...endpointKeys,
});

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
    parsed(parseLoneFieldName, { kind: 'header name', examples: ['CF-Connecting-IP', 'X-Real-IP'] }),
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
  retry: key(
    retry,
    'How exchanges are retried, for every route that does not say otherwise. Without it, a request that may have been executed is retried only if its method is idempotent, and once, as `attempts` of its upstream or application counts.',
  ),
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
  log: key(
    section({
      path: key(pathOrNone, 'The exchange log: a file, `-` for standard output, or `none`.', defaults.logPath),
      rotate_at: key(
        sizeFromOrNone({
          written: '1MiB',
          why: 'that is some 3,000 exchanges, and a smaller file would be rotated again and again',
        }),
        'The size at which the file is rotated: renamed, and a new one begun. 1 MiB at least, or `none`.',
        defaults.logRotateAt,
      ),
      keep: key(whole(1, 1000), 'How many rotated files are kept.', defaults.logKeep),
      compress: key(
        z.enum(['zstd', 'gzip', 'none']),
        'How rotated files are compressed, all but the newest, in the background.',
        defaults.logCompress,
      ),
      query_allowed: key(
        z.array(text),
        'Names of query values that may be kept; every other is redacted.',
        defaults.queryAllowed,
      ),
      secret_headers: key(
        z.array(text),
        'Further names whose values never reach records and events, wherever a text has them as `name: value` or `name=value`.',
        defaults.secretFields,
      ),
      headers: key(
        z.array(parsed(parseFieldName, { kind: 'header name', examples: ['user-agent', 'referer'] })),
        'Request headers that are recorded, such as `user-agent`; `referer` without its query.',
        defaults.logHeaders,
      ),
      detail: key(
        z.enum(['brief', 'full']),
        'What is recorded of a success: `full` as much as of a failure, each step and the local port.',
        defaults.logDetail,
      ),
      format: key(
        z.enum(logFormatNames),
        "`json`: records; `combined`: Apache's format for programs that read nothing else, without causes.",
        defaults.logFormat,
      ),
    }),
    'What is remembered of exchanges.',
  ),
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
export type UpstreamRead = z.output<typeof upstream>;
export type ApplicationRead = z.output<typeof application>;
export type ListenerRead = z.output<typeof listener>;
export type AdminTlsRead = z.output<typeof adminTls>;
export type ListenerTlsRead = z.output<typeof listenerTls>;
export type EndpointKeysRead = Pick<
  ApplicationRead,
  | 'connections'
  | 'attempts'
  | 'balance'
  | 'slow_start'
  | 'sticky'
  | 'concurrency'
  | 'when_none_ready'
  | 'outlier_detection'
  | 'circuit_breaker'
  | 'drain_signal'
  | 'response_head_max'
  | 'logs'
>;
