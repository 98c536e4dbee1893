import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyErrors } from '../../../failures/src/proxy-error.ts';
import type { Finding } from '../finding.ts';
import { LogExplainer } from '../log-explainer.ts';
import { assertReadsWhatItRecognises } from '../mutated-lines.test-support.ts';
import { apacheDialects } from './apache.ts';

/** Reads each line with the dialect that is surest of it, all in one file. */
function readLines(...lines: readonly string[]): readonly (Finding | null)[] {
  const readers = apacheDialects.map((dialect) => dialect.open());
  return lines.map((line) => {
    const sure = apacheDialects.map((dialect) => dialect.recognise(line));
    const best = Math.max(...sure);
    return best === 0 ? null : (readers[sure.indexOf(best as 1 | 2)]?.read(line) ?? null);
  });
}

const time = '[Sat Nov 21 10:15:30.123456 2026]';
const thread = '[pid 912:tid 139872]';
const client = '[client 192.0.2.7:51234]';

/** A line of 2.4: `errno` as "(111)Connection refused: ", with or without a client. */
function line24(module: string, errno: string, text: string, who = client): string {
  return `${time} [${module}:error] ${thread} ${errno === '' ? '' : `${errno}: `}${who === '' ? '' : `${who} `}${text}`;
}

const refused = line24(
  'proxy',
  '(111)Connection refused',
  'AH00957: HTTP: attempt to connect to 127.0.0.1:3000 (127.0.0.1:3000) failed',
  '',
);
const disabling = line24(
  'proxy',
  '',
  'AH00959: ap_proxy_connect_backend disabling worker for (127.0.0.1:3000) for 60s',
  '',
);
const follows = line24('proxy_http', '', 'AH01114: HTTP: failed to make connection to backend: 127.0.0.1');
const status = 'error reading status line from remote server 127.0.0.1:3000';
const connect = 'AH00957: HTTP: attempt to connect to 10.0.0.5:3000 (app) failed';
const fcgi = 'AH01075: Error dispatching request to localhost:9000:';

const single: readonly (readonly [string, string])[] = [
  [refused, 'unreachable connection_refused'],
  [line24('proxy', '(61)Connection refused', connect, ''), 'unreachable connection_refused'],
  [line24('proxy', '(146)Connection refused', connect, ''), 'unreachable connection_refused'],
  [line24('proxy', '(110)Connection timed out', connect, ''), 'unreachable connection_timeout'],
  [line24('proxy', '(70007)The timeout specified has expired', connect, ''), 'unreachable connection_timeout'],
  [line24('proxy', '(60)Operation timed out', connect, ''), 'unreachable connection_timeout'],
  [line24('proxy', '(113)No route to host', connect, ''), 'unreachable destination_ip_unroutable'],
  [line24('proxy', '(101)Network is unreachable', connect, ''), 'unreachable destination_ip_unroutable'],
  [line24('proxy', '(13)Permission denied', connect, ''), 'unreachable connection_refused'],
  [line24('proxy', '(99)Cannot assign requested address', connect, ''), 'refused_by_gateway connection_limit_reached'],
  [
    line24(
      'proxy',
      '(2)No such file or directory',
      'AH02454: FCGI: attempt to connect to Unix domain socket /run/php/fpm.sock (*:80) failed',
      '',
    ),
    'unreachable connection_refused',
  ],
  [
    line24(
      'proxy',
      '(11)Resource temporarily unavailable',
      'AH02454: FCGI: attempt to connect to Unix domain socket /run/php/fpm.sock (*:80) failed',
      '',
    ),
    'unreachable connection_refused',
  ],
  [follows, 'unreachable null'],
  [line24('proxy_fcgi', '', 'AH01079: failed to make connection to backend: 127.0.0.1'), 'unreachable null'],
  [
    line24('proxy', '', 'AH00940: HTTP: disabled connection for (127.0.0.1:3000)', ''),
    'refused_by_gateway destination_unavailable',
  ],
  [
    line24('proxy', '', 'AH00934: all workers are busy.  Unable to serve /'),
    'refused_by_gateway connection_limit_reached',
  ],
  [
    line24('proxy_balancer', '', 'AH01167: balancer://app: All workers are in error state'),
    'refused_by_gateway destination_unavailable',
  ],
  [
    line24('proxy_http', '(70007)The timeout specified has expired', `AH01102: ${status}`),
    'too_slow connection_read_timeout',
  ],
  [line24('proxy_http', '(104)Connection reset by peer', `AH01102: ${status}`), 'reset connection_terminated'],
  [line24('proxy_http', '(54)Connection reset by peer', `AH01102: ${status}`), 'reset connection_terminated'],
  [line24('proxy_http', '(70014)End of file found', `AH01102: ${status}`), 'reset connection_terminated'],
  [
    line24('proxy_http', '(20014)Internal error (specific information not available)', `AH01102: ${status}`),
    'reset connection_terminated',
  ],
  [line24('proxy_http', '', `AH01102: ${status}`), 'unknown null'],
  [line24('proxy', '', 'AH00898: Error reading from remote server returned by /cart'), 'unknown null'],
  [
    line24('proxy', '', 'AH00898: Corrupt status line returned by remote server: HTTP/7.0 200 OK returned by /'),
    'garbage http_protocol_error',
  ],
  [
    line24('proxy', '', 'AH00898: Error during SSL Handshake with remote server returned by /'),
    'unreachable tls_protocol_error',
  ],
  [line24('proxy', '', 'AH00898: DNS lookup failure for: app.internal returned by /'), 'unreachable dns_error'],
  [
    line24('proxy', '', 'AH00898: Unexpected Upgrade: h2c (expecting n/a) returned by /ws'),
    'garbage http_upgrade_failed',
  ],
  [
    line24('proxy', '', 'AH00898: Max-Forwards has reached zero - proxy loop? returned by /'),
    'refused_by_gateway proxy_loop_detected',
  ],
  [
    line24('proxy', '', 'AH00898: Connect to remote machine blocked returned by /'),
    'refused_by_gateway http_request_denied',
  ],
  [line24('proxy', '', 'AH00898: URI cannot be parsed: http:/// returned by /'), 'client_abort http_request_error'],
  [line24('proxy_http', '', 'AH01106: bad HTTP/1.1 header returned by / (GET)'), 'garbage http_protocol_error'],
  [
    line24('proxy_http', '(104)Connection reset by peer', 'AH01110: Network error reading response'),
    'reset http_response_incomplete',
  ],
  [
    line24('proxy_http', '(70007)The timeout specified has expired', 'AH01110: Network error reading response'),
    'too_slow connection_read_timeout',
  ],
  [
    line24('proxy_http', '(32)Broken pipe', 'AH01084: pass request body failed to 127.0.0.1:3000 (127.0.0.1)'),
    'reset connection_terminated',
  ],
  [
    line24(
      'proxy_http',
      '(70007)The timeout specified has expired',
      'AH01084: pass request body failed to 127.0.0.1:3000 (127.0.0.1)',
    ),
    'too_slow connection_write_timeout',
  ],
  [
    line24(
      'proxy',
      '(502)Unknown error 502',
      'AH01084: pass request body failed to 10.0.0.5:443 (app)',
      '[remote 10.0.0.5:443]',
    ),
    'unreachable tls_protocol_error',
  ],
  [
    line24(
      'proxy_http',
      '(70014)End of file found',
      'AH01095: prefetch request body failed to 127.0.0.1:3000 (127.0.0.1) from 192.0.2.7 ()',
    ),
    'client_abort null',
  ],
  [
    line24(
      'proxy_http',
      '(104)Connection reset by peer',
      'AH02608: read request body failed to 127.0.0.1:3000 (127.0.0.1) from 192.0.2.7 ()',
    ),
    'client_abort null',
  ],
  [
    line24('proxy_fcgi', '(70007)The timeout specified has expired', `${fcgi} (polling)`),
    'too_slow connection_read_timeout',
  ],
  [line24('proxy_fcgi', '(104)Connection reset by peer', fcgi), 'reset connection_terminated'],
  [
    line24(
      'proxy_fcgi',
      '(70008)Partial results are valid but processing is incomplete',
      `${fcgi} (reading input brigade)`,
    ),
    'client_abort null',
  ],
  [
    line24('proxy_fcgi', '(70014)End of file found', 'AH01067: Failed to read FastCGI header'),
    'reset connection_terminated',
  ],
  [line24('proxy_fcgi', '', 'AH01070: Error parsing script headers'), 'garbage http_protocol_error'],
  [
    line24('proxy_fcgi', '', "AH01071: Got error 'PHP message: PHP Fatal error:  Uncaught Exception: no stock'"),
    'app_error null',
  ],
  [line24('proxy_fcgi', '', "AH01071: Got error 'PHP message: PHP Warning:  Undefined variable $a'"), 'none null'],
  [
    line24(
      'proxy_ajp',
      '(70007)The timeout specified has expired',
      "AH01030: ajp_ilink_receive() can't receive header",
    ),
    'too_slow connection_read_timeout',
  ],
  [
    line24('proxy', '', 'AH00961: HTTP: failed to enable ssl support for 10.0.0.5:443 (app)', ''),
    'refused_by_gateway proxy_configuration_error',
  ],
  [
    line24(
      'ssl',
      '',
      'AH02411: SSL Proxy: Peer certificate does not match for hostname app.internal',
      '[remote 10.0.0.5:443]',
    ),
    'unreachable tls_certificate_error',
  ],
  [
    line24('proxy', '', "AH01144: No protocol handler was valid for the URL / (scheme 'http')."),
    'refused_by_gateway proxy_configuration_error',
  ],
  [
    line24('proxy_http', '', 'AH10415: To be forwarded query string contains control characters or spaces'),
    'refused_by_gateway http_request_denied',
  ],
  [line24('proxy', '', 'AH19999: an unknown message'), 'unknown null'],
];

for (const [line, expected] of single) {
  test(`error log: ${line.slice(line.indexOf('tid') + 12, line.indexOf('tid') + 120)} is ${expected}`, () => {
    const [finding] = readLines(line);
    assert.equal(`${finding?.shape} ${finding?.type}`, expected);
    assert.equal(finding?.kind, 'error');
    assert.equal(finding?.atMs, Date.UTC(2026, 10, 21, 10, 15, 30, 123));
    if (finding?.shape !== 'none') assert.ok(finding?.evidence.length !== 0 && finding?.sentence !== '');
    if (finding?.type != null) assert.equal(proxyErrors[finding.type].shape, finding.shape);
  });
}

test('lines of one failure are joined, and the first line names the cause', () => {
  const [first, event, last] = readLines(refused, disabling, follows);
  assert.equal(event?.kind, 'event');
  assert.equal(event?.shape, 'none');
  assert.equal(last?.type, 'connection_refused');
  assert.equal(last?.joins, first?.joins);
  assert.deepEqual([first?.isConsequence, last?.isConsequence], [false, true]);
  assert.equal(first?.upstream, '127.0.0.1:3000');
  assert.deepEqual(first?.evidence.slice(0, 2), ['(111)Connection refused', 'AH00957']);
});

test('the line about the response to the client reports the same failure as the line before it', () => {
  const shown = line24('proxy', '', 'AH00898: Error reading from remote server returned by /cart');
  const [first, last] = readLines(
    line24('proxy_http', '(70007)The timeout specified has expired', `AH01102: ${status}`),
    shown,
  );
  assert.equal(last?.type, 'connection_read_timeout');
  assert.equal(last?.joins, first?.joins);
  assert.equal(last?.request, '/cart');
});

test('each address of a name that fails is a separate failure, and so is each request', () => {
  const findings = readLines(refused, refused, follows, refused, follows);
  const keys = findings.map((finding) => finding?.joins);
  assert.equal(new Set(keys).size, 2);
  assert.equal(keys[0], keys[2]);
  assert.equal(keys[3], keys[4]);
});

test('a response head that is too large is reported as such, and not as an invalid response', () => {
  const [, last] = readLines(
    line24(
      'proxy_http',
      '(28)No space left on device',
      'AH10124: header size is over the limit allowed by ResponseFieldSize (8192 bytes).',
    ),
    line24('proxy_http', '', 'AH01106: bad HTTP/1.1 header returned by / (GET)'),
  );
  assert.equal(last?.type, 'http_response_header_size');
});

test('lines of different threads, or seconds apart, are not joined', () => {
  const elsewhere = follows.replace('tid 139872', 'tid 139873');
  const later = follows.replace('10:15:30', '10:15:39');
  for (const line of [elsewhere, later]) assert.equal(readLines(refused, line)[1]?.type, null);
});

test('a refused certificate is reported as such, and not as a failed handshake', () => {
  const [, last] = readLines(
    line24(
      'ssl',
      '',
      'AH02411: SSL Proxy: Peer certificate does not match for hostname app.internal',
      '[remote 10.0.0.5:443]',
    ),
    line24('proxy', '', 'AH00898: Error during SSL Handshake with remote server returned by /'),
  );
  assert.equal(last?.type, 'tls_certificate_error');
});

const old: readonly (readonly [string, string])[] = [
  [
    '[error] (111)Connection refused: proxy: HTTP: attempt to connect to 127.0.0.1:3000 (127.0.0.1) failed',
    'unreachable connection_refused',
  ],
  [
    '[error] [client 192.0.2.7] (70007)The timeout specified has expired: proxy: error reading status line from remote server 127.0.0.1',
    'too_slow connection_read_timeout',
  ],
  ['[error] [client 192.0.2.7] proxy: Error reading from remote server returned by /', 'unknown null'],
  ['[error] proxy: HTTP: disabled connection for (127.0.0.1)', 'refused_by_gateway destination_unavailable'],
  ['[error] [client 192.0.2.7] proxy: DNS lookup failure for: app returned by /', 'unreachable dns_error'],
  [
    '[error] proxy: BALANCER: (balancer://app). All workers are in error state',
    'refused_by_gateway destination_unavailable',
  ],
  ['[error] ap_proxy_connect_backend disabling worker for (127.0.0.1)', 'none null'],
  ['[error] [client 192.0.2.7] File does not exist: /var/www/favicon.ico', 'none null'],
];

for (const [line, expected] of old) {
  test(`error log of 2.2: ${line.slice(0, 90)} is ${expected}`, () => {
    const [finding] = readLines(`[Sat Nov 21 10:15:30 2026] ${line}`);
    assert.equal(`${finding?.shape} ${finding?.type}`, expected);
  });
}

test('a request that access rules deny is refused by the gateway, as a forbidden proxy request is', () => {
  for (const line of [
    `${time} [authz_core:error] ${thread} ${client} AH01630: client denied by server configuration: /srv/www/.env`,
    `${time} [access_compat:error] ${thread} ${client} AH01797: client denied by server configuration: /srv/www/.env`,
    '[Sat Nov 21 10:15:30 2026] [error] [client 192.0.2.7] client denied by server configuration: /srv/www/.env',
  ]) {
    const [finding] = readLines(line);
    assert.equal(`${finding?.shape} ${finding?.type}`, 'refused_by_gateway http_request_denied');
    assert.match(finding?.fix?.snippet ?? '', /Require/);
  }
});

test('a line sent to syslog has no time, and begins with module and level', () => {
  const sent =
    '[proxy:error] [pid 912:tid 139872] (111)Connection refused: AH00957: http: attempt to connect to 192.0.2.9:80 (app:80) failed';
  for (const line of [
    sent,
    `Nov 21 10:15:30 edge httpd[912]: ${sent}`,
    `Nov 21 10:15:30 edge httpd/shop[912]: ${sent}`,
  ]) {
    const finding = new LogExplainer().read(line);
    assert.equal(`${finding?.gateway} ${finding?.type}`, 'apache connection_refused');
  }
  for (const other of ['[app:error] something', '[error] [pid 7] x', '[proxy:sad] [pid 7] x'])
    assert.deepEqual(readLines(other), [null]);
});

test('lines about other things are no failures', () => {
  const lines = [
    `${time} [mpm_event:notice] [pid 912:tid 139872] AH00489: Apache/2.4.62 (Debian) configured -- resuming normal operations`,
    `${time} [core:error] ${thread} ${client} AH00124: Request exceeded the limit of 10 internal redirects`,
    `${time} [mpm_event:error] [pid 912:tid 139872] AH00484: server reached MaxRequestWorkers setting, consider raising the MaxRequestWorkers setting`,
  ];
  for (const finding of readLines(...lines)) assert.equal(finding?.shape, 'none');
  assert.match(readLines(...lines)[2]?.fix?.snippet ?? '', /MaxRequestWorkers/);
});

const request = '192.0.2.7 - - [21/Nov/2026:10:15:30 +0100] "GET /cart?id=7 HTTP/1.1"';
const browser = '"https://shop.example/" "Mozilla/5.0 (X11)"';
const note = (text: string): string => `${request} 502 341 ${browser} 60012345 ${text}`;

const accesses: readonly (readonly [string, string])[] = [
  [`${request} 200 5120`, 'none null'],
  [`${request} 502 341`, 'unknown null'],
  [`shop.example:443 ${request} 503 341 ${browser}`, 'unknown null'],
  [`shop.example:443 ${request} 200 341 ${browser}`, 'none null'],
  [`${request} 504 - ${browser}`, 'unknown null'],
  [`${request} 502 341 ${browser} 60012345`, 'unknown null'],
  [`shop.example:443 192.0.2.7 - - [21/Nov/2026:10:15:30 +0100] "-" 408 0 "-" "-"`, 'client_abort http_request_error'],
  [
    note('proxy-status=- proxy-source-port=41234 proxy_timedout=1 worker=http://10.0.0.5:3000 log-id=aZ1'),
    'too_slow connection_read_timeout',
  ],
  [note('proxy-status=502 proxy-source-port=41234 proxy_timedout=- worker=- log-id=-'), 'app_error null'],
  [note('proxy-status=- proxy-source-port=- proxy_timedout=- worker=- log-id=aZ1'), 'unknown null'],
  [
    note('proxy-status=- proxy-source-port=41234 proxy_timedout=- worker=- log-id=-').replace(' 502 ', ' 200 '),
    'garbage http_protocol_error',
  ],
  [
    note('proxy-status=200 proxy-source-port=41234 proxy_timedout=- worker=- log-id=-').replace(' 502 ', ' 200 '),
    'none null',
  ],
  [
    note('proxy-status=- proxy-source-port=- proxy_timedout=- worker=- log-id=-').replace(' 502 ', ' 200 '),
    'none null',
  ],
];

for (const [line, expected] of accesses) {
  test(`access log: ${line.slice(0, 24)} … ${line.slice(-60)} is ${expected}`, () => {
    const [finding] = readLines(line);
    assert.equal(`${finding?.shape} ${finding?.type}`, expected);
    assert.equal(finding?.kind, 'access');
    if (finding?.shape === 'unknown') assert.ok(finding.fix?.snippet !== null);
  });
}

test('all fields of an access line are read', () => {
  const [finding] = readLines(
    note('proxy-status=- proxy-source-port=41234 proxy_timedout=1 worker=http://10.0.0.5:3000 log-id=aZ1'),
  );
  assert.equal(finding?.atMs, Date.UTC(2026, 10, 21, 9, 15, 30));
  assert.equal(finding?.request, 'GET /cart?id=7');
  assert.equal(finding?.durationMs, 60_012);
  assert.equal(finding?.upstream, 'http://10.0.0.5:3000');
  assert.equal(finding?.joins, 'aZ1');
});

test('lines of other programs are not recognised', () => {
  const foreign = [
    '2026/11/21 10:15:30 [error] 31#31: *1 connect() failed (111: Connection refused) while connecting to upstream',
    '192.0.2.7:51234 [21/Nov/2026:10:15:30.123] web app/app1 0/0/-1/-1/3 503 217 - - SC-- 1/1/0/0/3 0/0 "GET / HTTP/1.1"',
    `${request} 502 157 "-" "curl/8.5.0"`,
    '[2026-11-21T10:15:30.123Z] "GET / HTTP/1.1" 503 UF 0 91 3 - "-" "curl" "id" "host" "10.0.0.5:80"',
    '[error] something',
    '[]',
    '',
  ];
  for (const text of foreign) assert.deepEqual(readLines(text), [null], text);
});

test('no line makes the reader throw, however it is mutated', () => {
  const seeds = [...single, ...accesses].map(([line]) => line);
  assertReadsWhatItRecognises(apacheDialects, seeds);
});

test('a line of a megabyte is judged at once', () => {
  for (const text of [
    `${refused}${'x'.repeat(1_000_000)}`,
    '['.repeat(1_000_000),
    `${request.slice(0, -1)}${'\\"'.repeat(500_000)}`,
  ]) {
    for (const dialect of apacheDialects) dialect.open().read(text);
  }
});
