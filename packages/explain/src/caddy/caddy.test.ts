import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../finding.ts';
import { assertSurvives } from '../mutated-lines.test-support.ts';
import { caddyDialects } from './caddy.ts';

function read(line: string): Finding | null {
  const dialect = caddyDialects.find((one) => one.recognise(line) === 2);
  return dialect?.open().read(line) ?? null;
}

const request =
  '"request":{"remote_ip":"192.0.2.7","remote_port":"40452","client_ip":"192.0.2.7","proto":"HTTP/1.1","method":"GET","host":"shop.test","uri":"/cart?id=1","headers":{"User-Agent":["curl/8.5.0"]}}';
const oldRequest =
  '"request":{"remote_addr":"192.0.2.7:40452","proto":"HTTP/2.0","method":"POST","host":"shop.test","uri":"/pay","headers":{}}';

function errorLine(text: string, status = 502, trace = 'reverseproxy.statusError (reverseproxy.go:1299)'): string {
  return `{"level":"error","ts":1790000000.25,"logger":"http.log.error","msg":${JSON.stringify(text)},${request},"duration":0.0024,"status":${status},"err_id":"2d274zhqu","err_trace":"${trace}"}`;
}

function accessLine(status: number, responseFields: string, level = 'error'): string {
  return `{"level":"${level}","ts":1790000000.25,"logger":"http.log.access.log0","msg":"handled request",${request},"bytes_read":0,"user_id":"","duration":0.5,"size":0,"status":${status},"resp_headers":{${responseFields}}}`;
}

function handlerLine(text: string, error: string, rest = ''): string {
  return `{"level":"warn","ts":1790000000.25,"logger":"http.handlers.reverse_proxy","msg":"${text}",${rest}"error":${JSON.stringify(error)}}`;
}

type Row = readonly [line: string, kind: Finding['kind'], shape: Finding['shape'], type: Finding['type']];

const table: Record<string, Row> = {
  refused: [
    errorLine('dial tcp 127.0.0.1:8080: connect: connection refused'),
    'error',
    'unreachable',
    'connection_refused',
  ],
  'a connect timeout that is a 502': [
    errorLine('dial tcp 10.0.0.5:80: i/o timeout'),
    'error',
    'unreachable',
    'connection_timeout',
  ],
  'an unknown name': [errorLine('dial tcp: lookup app: no such host'), 'error', 'unreachable', 'dns_error'],
  'a missing socket': [
    errorLine('dial unix /run/app.sock: connect: no such file or directory'),
    'error',
    'unreachable',
    'connection_refused',
  ],
  'a closed connection': [errorLine('EOF'), 'error', 'reset', 'connection_terminated'],
  'a slow head': [
    errorLine('net/http: timeout awaiting response headers', 504),
    'error',
    'too_slow',
    'http_response_timeout',
  ],
  'a response that is not HTTP': [
    errorLine('net/http: HTTP/1.x transport connection broken: malformed HTTP response "hello"'),
    'error',
    'garbage',
    'http_protocol_error',
  ],
  'an untrusted certificate': [
    errorLine('tls: failed to verify certificate: x509: certificate signed by unknown authority'),
    'error',
    'unreachable',
    'tls_certificate_error',
  ],
  'no upstream available': [
    errorLine('no upstreams available', 503, 'reverseproxy.(*Handler).proxyLoopIteration (reverseproxy.go:500)'),
    'error',
    'refused_by_gateway',
    'destination_unavailable',
  ],
  'a client that left': [errorLine('context canceled', 499), 'error', 'client_abort', 'http_request_error'],
  'an unknown text': [errorLine('the moon is in the way'), 'error', 'unknown', null],
  'another part of Caddy': [
    errorLine('open /srv/x: permission denied', 500, 'fileserver.(*FileServer).openFile (staticfiles.go:700)'),
    'error',
    'refused_by_gateway',
    'proxy_internal_error',
  ],
  'a missing file': [
    errorLine('HTTP 404', 404, 'fileserver.(*FileServer).notFound (staticfiles.go:705)'),
    'error',
    'none',
    null,
  ],
  'the form of version 2.4': [
    `{"level":"error","ts":1641801941.15,"logger":"http.log.error.log0","msg":"dial tcp 127.0.0.1:8080: connect: connection refused",${oldRequest},"duration":0.0008,"status":502,"err_id":"s4vqh6b5b","err_trace":"reverseproxy.statusError (reverseproxy.go:886)"}`,
    'error',
    'unreachable',
    'connection_refused',
  ],
  'the console': [
    `2026/05/21 09:58:05.456\tERROR\thttp.log.error\tdial tcp 127.0.0.1:2021: connect: connection refused\t{${request}, "duration": 0.0024, "status": 502, "err_id": "2d274zhqu", "err_trace": "reverseproxy.statusError (reverseproxy.go:1299)"}`,
    'error',
    'unreachable',
    'connection_refused',
  ],
  'the console in colours': [
    `2026/05/21 09:58:05.456\t\x1b[31mERROR\x1b[0m\thttp.log.error\tEOF\t{${request}, "duration": 0.0024, "status": 502}`,
    'error',
    'reset',
    'connection_terminated',
  ],
  'the console with its tabs lost': [
    `2026/05/21 09:58:05.456 ERROR   http.log.error  no upstreams available  {${request}, "status": 503}`,
    'error',
    'refused_by_gateway',
    'destination_unavailable',
  ],
  'a response that broke off': [
    handlerLine('aborting with incomplete response', 'reading: unexpected EOF'),
    'error',
    'reset',
    'http_response_incomplete',
  ],
  'a response that broke off, version 2.6': [
    handlerLine('reading from backend', 'read tcp 10.0.0.9:4000->10.0.0.5:80: read: connection reset by peer'),
    'error',
    'reset',
    'http_response_incomplete',
  ],
  'a client that left in the middle': [
    handlerLine('aborting with incomplete response', 'reading: context canceled'),
    'error',
    'client_abort',
    'http_request_error',
  ],
  'a client that could not be written to': [
    handlerLine(
      'aborting with incomplete response',
      'writing: write tcp 10.0.0.9:443->192.0.2.7:40452: write: broken pipe',
    ),
    'error',
    'client_abort',
    'http_request_error',
  ],
  'an attempt in the debug log': [
    handlerLine('upstream roundtrip', 'dial tcp 10.0.0.5:80: i/o timeout', '"upstream":"app:80","duration":3.0,'),
    'error',
    'unreachable',
    'connection_timeout',
  ],
  'a health check': [
    '{"level":"info","ts":1790000000.25,"logger":"http.handlers.reverse_proxy.health_checker.active","msg":"HTTP request failed","host":"app:80","error":"Get \\"http://app:80/health\\": dial tcp 10.0.0.5:80: connect: connection refused"}',
    'event',
    'none',
    null,
  ],
  'a message about Caddy itself': [
    '{"level":"info","ts":1790000000.25,"logger":"tls.cache.maintenance","msg":"started background certificate maintenance"}',
    'event',
    'none',
    null,
  ],
  'a scanner': [
    '{"level":"debug","ts":1790000000.25,"logger":"http.stdlib","msg":"http: TLS handshake error from 192.0.2.1:4000: EOF"}',
    'error',
    'client_abort',
    null,
  ],
  'a successful access': [accessLine(200, '"Server":["Caddy"]', 'info'), 'access', 'none', null],
  'a 502 without a cause': [
    accessLine(502, '"Server":["Caddy"],"Alt-Svc":["h3=\\":443\\""]'),
    'access',
    'unknown',
    null,
  ],
  'a 500 of the application, known by Via': [
    accessLine(500, '"Server":["Caddy"],"Via":["1.1 Caddy"]'),
    'access',
    'app_error',
    null,
  ],
  'a 500 of the application, known by Date': [
    accessLine(500, '"Server":["Caddy"],"Date":["Mon, 21 Sep 2026 10:00:00 GMT"]'),
    'access',
    'app_error',
    null,
  ],
  'a 503 of the application, known by its Server': [
    accessLine(503, '"Server":["Caddy","gunicorn"]'),
    'access',
    'app_error',
    null,
  ],
  'a 500 of the application, known by its type': [
    accessLine(500, '"Server":["Caddy"],"Content-Type":["application/json"]'),
    'access',
    'app_error',
    null,
  ],
  'a 503 with only headers that Caddy is configured to add': [
    accessLine(503, '"Server":["Caddy"],"Strict-Transport-Security":["max-age=63072000"]'),
    'access',
    'unknown',
    null,
  ],
  'an access whose client left': [
    accessLine(499, '"Server":["Caddy"]'),
    'access',
    'client_abort',
    'http_request_error',
  ],
  'version 1': [
    '21/Sep/2026:10:00:00 +0000 [ERROR 502 /cart] dial tcp 127.0.0.1:8080: connect: connection refused',
    'error',
    'unreachable',
    'connection_refused',
  ],
  'version 1 without hosts': [
    '21/Sep/2026:10:00:00 +0000 [ERROR 502 /cart] no hosts available upstream',
    'error',
    'refused_by_gateway',
    'destination_unavailable',
  ],
};

for (const [name, [line, kind, shape, type]] of Object.entries(table)) {
  test(`Caddy's log reports: ${name}`, () => {
    const finding = read(line);
    assert.ok(finding !== null);
    assert.deepEqual([finding.kind, finding.shape, finding.type], [kind, shape, type]);
    if (shape !== 'none') assert.ok(finding.evidence.length > 0 && finding.sentence !== '');
    if (!['none', 'app_error', 'client_abort'].includes(shape)) assert.ok(finding.fix !== null);
    if (finding.fix?.snippet) assert.doesNotMatch(finding.fix.snippet, /\t{2}.*\t{3}/);
  });
}

test('every fact that the line names is in the finding', () => {
  const finding = read(errorLine('dial tcp 127.0.0.1:8080: connect: connection refused'));
  assert.equal(finding?.atMs, 1790000000250);
  assert.equal(finding?.status, 502);
  assert.equal(finding?.request, 'GET /cart?id=1');
  assert.equal(finding?.upstream, '127.0.0.1:8080');
  assert.equal(finding?.durationMs, 2.4);
  assert.equal(finding?.born, 'reverse-proxy');
  assert.equal(finding?.stage, 'connect');
});

test('the error line of a failure and its access line are one failure', () => {
  const failure = read(errorLine('EOF'));
  assert.notEqual(failure?.joins, null);
  assert.equal(failure?.joins, read(accessLine(502, '"Server":["Caddy"]'))?.joins);
});

test('lines of other programs are not recognised', () => {
  for (const line of [
    '',
    '{',
    '{}',
    '{"level":30,"time":1,"msg":"x"}',
    '2026/05/21 09:58:05 [error] 1#1: *1 x',
    'hello',
  ])
    assert.ok(
      caddyDialects.every((dialect) => dialect.recognise(line) === 0),
      line,
    );
  for (const ofAnother of [
    '{"level":"error","ts":1790000000.2,"logger":"etcd-client","msg":"retrying"}',
    '{"level":"info","ts":1790000000.2,"msg":"listening","port":3000}',
    '{"level":"warn","ts":"2026-05-21T09:58:05.1Z","logger":"shop","msg":"upstream answered 502"}',
    '2026-05-21T09:58:05.100Z\tINFO\tshop\tlistening\t{"port": 3000}',
    '2026-05-21T09:58:05.100Z\tERROR\tshop\trequest failed\t{"status": 502}',
  ])
    assert.ok(
      caddyDialects.every((dialect) => dialect.recognise(ofAnother) === 0 && dialect.open().read(ofAnother) === null),
      ofAnother,
    );
});

test('broken lines are read without an exception', () => {
  const lines = Object.values(table).map(([line]) => line);
  assertSurvives(caddyDialects, lines, 500);
});
