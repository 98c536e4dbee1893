import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../../test/properties.ts';
import { unicodeText } from '../../../test/unicode-text.ts';
import { dialect } from './dialect.ts';
import { failure, testDialects } from './engine.test-support.ts';
import { explain } from './explain.ts';
import { LogExplainer } from './log-explainer.ts';

const refused =
  '2026/11/21 10:00:00 [error] 12#12: *5 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.5, server: _, request: "GET / HTTP/1.1", upstream: "http://10.0.0.1:8080/", host: "a.example"';

const wrapped: readonly (readonly [tool: string, line: string])[] = [
  ['nothing', refused],
  ['Compose', `web-1  | ${refused}`],
  ['Compose with times', `shop-web-1  | 2026-11-21T10:00:00.123456789Z ${refused}`],
  ['docker logs --timestamps', `2026-11-21T10:00:00.123456789Z ${refused}`],
  ["Docker's json-file", JSON.stringify({ log: `${refused}\n`, stream: 'stderr', time: '2026-11-21T10:00:00.1Z' })],
  ['Kubernetes', `2026-11-21T10:00:00.123456789Z stderr F ${refused}`],
  ['Kubernetes with an offset', `2026-11-21T11:00:00.123456789+01:00 stdout F ${refused}`],
  ['kubectl logs --prefix', `[pod/web-7d9f8b6c5-x2x4z/nginx] ${refused}`],
  ['syslog', `<187>Nov 21 10:00:00 edge1 nginx[12]: ${refused}`],
  ['journald', `Nov  1 10:00:00 edge1 nginx[12]: ${refused}`],
  ['journald with ISO times', `2026-11-21T10:00:00+0000 edge1 nginx[12]: ${refused}`],
  ['syslog of RFC 5424', `<187>1 2026-11-21T10:00:00.003Z edge1 nginx 12 - - ${refused}`],
  ['journalctl -o json', JSON.stringify({ MESSAGE: refused, __REALTIME_TIMESTAMP: '1795255200000000' })],
  ['syslog of RFC 5424 with a byte order mark', `<187>1 2026-11-21T10:00:00Z edge1 nginx 12 - - \ufeff${refused}`],
  ['docker service logs', `shop_web.1.k2x9m@node1    | ${refused}`],
  ["Google's log entries", JSON.stringify({ textPayload: refused, timestamp: '2026-11-21T10:00:00Z' })],
  [
    'a collector of logs',
    JSON.stringify({ '@timestamp': '2026-11-21T10:00:00Z', host: { name: 'a' }, message: refused }),
  ],
  ['grep in several files', `/var/log/nginx/error.log:${refused}`],
  ['grep -n in several files', `error.log.2.gz:117:${refused}`],
  ['colours', `\u001b[36mweb-1  | \u001b[0m${refused}`],
];

for (const [tool, line] of wrapped) {
  test(`a line is read with ${tool} around it`, () => {
    const finding = new LogExplainer().read(line);
    assert.equal(finding?.gateway, 'nginx');
    assert.equal(finding?.type, 'connection_refused');
  });
}

test("an address with a port is not taken for a file name, nor the message of another program for a gateway's line", () => {
  const cut =
    '192.0.2.7:40112 [21/Nov/2026:10:00:00.412] www app/s1 0/0/-1/-1/3 503 217 - - SC-- 3/2/1/1/3 0/0 "GET / HTTP/1.1"';
  assert.equal(new LogExplainer().read(`1 2026-11-21T10:00:00Z a b 1 - - \ufeff${cut}`)?.gateway, 'haproxy');
  const quoting = { level: 'info', message: `it said connect() failed (111: Connection refused)` };
  assert.equal(new LogExplainer().read(JSON.stringify(quoting)), null);
});

test('a line without a time gets the time of the text around it', () => {
  const timeless = dialect(
    'node',
    'test',
    (line) => (line === 'it failed' ? 2 : 0),
    () => failure({ atMs: null }),
  );
  const read = (line: string) => new LogExplainer([timeless]).read(line)?.atMs;
  assert.equal(read('it failed'), null);
  assert.equal(read('2026-11-21T10:00:00.250Z stdout F it failed'), Date.UTC(2026, 10, 21, 10) + 250);
  assert.equal(read('2026-11-21T12:00:00+02:00 it failed'), Date.UTC(2026, 10, 21, 10));
  assert.equal(read('2026-11-21T12:00:00 it failed'), null);
});

test('the surest dialect reads a line; of equally sure ones, the one that read the line before, then the first', () => {
  const says = (gateway: 'nginx' | 'apache' | 'envoy', sure: (line: string) => 0 | 1 | 2) =>
    dialect(gateway, `${gateway} test`, sure, () => failure({ gateway }));
  const explainer = new LogExplainer([
    says('nginx', (line) => (line.includes('n') ? 1 : 0)),
    says('apache', (line) => (line.includes('A') ? 2 : line.includes('a') ? 1 : 0)),
    says('envoy', (line) => (line.includes('e') ? 1 : 0)),
  ]);
  const gatewayOf = (line: string) => explainer.read(line)?.gateway;
  assert.deepEqual(['nae', 'nAe', 'nae', 'ne', 'e', 'nae', '-', 'nae'].map(gatewayOf), [
    'nginx',
    'apache',
    'apache',
    'nginx',
    'envoy',
    'envoy',
    undefined,
    'envoy',
  ]);
});

test('if a dialect is sure of a line and then does not read it, the next dialect does', () => {
  const boaster = dialect(
    'apache',
    'test',
    () => 2,
    () => null,
  );
  assert.equal(new LogExplainer([boaster, ...testDialects]).read('ERR 1 it failed')?.gateway, 'apache');
  assert.equal(new LogExplainer([boaster]).read('ERR 1 it failed'), null);
});

test('no line makes the explainer throw', () => {
  const explainer = new LogExplainer();
  const anything = fc.oneof(
    unicodeText({ maxLength: 300 }),
    fc
      .tuple(fc.constantFrom(...wrapped.map(([, line]) => line)), fc.nat(400), fc.string({ maxLength: 3 }))
      .map(([line, at, added]) => line.slice(0, at) + added + line.slice(at + 1)),
    fc.tuple(unicodeText({ maxLength: 3 }), fc.nat(2000)).map(([text, times]) => text.repeat(times)),
  );
  const survives = fc.property(anything, (line) => {
    const finding = explainer.read(line);
    assert.ok(finding === null || typeof finding.gateway === 'string');
  });
  fc.assert(survives, { numRuns: 200 });
});

test('a log is explained line by line, and as a whole', () => {
  const { lines, summary, error: complaint } = explain(`${refused}\r\nwhat is this\n\n${refused}`);
  assert.deepEqual(
    lines.map((line) => line?.shape),
    ['unreachable', undefined, undefined, 'unreachable'],
  );
  assert.deepEqual([summary.lines, summary.unrecognised, summary.blank, summary.failures], [4, 1, 1, 2]);
  assert.equal(complaint, null);
});

test('lines are read with a log_format given by its text', () => {
  const logFormat = '$status|$time_local|$request|$upstream_status|$upstream_connect_time|$upstream_header_time';
  const line = '504|21/Nov/2026:10:00:00 +0000|GET / HTTP/1.1|504|0.001|-';
  assert.equal(explain(line).lines[0], null);
  const explained = explain(line, { logFormat });
  assert.equal(explained.lines[0]?.shape, 'too_slow');
  assert.equal(explained.error, null);
  assert.notEqual(explain(line, { logFormat: '' }).error, null);
});
