import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nginxLogFormat } from './log-format.ts';
import { findingOfLine, inShort } from './reading.test-support.ts';

function read(format: string, line: string): string {
  const dialect = nginxLogFormat(format);
  assert.ok(dialect.ok, dialect.ok ? '' : dialect.failure);
  return inShort(findingOfLine(line, [dialect.value]));
}

const refused = 'access unreachable - connect';
const reset = 'access reset connection_terminated response';

const readings: readonly (readonly [string, string, string, string])[] = [
  [
    'a directive in several pieces',
    `log_format main '$remote_addr [$time_local] "$request" '
                     '$status $upstream_addr '   # who was asked
                     '$upstream_status $upstream_connect_time $upstream_header_time';`,
    '192.0.2.7 [21/Nov/2026:21:59:47 +0000] "GET /a b HTTP/1.1" 502 10.0.0.5:80, 10.0.0.6:80 502, 502 -, - -, -',
    refused,
  ],
  [
    'internal redirects without quotes',
    '$status $upstream_addr $upstream_status $upstream_connect_time $upstream_header_time $request_time',
    '502 10.0.0.5:80 : 10.0.0.9:80 502 : 200 - : 0.001 - : 0.002 0.010',
    refused,
  ],
  [
    'JSON',
    `log_format json escape=json '{"s":$status,"r":"$request","agent":"$http_user_agent","a":"$upstream_addr","us":"$upstream_status","c":"$upstream_connect_time","h":"$upstream_header_time","n":"$upstream_bytes_received"}';`,
    '{"s":502,"r":"GET /?q=\\"x\\" HTTP/1.1","agent":"a\\\\","a":"10.0.0.5:80","us":"502","c":"0.001","h":"","n":"0"}',
    reset,
  ],
  [
    'JSON with pieces in double quotes',
    'log_format j escape=json "{\\"status\\":\\"$status\\",\\"c\\":\\"$upstream_connect_time\\",\\"h\\":\\"$upstream_header_time\\"}";',
    '{"status":"502","c":"","h":""}',
    refused,
  ],
  [
    'tabs, braces and brackets',
    "log_format t '[${time_iso8601}]\\t${status}\\t<$upstream_addr>\\t($upstream_connect_time)\\t{$upstream_header_time}';",
    '[2026-11-21T21:59:47+00:00]\t502\t<10.0.0.5:80>\t(-)\t{-}',
    refused,
  ],
  [
    'a time and a request without quotes',
    '$remote_addr $time_local $request $status $upstream_connect_time $upstream_header_time $upstream_status $upstream_bytes_received',
    '192.0.2.7 21/Nov/2026:21:59:47 +0000 GET /a HTTP/1.1 502 0.001 - 502 0',
    reset,
  ],
  ['only a status', '$status', '502', 'access unknown - -'],
  ['only a successful status', '$status $bytes_sent', '200 10', 'access none - -'],
  ['values of unknown variables', '$my_own|$status|$other', 'a|b|502|c', 'unrecognised'],
  ['another format', '$remote_addr $status', 'hello', 'unrecognised'],
  ['a line that ends too early', '"$request" $status $upstream_addr', '"GET / HTTP/1.1" 502', 'unrecognised'],
];

describe('a log_format given by its text', () => {
  for (const [what, format, line, expected] of readings) {
    test(`is understood with ${what}`, () => {
      assert.equal(read(format, line), expected);
    });
  }

  test('that cannot show a failure is refused with a reason', () => {
    for (const text of [
      '',
      'hello',
      'log_format',
      'log_format main',
      "log_format main '$status",
      '$remote_addr $request',
      'x'.repeat(20_000),
    ]) {
      const dialect = nginxLogFormat(text);
      assert.equal(dialect.ok, false, text.slice(0, 40));
      if (!dialect.ok) assert.match(dialect.failure, /\.$/);
    }
  });

  test('puts its name into the name of the format', () => {
    const dialect = nginxLogFormat("log_format timed '$status';");
    assert.equal(dialect.ok && dialect.value.format, 'nginx access log (timed)');
  });

  test('belongs to the product whose variables it has', () => {
    const dialect = nginxLogFormat('$status [$proxy_upstream_name] $upstream_addr');
    assert.equal(dialect.ok && dialect.value.gateway, 'ingress-nginx');
    const kong = nginxLogFormat('$status "$kong_request_id"');
    assert.equal(kong.ok && findingOfLine('502 "0f00"', [kong.value])?.joins, 'request 0f00');
  });
});
