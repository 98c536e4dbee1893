import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../finding.ts';
import { assertSurvives } from '../mutated-lines.test-support.ts';
import { traefikDialects } from './traefik.ts';

function read(line: string): Finding | null {
  const dialect = traefikDialects.find((one) => one.recognise(line) === 2);
  return dialect?.open().read(line) ?? null;
}

interface Common {
  readonly request?: string;
  readonly router?: string;
  readonly server?: string;
  readonly ms?: number;
}

function common(statusAndSize: string, rest: Common = {}): string {
  const {
    request = 'GET /cart?id=1 HTTP/1.1',
    router = '"app@docker"',
    server = '"http://172.18.0.5:8080"',
    ms = 12,
  } = rest;
  return `192.0.2.7 - - [21/Sep/2026:10:00:00 +0000] "${request}" ${statusAndSize} "-" "curl/8.5.0" 42 ${router} ${server} ${ms}ms`;
}

function json(fields: Record<string, unknown>): string {
  return JSON.stringify({
    ClientHost: '192.0.2.7',
    Duration: 12_000_000,
    OriginDuration: 11_000_000,
    RequestCount: 42,
    RequestMethod: 'GET',
    RequestPath: '/cart',
    RouterName: 'app@docker',
    ServiceURL: 'http://172.18.0.5:8080',
    StartUTC: '2026-09-21T10:00:00.25Z',
    level: 'info',
    msg: '',
    time: '2026-09-21T10:00:00Z',
    ...fields,
  });
}

const older = (text: string): string => `time="2026-09-21T10:00:00Z" level=debug msg=${JSON.stringify(text)}`;
const newer = (text: string, error: string): string =>
  `2026-09-21T10:00:00Z DBG github.com/traefik/traefik/v3/pkg/proxy/httputil/proxy.go:121 > ${text} error=${JSON.stringify(error)}`;

type Row = readonly [line: string, kind: Finding['kind'], shape: Finding['shape'], type: Finding['type']];

const table: Record<string, Row> = {
  'no failure': [common('200 512'), 'access', 'none', null],
  'a 502 of Traefik': [common('502 11'), 'access', 'unknown', null],
  'a 502 of the application': [common('502 173'), 'access', 'app_error', null],
  'a 502 of a HEAD, which has no size': [common('502 0', { request: 'HEAD / HTTP/1.1' }), 'access', 'unknown', null],
  'a 504 of Traefik': [common('504 15', { ms: 6003 }), 'access', 'unknown', null],
  'a 504 after the dial timeout': [common('504 15', { ms: 30_001 }), 'access', 'unreachable', 'connection_timeout'],
  'a 500 of Traefik, or of a framework': [common('500 21'), 'access', 'unknown', null],
  'a 500 of the application': [common('500 2048'), 'access', 'app_error', null],
  'a 503 of the application': [common('503 40'), 'access', 'app_error', null],
  'no server': [common('503 20', { server: '"-"' }), 'access', 'refused_by_gateway', 'destination_unavailable'],
  'an open circuit breaker': [
    common('503 19', { server: '"-"' }),
    'access',
    'refused_by_gateway',
    'destination_unavailable',
  ],
  'no router': [
    common('404 19', { router: '"-"', server: '"-"' }),
    'access',
    'refused_by_gateway',
    'destination_not_found',
  ],
  'a 404 of the application': [common('404 19'), 'access', 'none', null],
  'a rate limit': [common('429 17', { server: '"-"' }), 'access', 'refused_by_gateway', 'http_request_denied'],
  'a 429 of the application': [common('429 17'), 'access', 'none', null],
  'a middleware that failed': [common('500 21', { server: '"-"' }), 'access', 'refused_by_gateway', null],
  'a client that left': [common('499 21'), 'access', 'client_abort', 'http_request_error'],
  'a path with a quotation mark': [common('502 11', { request: 'GET /a" HTTP/1.1' }), 'access', 'unknown', null],
  'the fields of version 1': [
    common('502 11', { router: '"frontend"', server: '"http://10.0.0.5:80"' }),
    'access',
    'unknown',
    null,
  ],
  'JSON: all is well': [json({ DownstreamStatus: 200, OriginStatus: 200 }), 'access', 'none', null],
  'JSON: a 502 of Traefik': [
    json({ DownstreamStatus: 502, OriginStatus: 502, DownstreamContentSize: 11, OriginContentSize: 11 }),
    'access',
    'unknown',
    null,
  ],
  'JSON: a 502 of Traefik behind an error page': [
    json({ DownstreamStatus: 502, OriginStatus: 502, DownstreamContentSize: 900, OriginContentSize: 11 }),
    'access',
    'unknown',
    null,
  ],
  'JSON: a 500 of the application': [
    json({ DownstreamStatus: 500, OriginStatus: 500, DownstreamContentSize: 21, 'origin_Content-Type': 'text/html' }),
    'access',
    'app_error',
    null,
  ],
  'JSON: the dial timeout': [
    json({ DownstreamStatus: 504, OriginStatus: 504, DownstreamContentSize: 15, Duration: 30_001_000_000 }),
    'access',
    'unreachable',
    'connection_timeout',
  ],
  'JSON: the URL in its parts': [
    json({ DownstreamStatus: 502, DownstreamContentSize: 11, ServiceURL: { Scheme: 'http', Host: '172.18.0.5:8080' } }),
    'access',
    'unknown',
    null,
  ],
  'JSON: no server': [
    json({ DownstreamStatus: 503, DownstreamContentSize: 20, ServiceURL: undefined, OriginDuration: 0 }),
    'access',
    'refused_by_gateway',
    'destination_unavailable',
  ],
  'versions 1 and 2: refused': [
    older("'502 Bad Gateway' caused by: dial tcp 172.18.0.5:8080: connect: connection refused"),
    'error',
    'unreachable',
    'connection_refused',
  ],
  'versions 1 and 2: a dial timeout is a 504': [
    older("'504 Gateway Timeout' caused by: dial tcp 172.18.0.5:8080: i/o timeout"),
    'error',
    'unreachable',
    'connection_timeout',
  ],
  'versions 1 and 2: a slow head': [
    older("'504 Gateway Timeout' caused by: net/http: timeout awaiting response headers"),
    'error',
    'too_slow',
    'http_response_timeout',
  ],
  'versions 1 and 2: closed': [older("'502 Bad Gateway' caused by: EOF"), 'error', 'reset', 'connection_terminated'],
  'versions 1 and 2: a client that left': [
    older("'499 Client Closed Request' caused by: context canceled"),
    'error',
    'client_abort',
    'http_request_error',
  ],
  'versions 1 and 2: a client that left, as a 502': [
    older("'502 Bad Gateway' caused by: readfrom tcp 10.0.0.9:4000->10.0.0.5:80: client disconnected"),
    'error',
    'client_abort',
    'http_request_error',
  ],
  'versions 1 and 2: garbage is a 500': [
    older(
      `'500 Internal Server Error' caused by: net/http: HTTP/1.x transport connection broken: malformed HTTP response "hello"`,
    ),
    'error',
    'garbage',
    'http_protocol_error',
  ],
  'versions 1 and 2: plain HTTP sent to a TLS port': [
    older(`'500 Internal Server Error' caused by: malformed HTTP response "\\x15\\x03\\x01\\x00\\x02\\x02"`),
    'error',
    'garbage',
    'http_protocol_error',
  ],
  'versions 1 and 2: an unknown cause': [
    older("'500 Internal Server Error' caused by: the moon is in the way"),
    'error',
    'unknown',
    null,
  ],
  'version 3: refused': [
    newer('502 Bad Gateway', 'dial tcp 172.18.0.5:8080: connect: connection refused'),
    'error',
    'unreachable',
    'connection_refused',
  ],
  'version 3 in colours': [
    '\x1b[90m2026-09-21T10:00:00Z\x1b[0m \x1b[31mERR\x1b[0m \x1b[1mgithub.com/traefik/traefik/v3/pkg/proxy/httputil/proxy.go:118\x1b[0m\x1b[36m >\x1b[0m 500 Internal Server Error \x1b[36merror=\x1b[0m\x1b[31m"tls: failed to verify certificate: x509: certificate signed by unknown authority"\x1b[0m',
    'error',
    'unreachable',
    'tls_certificate_error',
  ],
  'version 3: JSON': [
    '{"level":"debug","error":"dial tcp: lookup app on 127.0.0.11:53: no such host","time":"2026-09-21T10:00:00Z","message":"502 Bad Gateway"}',
    'error',
    'unreachable',
    'dns_error',
  ],
  'version 3: a TCP router': [
    '2026-09-21T10:00:00Z ERR github.com/traefik/traefik/v3/pkg/tcp/proxy.go:82 > Error while dialing backend error="dial tcp 10.0.0.5:5432: connect: connection refused"',
    'error',
    'unreachable',
    'connection_refused',
  ],
  'version 3: an answer that broke off': [
    '2026-09-21T10:00:00Z DBG log/log.go:245 > httputil: ReverseProxy read error during body copy: unexpected EOF entryPointName=web',
    'error',
    'reset',
    'http_response_incomplete',
  ],
  'a failed health check': [
    'time="2026-09-21T10:00:00Z" level=warning msg="Health check failed, removing from server list. Backend: \\"app@docker\\" URL: \\"http://172.18.0.5:8080\\" Weight: 1 Reason: HTTP request failed"',
    'event',
    'none',
    null,
  ],
  'a message about Traefik itself': [
    'time="2026-09-21T10:00:00Z" level=info msg="Starting provider *docker.Provider" providerName=docker',
    'event',
    'none',
    null,
  ],
  'a scanner': [older('http: TLS handshake error from 192.0.2.1:4000: EOF traefik'), 'error', 'client_abort', null],
};

for (const [name, [line, kind, shape, type]] of Object.entries(table)) {
  test(`Traefik's log reports: ${name}`, () => {
    const finding = read(line);
    assert.ok(finding !== null);
    assert.deepEqual([finding.kind, finding.shape, finding.type], [kind, shape, type]);
    assert.ok(finding.atMs !== null);
    if (shape !== 'none') assert.ok(finding.evidence.length > 0 && finding.sentence !== '');
    if (!['none', 'app_error', 'client_abort'].includes(shape)) assert.ok(finding.fix !== null);
  });
}

test('every fact that the line names is in the finding', () => {
  const finding = read(common('502 11'));
  assert.equal(finding?.atMs, Date.UTC(2026, 8, 21, 10));
  assert.equal(finding?.status, 502);
  assert.equal(finding?.request, 'GET /cart?id=1');
  assert.equal(finding?.upstream, 'http://172.18.0.5:8080');
  assert.equal(finding?.durationMs, 12);
  assert.match(finding?.fix?.snippet ?? '', /level: DEBUG/);
});

test('lines of other programs are not recognised', () => {
  const others = [
    '',
    '{}',
    '192.0.2.7 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" 502 157 "-" "curl/8.5.0"',
    '192.0.2.7 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" 502 157 "-" "curl/8.5.0" 12ms',
    '{"level":"error","time":"2026-09-21T10:00:00Z","msg":"the database is away"}',
    'hello',
  ];
  for (const line of others)
    assert.ok(
      traefikDialects.every((dialect) => dialect.recognise(line) === 0),
      line,
    );
  const ofAnother = 'time="2026-09-21T10:00:00Z" level=error msg="retrying"';
  assert.deepEqual(
    traefikDialects.map((dialect) => dialect.recognise(ofAnother)),
    [0, 0, 1],
  );
});

test('broken lines are read without an exception', () => {
  const lines = Object.values(table).map(([line]) => line);
  assertSurvives(traefikDialects, lines, 500);
});
