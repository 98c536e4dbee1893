import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { proxyErrors } from '../../../failures/src/proxy-error.ts';
import { isGatewayFailure } from '../finding.ts';
import { findingOfLine, inShort } from './reading.test-support.ts';

const start = (status: string, request = 'GET /cart HTTP/1.1'): string =>
  `192.0.2.7 - - [21/Nov/2026:21:59:47 +0100] "${request}" ${status} 157 "-" "curl/8.5.0"`;
const more = (status: string, fields: string): string => `${start(status)} rt=0.010 ${fields}`;

const never = 'access unreachable - connect';
const appError = 'access app_error - -';
const unknown = 'access unknown - -';

/** Lines that nginx 1.22 wrote with these fields, in front of an application that failed as named. */
const fields: readonly (readonly [string, string, string])[] = [
  ['a refusal', more('502', 'ua="10.0.0.5:80" us="502" uct="-" uht="-" urt="0.000" ubr="0"'), never],
  [
    'a refusal by two',
    more('502', 'ua="10.0.0.5:80, 10.0.0.6:80" us="502, 502" uct="-, -" uht="-, -" urt="0.000, 0.000" ubr="0, 0"'),
    never,
  ],
  [
    'a socket that is not there',
    more('502', 'ua="unix:/run/app.sock" us="502" uct="-" uht="-" urt="0.000" ubr="0"'),
    'access unreachable connection_refused connect',
  ],
  [
    'a connection that does not come',
    more('504', 'ua="10.0.0.5:80" us="504" uct="-" uht="-" urt="60.001" ubr="0"'),
    'access unreachable connection_timeout connect',
  ],
  [
    'a group with no server left',
    more('502', 'ua="shop" us="502" uct="-" uht="-" urt="0.000" ubr="0"'),
    'access refused_by_gateway destination_unavailable route',
  ],
  [
    'an application that broke off',
    more('502', 'ua="10.0.0.5:80" us="502" uct="0.000" uht="-" urt="0.002" ubr="0"'),
    'access reset connection_terminated response',
  ],
  [
    'an application that is too slow',
    more('504', 'ua="10.0.0.5:80" us="504" uct="0.000" uht="-" urt="60.001" ubr="0"'),
    'access too_slow connection_read_timeout response',
  ],
  [
    'a head that does not fit',
    more('502', 'ua="10.0.0.5:80" us="502" uct="0.000" uht="-" urt="0.001" ubr="4096"'),
    'access garbage http_response_header_section_size response',
  ],
  [
    'half a head, or one that is no HTTP',
    more('502', 'ua="10.0.0.5:80" us="502" uct="0.000" uht="-" urt="0.001" ubr="32"'),
    unknown,
  ],
  [
    'a gRPC call that was rejected, or garbage',
    `${start('502', 'POST /shop.Cart/Add HTTP/2.0')} ua="10.0.0.5:80" us="502" uct="0.000" uht="-" ubr="31"`,
    unknown,
  ],
  [
    'an answer without any head',
    more('009', 'ua="10.0.0.5:80" us="200" uct="0.001" uht="0.002" urt="0.002" ubr="19"'),
    'access garbage http_protocol_error response',
  ],
  [
    "the application's own 502",
    more('502', 'ua="10.0.0.5:80" us="502" uct="0.000" uht="0.001" urt="0.001" ubr="66"'),
    appError,
  ],
  [
    "the application's own 503",
    more('503', 'ua="10.0.0.5:80" us="503" uct="0.000" uht="0.001" urt="0.001" ubr="62"'),
    appError,
  ],
  ["the application's own 503, without times", more('503', 'ua="10.0.0.5:80" us="503"'), appError],
  ["the application's own 504, with content", more('504', 'ua="10.0.0.5:80" us="504" urt="0.100" ul="31"'), appError],
  [
    'a second server that answered',
    more('200', 'ua="10.0.0.5:80, 10.0.0.6:80" us="502, 200" uct="-, 0.000" uht="-, 0.001" urt="0.000, 0.001"'),
    'access none - -',
  ],
  [
    'a fallback page',
    more('502', 'ua="10.0.0.5:80 : 10.0.0.9:80" us="502 : 200" uct="- : 0.000" uht="- : 0.001" urt="0.000 : 0.001"'),
    never,
  ],
  [
    'a fallback page that failed too',
    more('502', 'ua="10.0.0.5:80 : 10.0.0.9:80" us="502 : 503" uct="- : 0.000" uht="- : 0.001" urt="0.000 : 0.001"'),
    never,
  ],
  ['a limit', more('503', 'ua="-" us="-" uct="-" uht="-" urt="-" ubr="-"'), 'access refused_by_gateway - route'],
  ['a rate', more('429', 'ua="-" us="-"'), 'access refused_by_gateway http_request_denied route'],
  [
    'a name that is not found, or a `return 502`',
    more('502', 'ua="-" us="-" uct="-" uht="-" urt="-" ubr="-"'),
    unknown,
  ],
  [
    'a client that left',
    more('499', 'ua="10.0.0.5:80" us="-" uct="0.000" uht="-" urt="0.302" ubr="0"'),
    'access client_abort - -',
  ],
  ['a status alone', start('502'), unknown],
  ['a status and how long it took', more('504', 'urt="60.001"'), unknown],
  ['no time until the head', more('502', 'ua="10.0.0.5:80" us="502" uct="0.000" urt="0.001"'), unknown],
  [
    'a break or garbage, without the bytes',
    more('502', 'ua="10.0.0.5:80" us="502" uct="0.000" uht="-" urt="0.001"'),
    unknown,
  ],
  ['a 500 of unknown authors', start('500'), unknown],
  ['a client that left, in combined', start('499'), 'access client_abort - -'],
  ['a client that was too slow', start('408'), 'access client_abort http_request_error -'],
  ['bytes that are no request', start('400', '\\x16\\x03\\x01'), 'access client_abort http_request_error -'],
  ["the application's own 400", start('400'), 'access none - -'],
  ['nothing wrong', start('200'), 'access none - -'],
];

const ingress = (status: string, rest: string): string =>
  `${start(status)} 310 0.002 [default-shop-80] [] ${rest} 3f5a6c7d8e9f00112233445566778899`;
const iso = '2026-11-21T21:59:47+01:00';

const formats: readonly (readonly [string, string, string])[] = [
  ['ingress-nginx', ingress('502', '10.42.0.7:8080, 10.42.0.8:8080 0, 0 0.001, 0.001 502, 502'), unknown],
  ['ingress-nginx', ingress('502', '10.42.0.7:8080 33 0.001 502'), appError],
  ['ingress-nginx', ingress('503', '- - - -'), 'access refused_by_gateway - route'],
  ['ingress-nginx', ingress('200', '10.42.0.7:8080 33 0.001 200'), 'access none - -'],
  [
    'apisix',
    '192.0.2.7 - - [21/Nov/2026:21:59:47 +0000] shop.example "GET / HTTP/1.1" 503 157 0.001 "-" "curl/8.5.0" - - - "http://shop.example"',
    'access refused_by_gateway - route',
  ],
  [
    'apisix',
    '192.0.2.7 - - [21/Nov/2026:21:59:47 +0000] shop.example "GET / HTTP/1.1" 500 157 0.001 "-" "curl/8.5.0" 10.0.0.5:80 500 0.001 "http://shop.example"',
    appError,
  ],
  ['kong', `${start('503')} kong_request_id: "3f5a6c7d8e9f00112233445566778899"`, unknown],
  [
    'kong',
    `{"kong_request_id":"0f00","status":503,"upstream_addr":"","upstream_status":"","request_time":"0.001"}`,
    unknown,
  ],
  ['nginx', `${start('499')} "198.51.100.1, 198.51.100.2"`, 'access client_abort - -'],
  [
    'nginx',
    `${start('502')} upstream_addr 10.0.0.5:80 upstream_status 503 msec 1763762387.123 request_time 0.001`,
    appError,
  ],
  [
    'nginx',
    `{"time":"${iso}","remote_addr":"192.0.2.7","request":"GET /cart HTTP/1.1","status":"502","upstream_addr":"10.0.0.5:80","upstream_status":"502","upstream_connect_time":"","upstream_header_time":""}`,
    never,
  ],
  [
    'nginx',
    `{"time":"${iso}","status":502,"requestMethod":"GET","uri":"/cart","upstreamConnectTime":"0.001","upstreamHeaderTime":"0.003"}`,
    appError,
  ],
  [
    'nginx',
    `{"@timestamp":"${iso}","nginx":{"status":504,"upstream":{"addr":"10.0.0.5:80","status":"504","connect_time":"0.000","header_time":"-"}}}`,
    'access too_slow connection_read_timeout response',
  ],
  [
    'nginx',
    `{"status": 502, "request_time": 0.010, "upstream_connect_time": -, -, "upstream_response_time": 0.001, 0.002, "remote_addr":"192.0.2.7"}`,
    never,
  ],
  ['nginx', `{"remote_addr":"192.0.2.7","status":200,"request_uri":"/"}`, 'access none - -'],
  [
    'ingress-nginx',
    `{"remote_addr":"192.0.2.7","status":503,"proxy_upstream_name":"default-shop-80","upstream_addr":"","upstream_status":""}`,
    'access refused_by_gateway - route',
  ],
  [
    'nginx',
    '"21/Nov/2026:21:59:47 +0000" client=192.0.2.7 method=GET request="GET /cart HTTP/1.1" status=502 user_agent="curl/8.5.0" upstream_addr=10.0.0.5:80 upstream_status=502 upstream_connect_time=- upstream_header_time=-',
    never,
  ],
  [
    'nginx',
    'time:21/Nov/2026:21:59:47 +0000\thost:192.0.2.7\treq:GET /cart HTTP/1.1\tstatus:504\treqtime:60.001\tupstream_addr:10.0.0.5:80\tupstream_status:504\tupstream_connect_time:0.001\tupstream_header_time:-',
    'access too_slow connection_read_timeout response',
  ],
  ['nginx', '192.0.2.7 [21/Nov/2026:21:59:47 +0000] TCP 502 0 0 0.001 "10.0.0.5:5432" "0" "0" "-"', never],
  [
    'nginx',
    '192.0.2.7 [21/Nov/2026:21:59:47 +0000] TCP 200 512 180 1.204 "10.0.0.5:5432" "180" "512" "0.001"',
    'access none - -',
  ],
];

const kongRecord = (status: number, source: string, upstreamStatus: string, tries: string): string =>
  `{"response":{"status":${status},"size":232},"tries":[${tries}],"latencies":{"kong":1,"proxy":-1,"request":4},"started_at":1763762387123,"request":{"id":"0f00","method":"GET","uri":"/cart","size":80},"source":"${source}","upstream_status":"${upstreamStatus}"}`;
const oneTry = '{"ip":"10.0.0.5","port":8080,"balancer_latency":0}';

const kongRecords: readonly (readonly [string, string])[] = [
  [kongRecord(200, 'upstream', '200', oneTry), 'access none - -'],
  [kongRecord(502, 'upstream', '502', oneTry), appError],
  [kongRecord(502, 'kong', '502', oneTry), unknown],
  [kongRecord(503, 'kong', '', ''), unknown],
  [kongRecord(429, 'kong', '', ''), 'access none - -'],
];

describe("a record of Kong's log plugins", () => {
  for (const [text, expected] of kongRecords) {
    test(`reports "${expected}": ${text.slice(0, 30)}`, () => {
      const finding = findingOfLine(text);
      assert.equal(finding?.gateway, 'kong');
      assert.equal(inShort(finding), expected);
      assert.equal(finding?.request, 'GET /cart');
      assert.equal(finding?.joins, 'request 0f00');
    });
  }
});

describe('an access line of nginx', () => {
  for (const [what, text, expected] of fields) {
    test(`reports ${what}: "${expected}"`, () => {
      assert.equal(inShort(findingOfLine(text)), expected);
    });
  }

  for (const [product, text, expected] of formats) {
    test(`is of ${product}, and reports "${expected}": ${text.slice(0, 60)}`, () => {
      const finding = findingOfLine(text);
      assert.equal(finding?.gateway, product);
      assert.equal(inShort(finding), expected);
    });
  }

  test('fulfils the rules for every finding', () => {
    for (const [, text] of [...fields, ...formats]) {
      const finding = findingOfLine(text);
      assert.ok(finding !== null, text);
      if (finding.type !== null) assert.equal(proxyErrors[finding.type].shape, finding.shape, text);
      if (finding.shape === 'none') continue;
      assert.ok(finding.evidence.length > 0 && finding.sentence !== '', text);
      if (isGatewayFailure(finding)) assert.ok(finding.fix !== null, text);
    }
  });

  test('reports the time in its zone, the duration, and the endpoint that was tried last', () => {
    const finding = findingOfLine(
      more('502', 'conn=42 ua="10.0.0.5:80, 10.0.0.6:80" us="504, 502" uct="-, -" uht="-, -"'),
    );
    assert.equal(finding?.atMs, Date.UTC(2026, 10, 21, 20, 59, 47));
    assert.equal(finding?.durationMs, 10);
    assert.equal(finding?.upstream, '10.0.0.6:80');
    assert.equal(finding?.joins, 'connection 42');
    assert.equal(finding?.status, 502);
    assert.equal(finding?.request, 'GET /cart');
  });

  test('whose format lacks variables recommends exactly those', () => {
    const combined = findingOfLine(start('502'))?.fix;
    assert.match(combined?.snippet ?? '', /^log_format upstream .*\$upstream_header_time.*\naccess_log /s);
    const some = findingOfLine(more('502', 'ua="10.0.0.5:80" us="502" uct="0.000" uht="-"'))?.fix;
    assert.match(some?.text ?? '', /`\$upstream_bytes_received`/);
    assert.doesNotMatch(some?.text ?? '', /upstream_connect_time/);
    assert.match(
      findingOfLine(ingress('502', '10.42.0.7:8080 0 0.001 502'))?.fix?.snippet ?? '',
      /^log-format-upstream: /,
    );
  });

  test('is not taken if it has fields that only other gateways write', () => {
    const envoy = '{"response_code":503,"response_flags":"UF","upstream_host":"10.0.0.5:80","bytes_sent":91}';
    const traefik = '{"DownstreamStatus":502,"OriginStatus":0,"RouterName":"a","request_time":1,"status":502}';
    for (const text of [envoy, traefik, '{"level":"error","msg":"boom"}', 'hello', ''])
      assert.equal(findingOfLine(text), null);
  });
});
