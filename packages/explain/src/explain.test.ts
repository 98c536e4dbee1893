import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { customLogFormat, explain } from './explain.ts';

const refused: readonly (readonly [why: string, format: string, message: RegExp])[] = [
  ['no variables', 'none', /nginx.*Envoy.*HAProxy/],
  ['nothing', ' ', /empty/],
  ['a format of Apache', '%h %l %u %t "%r" %>s %b', /Apache/],
  ['operators that show no failure', '%START_TIME% %RESPONSE_CODE%', /Envoy.*%RESPONSE_FLAGS%/],
  ['operators without text between', '%RESPONSE_CODE%%RESPONSE_FLAGS%', /between/],
  ['no termination state', '%ci %b/%s %ST', /HAProxy.*%tsc/],
  ['no server', '%ci %b %ST %tsc', /`%s`/],
  ['variables without text between', '%s %ts%ST', /between/],
  ['no status', '$remote_addr', /nginx.*\$status/],
];

describe('a custom format is refused, with the reason', () => {
  for (const [why, format, message] of refused)
    it(why, () => {
      const read = customLogFormat(format);
      assert.match(read.ok ? '' : read.failure, message);
    });
});

type Case = readonly [why: string, format: string, line: string, shape: string, upstream: string | null];

const read: readonly Case[] = [
  [
    'Envoy: details with blanks in them',
    '%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %DURATION% %UPSTREAM_HOST%\\n',
    '503 upstream_reset_before_response_started{connection_failure,delayed connect error: 111} 4 10.0.0.5:80',
    'unreachable',
    '10.0.0.5:80',
  ],
  [
    'Envoy: names of headers in any case, a maximum length, a time in another format',
    "'[%START_TIME(%s)%] %REQ(:method)% %REQ(:Path):50% %RESPONSE_FLAGS% %RESPONSE_CODE%'",
    '[1763762387] GET /cart UT 504',
    'too_slow',
    null,
  ],
  [
    'Envoy: escaped quotation marks',
    '"\\"%REQ(:METHOD)% %REQ(:PATH)%\\" %RESPONSE_CODE% %RESPONSE_FLAGS%"',
    '"GET /a" 200 -',
    'none',
    null,
  ],
  [
    'HAProxy: a directive with escaped blanks, and flags for all variables',
    'log-format %{+Q}o\\ %ci\\ %s\\ %ST\\ %tsc\\ %Tc\\ %Tr',
    '"192.0.2.7" "web1" "504" "sH--" "0" "-1"',
    'too_slow',
    'web1',
  ],
  [
    'HAProxy: behind a prefix of syslog, with an expression',
    '%ci:%cp %[capture.req.hdr(0)] %b %s %ST %ts %HM %HU',
    'Nov 21 10:00:00 edge haproxy[1412]: 192.0.2.7:4000 shop.example app <NOSRV> 503 SC GET /a?b=c',
    'refused_by_gateway',
    'app',
  ],
];

describe('a line in a custom format is read', () => {
  for (const [why, logFormat, line, shape, upstream] of read)
    it(why, () => {
      const { lines, error } = explain(line, { logFormat });
      assert.equal(error, null);
      assert.deepEqual([lines[0]?.shape, lines[0]?.upstream, lines[0]?.confidence], [shape, upstream, 'certain']);
    });
});

it('a line with many separators is given up soon', () => {
  const format = '%REQ(:PATH)% %REQ(A)% %REQ(B)% %REQ(C)% %REQ(D)% %REQ(E)% %RESPONSE_FLAGS% end';
  const before = process.threadCpuUsage().user;
  explain('a '.repeat(30_000), { logFormat: format });
  assert.ok(process.threadCpuUsage().user - before < 2_000_000);
});
