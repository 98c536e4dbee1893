import { defaultBalancer } from '../core/named-balancers.ts';
import { declare, describe } from '../schema/default.ts';

/** What holds where the file is silent. The gateway, the JSON Schema and `docs/reference.md` all take it from here. */
export const defaults = {
  deployment: describe('the host name', 'RFC 9209 wants a name that tells operators where a failure was made.'),
  member: describe('the host name', 'It tells several gateways of one deployment apart.'),
  listeners: declare('{ http: ":8080" }', 'Needs no privilege, and is where people look first.'),
  proxyProtocol: declare(
    'false',
    'Believing a header that nobody was told to send would let clients choose their address.',
  ),
  http2: declare(
    'true',
    'Browsers send all their requests over one connection. Clients that do not ask for it get HTTP/1.1.',
  ),
  protocol: declare('http1', 'Nearly all applications speak it.'),
  upstreamHttp2: declare(
    'false',
    'In clear text an endpoint that speaks HTTP/1.1 alone would answer no request; and where client and endpoint are near each other, HTTP/1.1 costs both less.',
  ),
  upstreamProxyProtocol: declare('none', 'An endpoint that expects no such header refuses every request behind it.'),
  logs: declare('[]', 'What an application prints is read anyway; which files it writes only you know.'),
  listenerTls: {
    auto: declare('false', 'Obtaining certificates agrees to the terms of a CA.'),
    internal: declare('false', 'Only clients that were told to trust its certificates.'),
    unknownNames: declare('refuse', 'A certificate for another name is an error in every client, told less clearly.'),
    versionMin: declare('"1.2"', 'RFC 8996 forbids earlier versions; clients without TLS 1.3 are still in use.'),
    profile: declare(
      'intermediate',
      'All browsers since 2014 can connect, none with a cipher that is known to be weak.',
    ),
    redirectHttp: declare('true', 'Whoever has a certificate for a host wants it used.'),
    hsts: declare('none', 'Browsers remember it: a host cannot go back to clear text before the time is over.'),
    clientCertificateRequired: declare('true', 'Who asks for certificates rarely wants to serve clients without one.'),
  },
  automaticTls: {
    contact: declare('[]', 'The account works without one; the certificates are watched here.'),
    directory: declare('production', 'Browsers trust its certificates.'),
    fallback: declare('[]', 'Another CA has terms of its own, to which only you can agree.'),
    caFile: declare('[]', 'Public CAs need none.'),
    hosts: describe('the hosts of all routes', 'They are written once.'),
    challenges: describe(
      '`http-01` and `tls-alpn-01`, the one whose port a listener has first; `tls-alpn-01` alone without a listener in clear text, and `dns-01` alone with `dns_hook`',
      'What reaches this gateway without further settings.',
    ),
    onDemandAllow: declare('[]', 'Each name is a certificate that a stranger can cause.'),
    propagationTimeout: declare(
      '2m',
      'Providers take seconds to a minute; a CA that looks too early counts a failure.',
    ),
  },
  trustedPeers: declare('[]', 'A client can write X-Forwarded-For as well as a proxy can.'),
  clientAddressHeader: describe(
    '`X-Forwarded-For`, and `Forwarded` where that is missing',
    "Most gateways write these two; a header of one provider may be a stranger's behind any other.",
  ),
  disclosure: declare('public', 'Addresses and error details help attackers as much as operators.'),
  securityHeaders: declare('none', 'Some break pages that need what they forbid.'),
  errorPages: declare('{}', 'The built-in page says what happened and what the visitor can do.'),

  client: {
    headTimeout: declare('30s', 'A head is one or two packets; only a slow or hostile client needs longer.'),
    bodyTimeout: declare(
      '60s',
      'Between two pieces of an upload; a phone that changes networks is silent for some ten seconds.',
    ),
    keepAlive: declare(
      '75s',
      'Longer than the 60 s of the usual load balancers, so that they close first and no request meets a closing connection.',
    ),
    writeTimeout: declare(
      '60s',
      'A client that takes nothing for a minute is gone, and holds a connection to the application.',
    ),
    headMax: declare(
      '32KiB',
      'Room for the largest cookies that browsers keep for a site; more is an attack or a loop.',
    ),
    headersMax: declare(
      '128',
      'Browsers send 12 to 25, and a chain of proxies adds ten; each costs work before anything is known of the request.',
    ),
    targetMax: declare('16KiB', 'RFC 9112 §3 asks for at least 8000 bytes; searches with many filters need more.'),
    contentMax: declare('none', 'Content is streamed and never kept; the application knows what it can take.'),
    connectionsMax: declare(
      '10000',
      'At rest they take 40 KiB each at most, together 400 MiB, and more while they are busy (docs/limits.md). More of them should be a decision.',
    ),
    connectionsPerAddressMax: declare(
      '1000',
      'An office or a mobile network behind one address, and no more than a tenth of all; slow clients hold no connections to applications while their bodies fit into `buffer`.',
    ),
    tlsHandshakeRateMax: declare(
      '200',
      'A thousand at once and no wait for an office that opens its browsers, or for the checks of a load balancer; 200 a second take a tenth of a core, the share of a flood.',
    ),
    ipv6Prefix: declare('64', 'What one customer gets at least; whoever has it may use every address of it.'),
    pipelinedMax: declare('16', 'Few clients pipeline, and who does waits for answers; more is work for nobody.'),
    headRateMin: declare(
      '200B',
      'A telephone line of 1990 sends ten times as much; whoever sends less wants to hold a place.',
    ),
    bodyRateMin: declare('200B', 'An upload that comes slower holds a connection to the application for nothing.'),
    writeRateMin: declare('200B', 'A reader that takes less holds a connection to the application for nothing.'),
    rateGrace: declare('10s', 'A phone that changes networks is silent for some seconds.'),
    bufferMax: declare(
      '128MiB',
      'Room for 500 clients that read 256 KiB each slowly; an eighth of `workers.memory_max`.',
    ),
  },

  workers: {
    count: declare('auto', 'One thread serves on one core; `candor run` and small machines lose nothing by it.'),
    memoryMax: declare(
      '1GiB',
      'Room for 25,000 connections at rest, or 1,900 that all stream at once (docs/limits.md).',
    ),
    delayMax: declare(
      '500ms',
      'A worker is that late for a second only with far more requests than it can serve, or on a machine without processor time; then each request waits for as long.',
    ),
  },

  timeouts: {
    dns: declare('5s', 'Room for four repetitions of a datagram that was lost; what takes longer is an outage.'),
    connect: declare('5s', 'Survives two lost packets: TCP repeats after 1 s and 3 s.'),
    tls: declare('10s', 'A handshake is two round trips and a signature; a busy machine may need seconds.'),
    responseHead: declare(
      '60s',
      'People have given up by then, and reports that take longer should say so in their route.',
    ),
    idle: declare('60s', 'Between two bytes of a message; a stream that rests longer should send something.'),
    exchange: declare(
      'none',
      'Downloads and event streams last as long as they last; the other limits catch what is stuck.',
    ),
  },

  websocket: {
    idleTimeout: declare(
      '1h',
      'A chat may be silent for long, and the gateway does not know its protocol; after an hour the tunnel is most likely forgotten, and it holds a connection on both sides.',
    ),
    ping: declare(
      'none',
      'Applications and their libraries mostly ping by themselves, and each ping wakes the radio of a phone; 30s is right where nothing else does.',
    ),
  },

  commitDelay: declare(
    '50ms',
    'Nobody notices it, and most answers that break do so within it; each costs up to 64 KiB while it waits.',
  ),

  buffer: {
    request: declare('64KiB', 'Nearly all forms and API calls are smaller.'),
    requestWait: declare(
      '50ms',
      'A body that is sent at once has come by then, and nobody notices that a stream begins so much later.',
    ),
    response: declare('256KiB', 'Nine pages of ten are smaller, and so are most scripts and pictures of a page.'),
  },

  family: declare(
    'prefer_ipv4',
    'Behind a gateway are mostly private networks, where IPv4 is what works; an IPv6 address without a route costs 250 ms with each connection.',
  ),
  dns: {
    servers: declare('[]', 'Those of the system (`/etc/resolv.conf`), with its search domains.'),
    allow: declare('[]', 'A name server is not to decide that a request goes to what only this machine may reach.'),
    deny: declare('[]', 'Private networks are where applications live.'),
  },

  check: {
    expectStatus: declare('2xx', 'A redirect leads to a page that was not looked at.'),
    kind: declare('tcp', 'Nothing is known of the application but that something must listen.'),
    interval: declare(
      '5s',
      'An endpoint that died without a trace is noticed by the third failed check, within 11 s: a failed one is repeated after half of it. One that refused a connection is checked at once, and every 250 ms while it is not healthy, so that it serves within a second of being back.',
    ),
    timeout: declare('2s', 'A health page that needs longer is not healthy.'),
    passes: declare(
      '2',
      'One pass may be luck. After refused connections one is enough: that something listens again is no luck.',
    ),
    fails: declare(
      '3',
      'One lost check is not an outage. Of refused connections two are enough, of which one may be that of a request.',
    ),
  },

  balance: declare(
    defaultBalancer,
    'Nearly as even as asking all endpoints, without sending all workers to the same one; it needs no measurement.',
  ),
  endpointWeight: declare('1', 'Endpoints are alike unless someone says otherwise.'),
  endpointPriority: declare('0', 'All endpoints serve; a spare one is a decision.'),

  whenNoneReady: {
    wait: declare('5s', 'Most applications restart within that; a client that waits notices nothing but the time.'),
    then: declare(
      'fail',
      'A check that fails is usually right, and a 503 at once is better than a request that hangs.',
    ),
    waitMax: declare(
      '512',
      'A hundred requests a second for five seconds; those that a ready endpoint has no room for go on waiting.',
    ),
  },

  connections: {
    reuse: declare(
      'always',
      'Applications of your own answer what they were asked, and a new connection for each request costs more than the request.',
    ),
    requestsMax: declare(
      'none',
      'Over HTTP/1.1 `max` bounds them; over HTTP/2 only the operator knows what the application bears.',
    ),
    max: declare('256', 'More waiting requests than this make an application slower, not faster.'),
    idleMax: declare(
      '256',
      'As many as may be open: with fewer, every burst opens new ones (64 clients over 32 kept: for one exchange in four).',
    ),
    idleTimeout: declare(
      '4s',
      'Node closes after 5 s by default; who keeps a connection longer than its peer meets resets.',
    ),
    queueMax: declare('64', 'A burst of a moment waits; a longer queue only makes everybody late.'),
    queueTimeout: declare(
      '2s',
      'A place that has not come free by then will not: better a clear answer than a late one.',
    ),
  },
  attempts: declare('2', 'One repetition gets past a connection that just closed; more would multiply an outage.'),
  responseHeadMax: declare('64KiB', 'Twice what clients may send, since applications set many cookies at once.'),
  tlsVerify: declare('true', 'Encryption without verification protects from nobody who is in the middle.'),

  application: {
    directory: declare('.', 'The folder of the configuration file, so that it can be moved with the application.'),
    instances: declare('1', 'Not every application can run twice at once.'),
    port: declare(
      'free',
      'A free port for each instance, told by the variable PORT; two releases can then run side by side.',
    ),
    http2: declare('false', 'Most applications speak HTTP/1.1 alone, and would answer no request.'),
    stopTimeout: declare('10s', 'Time to finish what was begun; the same as most process supervisors give.'),
  },
  worker: {
    after: declare('1s', 'A program that cannot work most often ends at once.'),
    interval: declare('1s', 'While it starts; once it is ready it is looked at every 5 s.'),
    timeout: declare('5s', 'A command that hangs shows nothing.'),
    replace: declare('start_first', 'Work goes on while the new one starts.'),
  },
  readiness: {
    path: declare('/', 'Every application has a first page.'),
    tcp: declare('false', 'A program that accepts connections may not answer requests yet.'),
    interval: declare(
      '250ms',
      'While an instance starts. After its first pass the others follow at 50 ms, so that a ready one does not wait; later it is asked when its traffic fails or falls silent, and at a path other than / every 10 s.',
    ),
    timeout: declare('1s', 'A timeout is never readiness; an instance that needs longer is not ready for visitors.'),
    passes: declare('3', 'Some frameworks answer once and then load the rest.'),
    startTimeout: declare('60s', 'Large applications need half a minute; after this it is reported, and checked on.'),
  },
  restart: {
    firstDelay: declare('250ms', 'A crash by chance should cost little.'),
    maxDelay: declare('30s', 'A crash at each start should not fill the log, nor wait for minutes once mended.'),
    resetAfter: declare('60s', 'An instance that ran for a minute did start well.'),
  },

  route: {
    path: declare('/', 'Everything.'),
    host: declare('[]', 'Any host.'),
    methods: declare('[]', 'Any method.'),
    rewriteHost: declare('client', 'Applications build links and check origins with the host that the visitor used.'),
  },

  drain: {
    timeout: declare(
      '10s',
      'Most requests end within a second; a download may take its time, but no release and no restart waits for ever.',
    ),
    lameDuck: declare(
      'none',
      'Only a load balancer before the gateway needs it; twice the interval of its checks is right.',
    ),
    tunnels: declare('wait', 'Whoever works in one may come to an end of it; most would only connect again.'),
  },

  state: describe(
    '$STATE_DIRECTORY, or .candor beside the file; none for candor run',
    'Where the service manager keeps what must outlive a restart, else where the file is.',
  ),

  adminSocket: describe(
    '$RUNTIME_DIRECTORY/<deployment>.sock, $XDG_RUNTIME_DIR/candor/<deployment>.sock, or candor.sock beside the file',
    'The first that the environment offers and that is short enough: run-time folders are private and emptied at restart.',
  ),
  adminListen: describe('not over TCP', 'The socket needs no token and no port, and strangers cannot reach it.'),
  adminTokens: declare('{}', 'Nobody is trusted who was not named.'),
  adminRole: declare('operate', 'Most tokens are of people and programs that change something.'),
  adminHosts: declare(
    '[]',
    'A page of somebody else that leads a name of its own here (DNS rebinding) asks by that name.',
  ),
  logRotateAt: declare('100MiB', 'Some 300,000 exchanges; a disk that fills up takes the applications with it.'),
  logKeep: declare('5', 'Compressed they take a tenth: half a million exchanges in 50 MiB.'),
  logCompress: declare('zstd', 'A third of the work of gzip, and a fifth smaller.'),
  logPath: describe(
    '$LOGS_DIRECTORY/candor.log, or candor.log beside the file',
    'Where the service manager keeps logs, else where the file is; `candor explain` finds it there.',
  ),
  syslog: {
    syslog: describe('none', 'The file has every line, and `candor explain` reads it.'),
    facility: declare('daemon', 'The gateway is one; `local0` to `local7` are for the rules of an operator.'),
    tag: declare('candor', 'By this name receivers sort their messages.'),
  },
  store: {
    store: declare('none', 'A store takes disk and processor time, which an operator is to choose.'),
    path: describe(
      'the folder `store` in $STATE_DIRECTORY, or candor-store beside the file',
      'Where the service manager keeps what outlives a restart, else where the file is.',
    ),
    keepAge: declare('7d', 'Who looks for a failure has usually heard of it within a week.'),
    keepSize: declare('1GiB', 'Some five million successes, or a million failures.'),
    successesPerSecond: declare(
      '200',
      'Enough to see what is usual, at a tenth of the disk and processor time of all; each says how many it stands for.',
    ),
    slow: declare('1s', 'People notice that they wait.'),
  },
  otlp: {
    otlp: declare('none', 'Only an operator knows whether there is a collector.'),
    format: declare('protobuf', 'Every collector reads it, and it takes half of the bytes.'),
    headers: declare('{}', 'A collector of your own rarely wants any.'),
    headerFiles: declare('{}', 'A collector of your own rarely wants any.'),
    compression: declare(
      'none',
      'The collector is usually on the same machine, where bytes cost less than processor time.',
    ),
    timeout: declare('10s', 'What the specification of OpenTelemetry says.'),
    resource: declare('{}', 'The deployment, the member and the version are known.'),
    share: declare('100%', 'One setting less until there is a trace to see; lower it where there is much traffic.'),
    logs: declare('failed', 'Each success is a span already; what fails is what people look for.'),
    interval: declare('60s', 'What the specification of OpenTelemetry says.'),
  },
  secretHeaders: declare(
    '[]',
    'Those that everybody uses are known: Authorization, Cookie, Set-Cookie, X-Api-Key and the like.',
  ),
  logHeaders: declare('[]', 'They name people and their machines, and double the length of a line.'),
  logDetail: declare(
    'brief',
    'Steps that took less than a millisecond explain nothing, and make a line half as long again.',
  ),
  logFormat: declare('json', 'It has the cause; `candor explain` and the recipes read it.'),
  queryAllowed: declare('[]', 'Query values hold tokens and names more often than one thinks; all are redacted.'),
} as const;
