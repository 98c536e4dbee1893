import type { ClientLimits } from '../src/core/listener-spec.ts';
import type { RouteSpec } from '../src/core/route-spec.ts';
import type { EndpointId, RouteId, UpstreamId } from '../src/core/endpoint.ts';
import type { UpstreamSnapshot } from '../src/core/snapshot.ts';

/** The request of a browser. */
export const requestBytes: Buffer = Buffer.from(
  [
    'GET /articles/latest?page=2 HTTP/1.1',
    'Host: www.example.org',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
    'Accept-Language: en-US,en;q=0.5',
    'Accept-Encoding: gzip, deflate, br',
    'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=1',
    'Referer: https://www.example.org/some/page?with=query',
    'Cache-Control: no-cache',
    'Upgrade-Insecure-Requests: 1',
    'Sec-Fetch-Dest: document',
    'Sec-Fetch-Mode: navigate',
    'Connection: keep-alive',
    '',
    '',
  ].join('\r\n'),
);

/** A small response of nginx. */
export const responseBytes: Buffer = Buffer.from(
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 09:00:00 GMT\r\nContent-Type: text/plain\r\n' +
    'Content-Length: 44\r\nConnection: keep-alive\r\n\r\nhello, this is a small answer of the origin\n',
);

const unedited = { remove: [], set: [], add: [] };

export const benchRoute: RouteSpec = {
  id: 'all' as RouteId,
  match: { hosts: [], pathPrefix: '/', methods: [] },
  action: { kind: 'upstream', upstream: 'api' as UpstreamId },
  rewrite: { pathPrefix: null, host: 'client' },
  requestHeaders: unedited,
  responseHeaders: unedited,
  timeouts: { dnsMs: 5000, connectMs: 5000, tlsMs: 5000, responseHeadMs: 60_000, idleMs: 60_000, exchangeMs: null },
  tunnel: { idleMs: 3_600_000, pingMs: null },
  commitDelayMs: 50,
  buffer: { requestBytesMax: 65_536, requestWaitMs: 50, responseBytesMax: 262_144 },
  errorPages: {},
  disclosure: 'public',
};

export const benchUpstream: UpstreamSnapshot = {
  id: 'api' as UpstreamId,
  application: null,
  tls: null,
  idleConnectionsMax: 64,
  idleConnectionMs: 60_000,
  connectionReuse: 'always',
  connectionsMax: 1024,
  queueMax: 64,
  queueMs: 2000,
  attemptsMax: 2,
  responseHeadBytesMax: 65_536,
  endpoints: [
    {
      id: 'api/127.0.0.1:3000' as EndpointId,
      address: { kind: 'tcp', host: '127.0.0.1', port: 3000 },
      state: 'healthy',
      reason: 'accepts connections',
      sinceInstant: 0,
      checks: { nextInstant: 5000, everyMs: 5000, passesNeeded: 0 },
      release: null,
      exit: null,
    },
  ],
};

/** The defaults of the configuration, except that one client may open more connections. */
export const benchLimits: ClientLimits = {
  headMs: 5000,
  bodyMs: 5000,
  keepAliveMs: 75_000,
  writeMs: 5000,
  headBytesMax: 32_768,
  headersMax: 128,
  targetBytesMax: 16_384,
  bodyBytesMax: null,
  connectionsMax: 10_000,
  connectionsPerAddressMax: null,
  handshakesPerSecondMax: null,
  ipv6PrefixBits: 64,
  pipelinedMax: 16,
  headRateMin: 0,
  bodyRateMin: 0,
  writeRateMin: 0,
  rateGraceMs: 10_000,
  bufferBytesMax: 134_217_728,
};
