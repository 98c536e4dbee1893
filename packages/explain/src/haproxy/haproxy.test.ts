import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyErrors } from '../../../failures/src/proxy-error.ts';
import type { Finding } from '../finding.ts';
import { assertReadsWhatItRecognises } from '../mutated-lines.test-support.ts';
import { haproxyDialects } from './haproxy.ts';

function readLine(line: string): Finding | null {
  const sure = haproxyDialects.filter((dialect) => dialect.recognise(line) > 0);
  assert.ok(sure.length <= 1, `${sure.map(({ format }) => format).join(' and ')} both claim ${line}`);
  return sure[0]?.open().read(line) ?? null;
}

interface Session {
  readonly state: string;
  readonly status?: number;
  readonly timers?: string;
  readonly server?: string;
  readonly retries?: string;
}

const client = '192.0.2.7:51234 [21/Nov/2026:10:15:30.123]';

function httpLine({
  state,
  status = 503,
  timers = '0/0/-1/-1/3',
  server = 'app/app1',
  retries = '0',
}: Session): string {
  return `${client} web ${server} ${timers} ${status} 217 - - ${state} 3/3/1/0/${retries} 0/0 "GET /cart?id=7 HTTP/1.1"`;
}

const none = 'fe/<NOSRV>';

const endings: readonly (readonly [Session, string])[] = [
  [{ state: '----', status: 200, timers: '0/0/1/5/6' }, 'none null'],
  [{ state: '----', status: 404, timers: '0/0/1/5/6' }, 'none null'],
  [{ state: '----', status: 503, timers: '0/0/1/5/6' }, 'app_error null'],
  [{ state: '--NI', status: 500, timers: '0/0/1/5/6' }, 'app_error null'],
  [{ state: '----', status: 502, timers: '0/0/1/-1/6' }, 'unknown null'],
  [{ state: 'SC--', timers: '0/0/-1/-1/3004', retries: '+3' }, 'unreachable connection_refused'],
  [{ state: 'SC--', timers: '0/-1/-1/-1/0', server: 'app/<NOSRV>' }, 'refused_by_gateway destination_unavailable'],
  [{ state: 'SC--', timers: '-1/-1/-1/-1/0', server: none }, 'refused_by_gateway destination_unavailable'],
  [{ state: 'SC--', timers: '0/0/1/8/20' }, 'unknown null'],
  [{ state: 'sC--', timers: '0/0/-1/-1/20004' }, 'unreachable connection_timeout'],
  [{ state: 'SH--', status: 502, timers: '0/0/1/-1/4' }, 'reset connection_terminated'],
  [{ state: 'SHVN', status: 502, timers: '0/0/1/-1/4' }, 'reset connection_terminated'],
  [{ state: 'SH--', status: 502, timers: '0/0/-1/-1/4' }, 'unknown null'],
  [{ state: 'sH--', status: 504, timers: '0/0/1/-1/30002' }, 'too_slow connection_read_timeout'],
  [{ state: 'SD--', status: 200, timers: '0/0/1/4/90' }, 'reset http_response_incomplete'],
  [{ state: 'SD--', status: -1, timers: '0/0/1/-1/90' }, 'reset connection_terminated'],
  [{ state: 'sD--', status: 200, timers: '0/0/1/4/50090' }, 'too_slow connection_read_timeout'],
  [{ state: 'SL--', status: 200, timers: '0/0/1/4/90' }, 'reset http_response_incomplete'],
  [{ state: 'sQ--', timers: '0/5000/-1/-1/5000' }, 'refused_by_gateway connection_limit_reached'],
  [{ state: 'PH--', status: 502, timers: '0/0/1/-1/4' }, 'garbage http_protocol_error'],
  [{ state: 'PH--', status: 500, timers: '0/0/1/-1/4' }, 'refused_by_gateway proxy_internal_error'],
  [{ state: 'PD--', status: 200, timers: '0/0/1/2/9' }, 'garbage http_response_transfer_coding'],
  [{ state: 'PC--', timers: '0/0/-1/-1/0' }, 'refused_by_gateway connection_limit_reached'],
  [{ state: 'PR--', status: 403, timers: '0/-1/-1/-1/0', server: none }, 'refused_by_gateway http_request_denied'],
  [{ state: 'PR--', status: 400, timers: '-1/-1/-1/-1/0', server: none }, 'client_abort http_request_error'],
  [{ state: 'PT--', status: 500, timers: '0/-1/-1/-1/9', server: none }, 'refused_by_gateway http_request_denied'],
  [{ state: 'RC--', timers: '0/0/-1/-1/1' }, 'refused_by_gateway connection_limit_reached'],
  [{ state: 'IH--', status: 500, timers: '0/0/1/-1/1' }, 'refused_by_gateway proxy_internal_error'],
  [{ state: 'LR--', status: 302, timers: '0/-1/-1/-1/0', server: none }, 'none null'],
  [{ state: 'LR--', status: 503, timers: '0/-1/-1/-1/0', server: none }, 'refused_by_gateway proxy_internal_response'],
  [{ state: 'DH--', status: 502, timers: '0/0/1/-1/1' }, 'reset connection_terminated'],
  [{ state: 'DD--', status: 200, timers: '0/0/1/1/1' }, 'reset http_response_incomplete'],
  [{ state: 'KD--', status: 200, timers: '0/0/1/1/1' }, 'reset connection_terminated'],
  [{ state: 'CC--', status: 503, timers: '0/0/-1/-1/12' }, 'client_abort null'],
  [{ state: 'CH--', status: -1, timers: '0/0/1/-1/12' }, 'client_abort null'],
  [{ state: 'CD--', status: 200, timers: '0/0/1/1/12' }, 'client_abort null'],
  [{ state: 'CQ--', status: 503, timers: '0/-1/-1/-1/12' }, 'client_abort null'],
  [{ state: 'cR--', status: 408, timers: '-1/-1/-1/-1/9000', server: none }, 'client_abort null'],
  [{ state: 'cD--', status: 200, timers: '0/0/1/1/50000' }, 'client_abort null'],
];

for (const [session, expected] of endings) {
  test(`HTTP log: ${session.state} ${session.status ?? 503} ${session.timers ?? ''} is ${expected}`, () => {
    const finding = readLine(httpLine(session));
    assert.equal(`${finding?.shape} ${finding?.type}`, expected);
    assert.equal(finding?.kind, 'access');
    if (finding?.shape !== 'none') assert.ok(finding?.evidence.includes(session.state) && finding.sentence !== '');
    if (finding?.type != null) assert.equal(proxyErrors[finding.type].shape, finding.shape);
  });
}

const line = httpLine({ state: 'sH--', status: 504, timers: '0/0/1/-1/30002' });

test('text before and after an HTTP line does not change its verdict', () => {
  const bare = readLine(line);
  const variants = [
    `Nov 21 10:15:30 gate haproxy[812]: ${line}`,
    `<134>Nov 21 10:15:30 haproxy[812]: ${line}`,
    `<134>1 2026-11-21T10:15:30.123456+00:00 gate haproxy 812 - - ${line}`,
    `haproxy-1  | ${line}`,
    line.replace(' web ', ' web~ '),
    line.replace(' "GET', ' {shop.example|curl} {} "GET'),
    `${line} 0/0/0/0/0 shop.example/TLSv1.3/TLS_AES_128_GCM_SHA256`,
    `${line}\r`,
  ];
  for (const variant of variants) assert.deepEqual(readLine(variant), bare, variant);
});

test('all fields of an HTTP line are read', () => {
  const finding = readLine(line);
  assert.equal(finding?.atMs, Date.UTC(2026, 10, 21, 10, 15, 30, 123));
  assert.equal(finding?.upstream, 'app/app1');
  assert.equal(finding?.request, 'GET /cart?id=7');
  assert.equal(finding?.durationMs, 30_002);
  assert.equal(finding?.status, 504);
  assert.equal(finding?.stage, 'response');
  assert.equal(finding?.born, 'reverse-proxy');
  assert.equal(finding?.whose, 'application');
  assert.equal(finding?.fix?.snippet, 'backend app\n    timeout server 60s');
});

test('a line that was logged before its end (logasap) and one that syslog truncated are read', () => {
  assert.equal(
    readLine(`${client} web app/app1 0/0/1/5/+6 200 +217 - - ---- 1/1/1/0/0 0/0 "GET / HTTP/1.1"`)?.shape,
    'none',
  );
  assert.equal(readLine(line.slice(0, -12))?.request, 'GET /cart?id');
});

const tcpEndings: readonly (readonly [string, string, string])[] = [
  ['--', '0/1/5000', 'none null'],
  ['SC', '0/-1/0', 'unreachable connection_refused'],
  ['sC', '0/-1/20004', 'unreachable connection_timeout'],
  ['SD', '0/1/90', 'reset connection_terminated'],
  ['sD', '0/1/50001', 'too_slow connection_read_timeout'],
  ['cD', '0/1/50001', 'client_abort null'],
  ['CD', '0/1/1', 'client_abort null'],
];

for (const [state, timers, expected] of tcpEndings) {
  test(`TCP log: ${state} is ${expected}`, () => {
    const finding = readLine(`${client} db pg/db1 ${timers} 212 ${state} 1/1/1/1/0 0/0`);
    assert.equal(finding?.format, 'HAProxy TCP log');
    assert.equal(`${finding?.shape} ${finding?.type}`, expected);
  });
}

test('a line of the CLF variant has the same verdict as one of the HTTP log', () => {
  const clf =
    '192.0.2.7 - - [21/Nov/2026:10:15:30 +0000] "GET /cart?id=7 HTTP/1.1" 504 217 "" "" 51234 123 "web" "app" "app1" 0 0 1 -1 30002 "sH--" 3 3 1 0 0 0 0 "" "" "" ""';
  const finding = readLine(`Nov 21 10:15:30 gate haproxy[812]: ${clf}`);
  assert.equal(finding?.format, 'HAProxy HTTP log (CLF)');
  assert.deepEqual({ ...finding, format: '', atMs: 0 }, { ...readLine(line), format: '', atMs: 0 });
});

const server = 'Server app/app1 is DOWN, reason:';
const left =
  'check duration: 0ms. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.';

const events: readonly (readonly [string, RegExp])[] = [
  [
    `${server} Layer4 connection problem, info: "Connection refused", ${left}`,
    /check of app\/app1 failed: Layer4 connection problem/,
  ],
  [`Backup ${server} Layer4 timeout, ${left}`, /Layer4 timeout/],
  [
    `[WARNING]  (812) : ${server} Layer7 wrong status, code: 500, info: "Internal Server Error", ${left}`,
    /Layer7 wrong status/,
  ],
  [
    'Server app/app1 is UP, reason: Layer4 check passed, check duration: 0ms. 1 active and 0 backup servers online.',
    /^$/,
  ],
  ["[ALERT]    (812) : backend 'app' has no server available!", /No server of app is available/],
  ['backend app has no server available!', /No server of app is available/],
  ['Nov 21 10:15:30 gate haproxy[812]: proxy app has no server available!', /No server of app is available/],
  ['Proxy web started.', /^$/],
  ['[NOTICE]   (1) : New worker (7) forked', /^$/],
  ['Connect from 192.0.2.7:51234 to 198.51.100.1:80 (web/HTTP)', /^$/],
];

for (const [text, sentence] of events) {
  test(`an event is no failure of a request: ${text.slice(0, 50)}`, () => {
    const finding = readLine(text);
    assert.equal(finding?.kind, 'event');
    assert.equal(finding?.shape, 'none');
    assert.match(finding?.sentence ?? '', sentence);
  });
}

test('a failed TLS handshake with a client is attributed to the client', () => {
  const finding = readLine(
    `${client} web/1: SSL handshake failure (error:0A000416:SSL routines::sslv3 alert certificate unknown)`,
  );
  assert.equal(finding?.kind, 'error');
  assert.equal(finding?.shape, 'client_abort');
});

test('lines of other programs are not recognised', () => {
  const foreign = [
    '192.0.2.7 - - [21/Nov/2026:10:15:30 +0000] "GET / HTTP/1.1" 502 157 "-" "curl/8.5.0"',
    '2026/11/21 10:15:30 [error] 31#31: *1 connect() failed (111: Connection refused) while connecting to upstream',
    '[Sat Nov 21 10:15:30.123456 2026] [proxy:error] [pid 9] AH00940: HTTP: disabled connection for (127.0.0.1:80)',
    'Server started on port 3000',
    'Nov 21 10:15:30 gate haproxy[812]: {"status":503,"state":"SC--"}',
    '',
  ];
  for (const text of foreign) assert.equal(readLine(text), null, text);
});

test('no line makes the reader throw, however it is mutated', () => {
  const seeds = [line, `${client} db pg/db1 0/1/90 212 SD 1/1/1/1/0 0/0`, events[0]?.[0] ?? ''];
  assertReadsWhatItRecognises(haproxyDialects, seeds);
});

test('a line of a megabyte is judged at once', () => {
  for (const text of [
    `${line}${'x'.repeat(1_000_000)}`,
    'a/'.repeat(500_000),
    ' '.repeat(1_000_000),
    '"'.repeat(1_000_000),
  ]) {
    for (const dialect of haproxyDialects) dialect.open().read(text);
  }
});
