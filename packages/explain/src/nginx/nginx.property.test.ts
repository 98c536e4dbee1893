import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../../../test/properties.ts';
import { unicodeText } from '../../../../test/unicode-text.ts';
import { nginxLogFormat } from './log-format.ts';
import { nginxDialects } from './nginx.ts';

const lines = [
  '2026/11/21 21:59:48 [error] 7#7: *42 connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.7, server: , request: "GET / HTTP/1.1", upstream: "http://10.0.0.5/", host: "a"',
  '2026/11/21 21:59:48 [error] 7#7: *42 [lua] balancer.lua:304: load_balancer(): failed to pick server: none while connecting to upstream, client: 192.0.2.7, server: kong, request: "GET / HTTP/1.1"',
  '192.0.2.7 - - [21/Nov/2026:21:59:47 +0100] "GET / HTTP/1.1" 502 157 "-" "curl/8" rt=0.010 ua="10.0.0.5:80, 10.0.0.6:80" us="502, 502" uct="-, -" uht="-, -"',
  '192.0.2.7 - - [21/Nov/2026:21:59:47 +0100] "GET / HTTP/1.1" 502 157 "-" "curl/8" 310 0.002 [a-b-80] [] 10.42.0.7:8080 : 10.42.0.8:8080 0 : 0 0.001 : 0.001 502 : 502 3f5a',
  '{"status": 502, "request_time": 0.010, "upstream_connect_time": -, -, "upstream_addr":"10.0.0.5:80", "remote_addr":"192.0.2.7"}',
  'time:21/Nov/2026:21:59:47 +0000\tstatus:504\tupstream_addr:10.0.0.5:80\tupstream_header_time:-',
  'nginx: [emerg] host not found in upstream "app" in /etc/nginx/nginx.conf:5',
  '{"response":{"status":502},"tries":[{"ip":"10.0.0.5","port":80}],"latencies":{"kong":1},"request":{"uri":"/"},"source":"kong"}',
  'W1121 21:59:47.123456       7 controller.go:1112] Service "a/b" does not have any active Endpoint.',
];

const format = nginxLogFormat(
  '$remote_addr [$time_local] "$request" $status $upstream_addr $upstream_status "$upstream_header_time" $request_time',
);
assert.ok(format.ok);
const dialects = [...nginxDialects, format.value];

/** A line with a part removed, doubled or replaced. */
const mutated = fc
  .tuple(
    fc.constantFrom(...lines),
    fc.array(
      fc.tuple(
        fc.nat(400),
        fc.nat(12),
        fc.oneof(
          fc.string({ maxLength: 12 }),
          fc.constantFrom('"', '\\', ' : ', ', ', '(', ' while ', ', client: ', '\0', '-'),
        ),
      ),
      { maxLength: 5 },
    ),
  )
  .map(([line, cuts]) =>
    cuts.reduce((text, [at, length, put]) => text.slice(0, at) + put + text.slice(at + length), line),
  );

function readAll(text: string): void {
  for (const dialect of dialects) {
    const certainty = dialect.recognise(text);
    assert.ok(certainty === 0 || certainty === 1 || certainty === 2);
    const finding = dialect.open().read(text);
    if (certainty > 0) assert.notEqual(finding, null, dialect.format);
    if (finding !== null && finding.shape !== 'none') assert.ok(finding.evidence.length > 0, finding.format);
    if (finding !== null) assert.ok((finding.request ?? '').length <= 200);
  }
}

test('no line makes a reader throw, and every recognised line is read', () => {
  fc.assert(fc.property(mutated, readAll), { numRuns: 250 });
  fc.assert(fc.property(unicodeText({ maxLength: 300 }), readAll), { numRuns: 80 });
});

test('lines of a megabyte are read without delay, whatever they contain', () => {
  const fillings = [
    '"',
    '\\"',
    '":"',
    '(1: ',
    ', client: ',
    ' while ',
    'a=',
    'upstream_addr ',
    ' : ',
    ', ',
    '[',
    '{"a":',
    '"status":502,"a":-,',
    'x',
  ];
  for (const filling of fillings) {
    const much = filling.repeat(Math.ceil(1_000_000 / filling.length));
    for (const line of lines.slice(0, 5)) {
      const startedAt = process.hrtime.bigint();
      readAll(line.slice(0, line.length / 2) + much);
      const tookMs = Number(process.hrtime.bigint() - startedAt) / 1e6;
      assert.ok(tookMs < 2000, `${filling} after ${line.slice(0, 20)}: ${tookMs} ms`);
    }
  }
});
