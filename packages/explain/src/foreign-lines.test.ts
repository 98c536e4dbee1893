import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explain } from './explain.ts';
import type { Finding } from './finding.ts';

/** What a line must be explained as; null: as the line of no gateway. */
type Expected = { readonly [member in 'gateway' | 'shape' | 'type' | 'upstream' | 'whose']?: Finding[member] } | null;

const fields = (server: string): string =>
  `, client: 198.51.100.7${server}, request: "GET /cart HTTP/1.1", upstream: "http://10.0.0.1:3000/cart", host: "a.example"`;
const nginx = (message: string, server = ', server: '): string =>
  `2026/03/02 10:14:07 [error] 812#812: *4411 ${message}${fields(server)}`;
const refused = 'connect() failed (111: Connection refused) while connecting to upstream';
const wrongVersion =
  'SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream';
const timedOut = 'upstream timed out (110: Connection timed out) while connecting to upstream';
const goRefused = 'dial tcp 10.0.0.1:5432: connect: connection refused';

const isRefused: Expected = { gateway: 'nginx', shape: 'unreachable', type: 'connection_refused' };
const isConnectTimeout: Expected = { gateway: 'nginx', shape: 'unreachable', type: 'connection_timeout' };
/** The status alone shows nothing, and a user agent is no upstream. */
const isOnlyStatus: Expected = { shape: 'unknown', type: null, upstream: null };

const cases: Readonly<Record<string, readonly (readonly [name: string, line: string, expected: Expected])[]>> = {
  "an nginx error whose server is empty, or missing, is judged by nginx's words": [
    ['refused, blank lost', nginx(refused, ', server:'), isRefused],
    ['refused, blank kept', nginx(refused), isRefused],
    ['refused, no server at all', nginx(refused, ''), isRefused],
    ['TLS, blank lost', nginx(wrongVersion, ', server:'), { shape: 'unreachable', type: 'tls_protocol_error' }],
    ['connect timeout, blank lost', nginx(timedOut, ', server:'), isConnectTimeout],
    [
      'no live upstreams, blank lost',
      nginx('no live upstreams while connecting to upstream', ', server:'),
      { shape: 'refused_by_gateway', type: 'destination_unavailable' },
    ],
  ],
  'other words around the words of nginx do not change the verdict': [
    [
      'words before and after',
      nginx('retry: the upstream timed out (110: Connection timed out) again while connecting to upstream (attempt 2)'),
      isConnectTimeout,
    ],
    [
      'words after the action',
      nginx('upstream timed out (110: Operation timed out) while connecting to upstream, retrying'),
      isConnectTimeout,
    ],
    ['words before a refusal', nginx(`peer 3: ${refused}`), isRefused],
    [
      'words before a reset',
      nginx('peer: recv() failed (104: Connection reset by peer) while reading response header from upstream'),
      { shape: 'reset', type: 'connection_terminated' },
    ],
    [
      'words before a read timeout',
      nginx('peer: upstream timed out (110: Connection timed out) while reading response header from upstream'),
      { shape: 'too_slow', type: 'connection_read_timeout' },
    ],
  ],
  'a field that only looks like one of nginx is not taken for it': [
    [
      'ua in JSON',
      '{"time_local":"21/Nov/2026:10:00:00 +0000","remote_addr":"192.0.2.3","request":"GET / HTTP/1.1","status":502,"ua":"curl/8.5.0"}',
      isOnlyStatus,
    ],
    [
      'an empty ua in JSON',
      '{"time_local":"21/Nov/2026:10:00:00 +0000","remote_addr":"192.0.2.3","request":"GET / HTTP/1.1","status":502,"ua":"-"}',
      isOnlyStatus,
    ],
    [
      'ua after combined',
      '192.0.2.3 - - [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 502 157 "-" "-" ua="curl/8.5.0"',
      isOnlyStatus,
    ],
    [
      'an empty ua after combined',
      '192.0.2.3 - - [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 502 157 "-" "-" ua="-"',
      isOnlyStatus,
    ],
    [
      'ua in LTSV',
      'time:21/Nov/2026:10:00:00 +0000\thost:192.0.2.3\treq:GET / HTTP/1.1\tstatus:502\tsize:157\tua:curl/8.5.0',
      null,
    ],
    ['ua in logfmt', 'time=2026-11-21T10:00:00Z method=GET path=/ status=502 ua=curl/8.5.0', null],
    ['ut and us of another program', 'level=info status=502 ua=- ut=12 us=3', null],
    [
      'ua beside the times of nginx',
      '192.0.2.3 - - [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 502 157 "-" "-" ua="curl/8.5.0" urt="0.003" uct="0.001" uht="0.003"',
      { shape: 'app_error', upstream: null },
    ],
    [
      'ua that is an address',
      '192.0.2.3 - - [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 502 157 "-" "-" rt=0.000 uct="-" uht="-" urt="0.000" us="502" ua="10.0.0.1:8080"',
      { shape: 'unreachable', upstream: '10.0.0.1:8080' },
    ],
  ],
  "Envoy's fields with names are Envoy's": [
    [
      'flags',
      'method=GET path=/ code=503 flags=UF upstream=10.0.0.1:80 duration=3',
      { gateway: 'envoy', shape: 'unreachable' },
    ],
    [
      'flags after a time',
      '[2026-11-21T10:00:00.000Z] method=GET path=/ code=503 flags=UF upstream_host=10.0.0.1:80',
      { gateway: 'envoy', shape: 'unreachable' },
    ],
    [
      'response_flag',
      'time=2026-11-21T10:00:00Z method=GET path=/a status=504 response_flag=UT upstream_host=10.0.0.1:80 upstream_cluster=x',
      { gateway: 'envoy', shape: 'too_slow', type: 'http_response_timeout' },
    ],
    [
      'no healthy host',
      'status=503 response_flags=UH upstream_host=- duration=0',
      { gateway: 'envoy', shape: 'refused_by_gateway' },
    ],
    [
      'flags with a colon',
      'status: 503 response_flags: UC upstream_host: "10.0.0.1:80"',
      { gateway: 'envoy', shape: 'reset' },
    ],
    ['tabs', 'status:503\tflags:UO\tupstream_cluster:shop', { gateway: 'envoy', shape: 'refused_by_gateway' }],
    [
      'an application that answers 503',
      'code=503 flags=- response_code_details=via_upstream upstream_host=10.0.0.1:80',
      { gateway: 'envoy', shape: 'app_error' },
    ],
  ],
  'an error of another program that is written as Traefik or Caddy write is not swallowed': [
    ['zap', `{"level":"error","ts":1795255200.123,"logger":"db","msg":"ping failed","error":"${goRefused}"}`, null],
    [
      'zap with a caller',
      `{"level":"error","ts":1795255200.123,"caller":"db/db.go:12","msg":"ping failed","error":"${goRefused}"}`,
      null,
    ],
    ['logrus', `time="2026-11-21T10:00:00Z" level=error msg="query failed" error="${goRefused}"`, null],
    ['zerolog', `2026-11-21T10:00:00Z ERR query failed error="${goRefused}"`, null],
    [
      'cloudflared on the console',
      '2026-11-21T10:00:00Z ERR  error="Unable to reach the origin service. The service may be down or it may not be responding to traffic from cloudflared: dial tcp 127.0.0.1:3000: connect: connection refused" connIndex=0 event=1 ingressRule=0 originService=http://localhost:3000',
      { gateway: 'cloudflared', shape: 'unreachable', type: 'connection_refused' },
    ],
    [
      'cloudflared in JSON',
      '{"level":"error","error":"Unable to reach the origin service. The service may be down or it may not be responding to traffic from cloudflared: dial tcp 127.0.0.1:3000: connect: connection refused","connIndex":0,"originService":"http://localhost:3000","time":"2026-11-21T10:00:00Z"}',
      { gateway: 'cloudflared', shape: 'unreachable', type: 'connection_refused' },
    ],
    [
      'cloudflared, and the client left',
      '2026-11-21T10:00:00Z ERR  error="Incoming request ended abruptly: context canceled" connIndex=0 ingressRule=0 originService=http://localhost:3000',
      { gateway: 'cloudflared', shape: 'client_abort' },
    ],
    [
      'ztunnel',
      '2026-11-21T10:00:00.123456Z\terror\taccess\tconnection complete\tsrc.addr=10.0.0.1:4000 src.workload="a" dst.addr=10.0.0.2:15008 dst.hbone_addr=10.0.0.2:80 direction="outbound" bytes_sent=0 bytes_recv=0 duration="1ms" error="connection failed: Connection refused (os error 111)"',
      { gateway: 'istio', shape: 'unreachable', type: 'connection_refused' },
    ],
    [
      'ztunnel, denied',
      '2026-11-21T10:00:00.123456Z\terror\taccess\tconnection complete\tsrc.addr=10.0.0.1:4000 dst.addr=10.0.0.2:15008 direction="inbound" bytes_sent=0 bytes_recv=0 duration="0ms" error="connection closed due to policy rejection: allow policies exist, but none allowed"',
      { gateway: 'istio', shape: 'refused_by_gateway', type: 'http_request_denied' },
    ],
    [
      'ztunnel without a failure',
      '2026-11-21T10:00:00.123456Z\tinfo\taccess\tconnection complete\tsrc.addr=10.0.0.1:4000 dst.addr=10.0.0.2:15008 direction="inbound" bytes_sent=10 bytes_recv=20 duration="5ms"',
      { gateway: 'istio', shape: 'none' },
    ],
  ],
  'a 502 of Traefik has the cause that its error names': [
    [
      'console',
      '2026-11-21T10:00:00Z DBG 502 Bad Gateway error="dial tcp 10.0.0.1:80: connect: no route to host"',
      { gateway: 'traefik', shape: 'unreachable', type: 'destination_ip_unroutable' },
    ],
    [
      'local time',
      '2026-11-21T10:00:00+02:00 DBG ../pkg/proxy/httputil/proxy.go:121 > 502 Bad Gateway error="dial tcp 10.0.0.1:80: connect: no route to host"',
      { gateway: 'traefik', shape: 'unreachable', type: 'destination_ip_unroutable' },
    ],
    [
      'logfmt',
      'time="2026-11-21T10:00:00+02:00" level=debug msg="502 Bad Gateway" error="dial tcp 10.0.0.1:80: connect: no route to host"',
      { gateway: 'traefik', shape: 'unreachable', type: 'destination_ip_unroutable' },
    ],
    [
      'without a time',
      '502 Bad Gateway error="dial tcp 10.0.0.1:80: connect: no route to host"',
      { gateway: 'traefik', shape: 'unreachable', type: 'destination_ip_unroutable' },
    ],
    [
      'level first',
      'DBG 502 Bad Gateway error="dial tcp 10.0.0.1:80: connect: no route to host"',
      { gateway: 'traefik', shape: 'unreachable', type: 'destination_ip_unroutable' },
    ],
  ],
  'a server whose name is left out of a line of Traefik is not missing': [
    [
      'time at an origin',
      '{"DownstreamContentSize":11,"DownstreamStatus":502,"Duration":54046957,"OriginContentSize":11,"OriginDuration":53939390,"OriginStatus":502,"RequestMethod":"GET","RequestPath":"/","time":"2026-11-21T10:00:00Z"}',
      { gateway: 'traefik', shape: 'unknown' },
    ],
    [
      'no time at an origin',
      '{"DownstreamContentSize":19,"DownstreamStatus":503,"Duration":46957,"OriginContentSize":0,"OriginDuration":0,"OriginStatus":0,"RequestMethod":"GET","RequestPath":"/","time":"2026-11-21T10:00:00Z"}',
      { gateway: 'traefik', shape: 'refused_by_gateway' },
    ],
  ],
  'invalid response headers in Apache are garbage of the application': [
    [
      'name',
      "[Sat Nov 21 10:00:00.123456 2026] [http:error] [pid 9:tid 140] [client 192.0.2.4:5] AH02429: Response header name 'X Y' contains invalid characters, aborting request",
      { shape: 'garbage', type: 'http_protocol_error' },
    ],
    [
      'value',
      "[Sat Nov 21 10:00:00.123456 2026] [http:error] [pid 9:tid 140] [client 192.0.2.4:5] AH02430: Response header 'X' value of 'a\\x01' contains invalid characters, aborting request",
      { shape: 'garbage', type: 'http_protocol_error' },
    ],
    [
      'of a proxy',
      "[Sat Nov 21 10:00:00.123456 2026] [proxy_http:error] [pid 9:tid 140] [client 192.0.2.4:5] AH02429: Response header name 'X Y' contains invalid characters, aborting request",
      { shape: 'garbage', type: 'http_protocol_error' },
    ],
  ],
  "Caddy's own response is not the application's": [
    [
      'respond "text" 503',
      '{"level":"error","ts":1795255200.1,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"192.0.2.4","proto":"HTTP/1.1","method":"GET","host":"a.example","uri":"/","headers":{}},"bytes_read":0,"user_id":"","duration":0.00001,"size":11,"status":503,"resp_headers":{"Server":["Caddy"],"Content-Type":["text/plain; charset=utf-8"]}}',
      { gateway: 'caddy', shape: 'refused_by_gateway', type: 'proxy_internal_response' },
    ],
    [
      'the same type from an application',
      '{"level":"error","ts":1795255200.1,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"192.0.2.4","proto":"HTTP/1.1","method":"GET","host":"a.example","uri":"/","headers":{}},"bytes_read":0,"user_id":"","duration":0.00001,"size":11,"status":503,"resp_headers":{"Server":["Caddy"],"Content-Type":["text/plain; charset=utf-8"],"Date":["Sat, 21 Nov 2026 10:00:00 GMT"]}}',
      { gateway: 'caddy', shape: 'app_error' },
    ],
  ],
  'a 503 of ingress-nginx that no endpoint got may be a limit': [
    [
      '503',
      '10.1.0.9 - - [21/Nov/2026:10:00:00 +0000] "GET / HTTP/2.0" 503 190 "-" "curl/8.5.0" 312 0.000 [shop-web-80] [] - - - - 0f3c5a7e9b1d2f4a6c8e0b1d3f5a7c9e',
      { shape: 'refused_by_gateway', type: null, whose: null },
    ],
    [
      '429',
      '10.1.0.9 - - [21/Nov/2026:10:00:00 +0000] "GET / HTTP/2.0" 429 190 "-" "curl/8.5.0" 312 0.000 [shop-web-80] [] - - - - 0f3c5a7e9b1d2f4a6c8e0b1d3f5a7c9e',
      { shape: 'refused_by_gateway', type: 'http_request_denied' },
    ],
  ],
};

for (const [promise, lines] of Object.entries(cases)) {
  describe(promise, () => {
    for (const [name, line, expected] of lines) {
      it(name, () => {
        const found = explain(line).lines[0] ?? null;
        assert.equal(found === null, expected === null);
        for (const [member, value] of Object.entries(expected ?? {}))
          assert.equal(found?.[member as keyof Finding], value, `${member}: ${JSON.stringify(found)}`);
      });
    }
  });
}

describe("the check's own words decide what HAProxy's event says", () => {
  const checks: readonly (readonly [string, RegExp])[] = [
    [
      'Server be/app1 is DOWN, reason: Layer4 connection problem, info: "SSL handshake failure (error:0A000086:SSL routines::certificate verify failed)", check duration: 2ms. 0 active and 0 backup servers left.',
      /certificate/,
    ],
    [
      'Server be/app1 is DOWN, reason: Layer6 invalid response, info: "SSL handshake failure (error:0A000086:SSL routines::certificate verify failed)", check duration: 2ms.',
      /certificate/,
    ],
    [
      'Health check for server be/app1 failed, reason: Layer4 connection problem, info: "SSL handshake failure", check duration: 1ms, status: 0/2 DOWN.',
      /TLS/,
    ],
    [
      'Server be/app1 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms.',
      /Start the application/,
    ],
    [
      'Server be/app1 is DOWN, reason: Layer4 connection problem, info: "No route to host", check duration: 0ms.',
      /network/,
    ],
  ];
  for (const [line, advice] of checks)
    it(line.slice(0, 110), () => assert.match(explain(line).lines[0]?.fix?.text ?? '', advice));
});
