import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Finding, FindingShape, GatewayProduct, LineKind } from '../finding.ts';
import { assertSurvives } from '../mutated-lines.test-support.ts';
import { platformDialects } from '../all-dialects.ts';

type Case = readonly [line: string, shape: FindingShape, type?: string | null];

function read(line: string): Finding | null {
  return (
    platformDialects
      .find((dialect) => dialect.recognise(line) > 0)
      ?.open()
      .read(line) ?? null
  );
}

function check(gateway: GatewayProduct, cases: readonly Case[], title: (line: string) => string): void {
  for (const [line, shape, type] of cases)
    it(`${gateway} reports ${type ?? shape}: ${title(line).slice(0, 100)}`, () => {
      const finding = read(line);
      assert.equal(finding?.gateway, gateway);
      assert.equal(finding.shape, shape);
      assert.equal(finding.type, type ?? null);
      if (shape === 'none') return;
      assert.notEqual(finding.evidence.length, 0);
      assert.notEqual(finding.sentence, '');
      if (shape === 'unknown') assert.notEqual(finding.fix, null);
      const born = shape === 'client_abort' ? 'client' : shape === 'app_error' ? 'application' : null;
      if (born !== null) assert.equal(finding.born, born);
    });
}

const at = '2026-11-21T10:00:00.123456+00:00';

const heroku = (code: string, desc: string, rest = 'dyno=web.1 connect=1ms service=7ms status=503 bytes=0'): string =>
  `${at} heroku[router]: at=error code=${code} desc="${desc}" method=GET path="/cart?x=1" host=shop.example.org request_id=8601b555-6a83-4c12-8269-97c8e32cdb22 fwd="192.0.2.17" ${rest} protocol=https`;

const herokuCases: readonly Case[] = [
  [
    `${at} heroku[router]: at=info method=GET path="/" host=shop.example.org request_id=1 fwd="192.0.2.17" dyno=web.1 connect=0ms service=12ms status=200 bytes=1204 protocol=https`,
    'none',
  ],
  [
    'at=info method=GET path="/" host=shop.example.org request_id=1 fwd="192.0.2.17" dyno=web.1 connect=0ms service=12ms status=500 bytes=1204 protocol=https',
    'app_error',
  ],
  [
    `287 <158>1 2026-11-21T10:00:00+00:00 host heroku router - at=info method=GET path="/" host=x dyno=web.1 connect=0ms service=12ms status=503 bytes=12 protocol=https`,
    'app_error',
  ],
  [
    heroku('H10', 'App crashed', 'dyno= connect= service= status=503 bytes='),
    'refused_by_gateway',
    'destination_unavailable',
  ],
  [heroku('H11', 'Backlog too deep'), 'refused_by_gateway', 'connection_limit_reached'],
  [
    heroku('H12', 'Request timeout', 'dyno=web.1 connect=1ms service=30001ms status=503 bytes=0'),
    'too_slow',
    'http_response_timeout',
  ],
  [heroku('H13', 'Connection closed without response'), 'reset', 'connection_terminated'],
  [heroku('H14', 'No web processes running'), 'refused_by_gateway', 'destination_unavailable'],
  [heroku('H15', 'Idle connection'), 'too_slow', 'connection_read_timeout'],
  [heroku('H17', 'Poorly formatted HTTP response'), 'garbage', 'http_protocol_error'],
  [
    heroku('H18', 'Server Request Interrupted', 'dyno=web.1 connect=1ms service=7ms status=503 bytes=0 sock=backend'),
    'reset',
    'connection_terminated',
  ],
  [
    heroku('H18', 'Server Request Interrupted', 'dyno=web.1 connect=1ms service=7ms status=200 bytes=812 sock=backend'),
    'reset',
    'http_response_incomplete',
  ],
  [
    heroku('H18', 'Server Request Interrupted', 'dyno=web.1 connect=1ms service=7ms status=503 bytes=0 sock=client'),
    'client_abort',
  ],
  [heroku('H18', 'Server Request Interrupted'), 'reset', 'connection_terminated'],
  [heroku('H19', 'Backend connection timeout'), 'unreachable', 'connection_timeout'],
  [heroku('H20', 'App boot timeout'), 'unreachable', 'connection_timeout'],
  [heroku('H21', 'Backend connection refused'), 'unreachable', 'connection_refused'],
  [heroku('H22', 'Connection limit reached'), 'refused_by_gateway', 'connection_limit_reached'],
  [heroku('H23', 'Endpoint misconfigured'), 'refused_by_gateway', 'proxy_configuration_error'],
  [heroku('H24', 'Forced close'), 'refused_by_gateway', 'proxy_internal_error'],
  [heroku('H25', 'HTTP restriction: invalid content length'), 'garbage', 'http_protocol_error'],
  [heroku('H26', 'Request Error'), 'client_abort', 'http_request_error'],
  [heroku('H27', 'Client Request Interrupted'), 'client_abort'],
  [
    `${at} heroku[router]: sock=client at=warning code=H27 desc="Client Request Interrupted" method=POST path="/" host=x dyno=web.1 connect=1ms service=0ms status=499 bytes=0`,
    'client_abort',
  ],
  [heroku('H28', 'Client Connection Idle'), 'client_abort'],
  [heroku('H31', 'Misdirected Request'), 'client_abort', 'http_request_error'],
  [heroku('H80', 'Maintenance mode'), 'refused_by_gateway', 'proxy_internal_response'],
  [heroku('H81', 'Blank app'), 'refused_by_gateway', 'destination_unavailable'],
  [
    heroku('H82', 'Free dyno quota exhausted').replace('at=error', 'at=info'),
    'refused_by_gateway',
    'destination_unavailable',
  ],
  [heroku('H99', 'Platform error'), 'refused_by_gateway', 'proxy_internal_error'],
  [heroku('H77', 'Something new'), 'unknown'],
  [
    '2026-11-21T10:00:00-08:00 heroku[router]: Error H12 (Request timeout) -> POST shop.example.org/cart dyno=web.1 queue= wait= service=30000ms status=503 bytes=0',
    'too_slow',
    'http_response_timeout',
  ],
  [`${at} heroku[web.1]: Error R14 (Memory quota exceeded)`, 'none'],
  [`${at} heroku[web.1]: State changed from up to crashed`, 'none'],
];

const fly = (said: string, level = 'error'): string =>
  `2026-11-21T10:00:00Z proxy[148e2d7f6a1e89] ams [${level}] ${said}`;

const flyCases: readonly Case[] = [
  [
    fly(
      '[PC01] instance refused connection. is your app listening on 0.0.0.0:8080? make sure it is not only listening on 127.0.0.1',
    ),
    'unreachable',
    'connection_refused',
  ],
  [fly('[PC02] connection refused'), 'unreachable', 'connection_refused'],
  [fly('[PC03] connection reset'), 'reset', 'connection_terminated'],
  [fly('[PC04] connection aborted'), 'reset', 'connection_terminated'],
  [fly('[PC05] connection timed out'), 'unreachable', 'connection_timeout'],
  [fly('[PC06] unidentified I/O error'), 'unknown'],
  [fly('[PC07] connection retries exhausted'), 'unreachable'],
  [fly('[PC08] could not set the timeout'), 'refused_by_gateway', 'proxy_internal_error'],
  [fly('[PU01] failed HTTP/2 handshake'), 'garbage', 'http_protocol_error'],
  [
    fly('[PU02] could not complete HTTP request to instance: connection closed before message completed'),
    'reset',
    'connection_terminated',
  ],
  [
    fly('[PU02] could not complete HTTP request to instance: connection error: timed out'),
    'too_slow',
    'connection_read_timeout',
  ],
  [fly('[PU03] unreachable worker host'), 'unreachable', 'destination_ip_unroutable'],
  [
    fly('[PM03] could not wake up machine due to a timeout requesting from the machines API'),
    'refused_by_gateway',
    'destination_unavailable',
  ],
  [fly('[PM05] failed to connect to machine: gave up after 15 attempts (in 8.2s)'), 'unreachable'],
  [fly('[PR01] no known healthy instances found for route tcp/443'), 'refused_by_gateway', 'destination_unavailable'],
  [
    fly('[PR03] could not find a good candidate within 40 attempts at load balancing'),
    'refused_by_gateway',
    'destination_unavailable',
  ],
  [
    fly('[PR04] could not find a good candidate within 40 attempts at load balancing'),
    'refused_by_gateway',
    'destination_unavailable',
  ],
  [fly('[PA02] fly-replay was returned too many times'), 'refused_by_gateway', 'proxy_loop_detected'],
  [fly('[PT04] tls handshake failed'), 'client_abort', 'http_request_error'],
  [fly('[PT02] could not proxy TCP data'), 'unknown'],
  [
    '[error] [PC01] instance refused connection. is your app listening on 0.0.0.0:8080?',
    'unreachable',
    'connection_refused',
  ],
  [
    fly(
      'error.code=2 error.message="instance refused connection. is your app listening on 0.0.0.0:8080?" request.method="GET" request.id="01H" request.url="https://shop.example.org/cart" response.status=502',
    ),
    'unreachable',
    'connection_refused',
  ],
  [
    fly(
      'could not find a good candidate within 90 attempts at load balancing. last error: no known healthy instances found for route tcp/443',
    ),
    'refused_by_gateway',
    'destination_unavailable',
  ],
  [fly('could not make HTTP request to instance: connection error: timed out'), 'too_slow', 'connection_read_timeout'],
  [fly('an unknown message'), 'unknown'],
  [fly('[PL01] connection concurrency limit'), 'refused_by_gateway', 'connection_limit_reached'],
  [fly('Instance 148e2d7f6a1e89 reached hard limit of 25 concurrent connections.', 'warn'), 'none'],
  [fly('Starting machine', 'info'), 'none'],
  [
    '2026-11-21T10:00:00Z health[148e2d7f6a1e89] ams [error] Health check on port 8080 has failed. Your app is not responding properly.',
    'none',
  ],
  [
    JSON.stringify({
      event: { provider: 'proxy' },
      fly: { app: { instance: '148e2d7f6a1e89', name: 'shop' }, region: 'ams' },
      log: { level: 'error' },
      message: '[PC01] instance refused connection.',
      timestamp: '2026-11-21T10:00:00.123456789Z',
    }),
    'unreachable',
    'connection_refused',
  ],
];

const drain = (fields: object): string =>
  JSON.stringify({
    id: '1',
    deploymentId: 'dpl_1',
    projectId: 'prj_1',
    source: 'lambda',
    host: 'shop.vercel.app',
    timestamp: 1795250538058,
    level: 'error',
    ...fields,
  });

const vercelCases: readonly Case[] = [
  [
    '[POST] /api/orders reason=FUNCTION_INVOCATION_TIMEOUT, status=504, user_error=true',
    'too_slow',
    'http_response_timeout',
  ],
  [
    '[GET] /api/x reason=EDGE_FUNCTION_INVOCATION_TIMEOUT, status=504, user_error=true',
    'too_slow',
    'http_response_timeout',
  ],
  ['[GET] /api/x reason=FUNCTION_INVOCATION_FAILED, status=500, user_error=true', 'app_error'],
  ['[GET] /api/x reason=NO_RESPONSE_FROM_FUNCTION, status=502, user_error=true', 'reset', 'connection_terminated'],
  ['[GET] /api/x reason=BODY_NOT_A_STRING_FROM_FUNCTION, status=502', 'garbage', 'http_protocol_error'],
  ['[GET] /api/x reason=FUNCTION_THROTTLED, status=503', 'refused_by_gateway', 'connection_limit_reached'],
  ['[GET] /api/x reason=DNS_HOSTNAME_NOT_FOUND, status=502', 'unreachable', 'dns_error'],
  ['[GET] /api/x reason=DNS_HOSTNAME_RESOLVED_PRIVATE, status=404', 'refused_by_gateway', 'destination_ip_prohibited'],
  ['[GET] /api/x reason=ROUTER_EXTERNAL_TARGET_CONNECTION_ERROR, status=502', 'unreachable'],
  ['[GET] /api/x reason=ROUTER_EXTERNAL_TARGET_HANDSHAKE_ERROR, status=502', 'unreachable', 'tls_protocol_error'],
  ['[GET] /api/x reason=ROUTER_EXTERNAL_TARGET_ERROR, status=502', 'unknown'],
  ['[GET] /api/x reason=INFINITE_LOOP_DETECTED, status=508', 'refused_by_gateway', 'proxy_loop_detected'],
  ['[GET] /api/x reason=DEPLOYMENT_PAUSED, status=503', 'refused_by_gateway', 'destination_unavailable'],
  ['[POST] /api/x reason=FUNCTION_PAYLOAD_TOO_LARGE, status=413', 'client_abort', 'http_request_error'],
  ['[GET] /api/x reason=INTERNAL_CACHE_LOCK_FULL, status=500', 'refused_by_gateway', 'proxy_internal_error'],
  ['[GET] /api/x status=200', 'none'],
  ['Code: FUNCTION_INVOCATION_TIMEOUT', 'too_slow', 'http_response_timeout'],
  ['x-vercel-error: NO_RESPONSE_FROM_FUNCTION', 'reset', 'connection_terminated'],
  [drain({ message: 'ok', statusCode: 200, proxy: { method: 'GET', path: '/api/x', statusCode: 200 } }), 'none'],
  [
    drain({ message: '2026-11-21T10:00:00.000Z 4148955a Task timed out after 10.01 seconds', statusCode: 504 }),
    'too_slow',
    'http_response_timeout',
  ],
  [
    drain({ message: '', statusCode: -1, proxy: { method: 'GET', path: '/api/x', statusCode: 502 } }),
    'reset',
    'connection_terminated',
  ],
  [
    drain({ message: 'TypeError: x is undefined', proxy: { method: 'GET', path: '/api/x', statusCode: 500 } }),
    'app_error',
  ],
  [drain({ message: '', proxy: { method: 'GET', path: '/api/x', statusCode: 502 } }), 'unknown'],
];

const gcp = (statusDetails: string | null, status: number, more: object = {}): string =>
  JSON.stringify({
    httpRequest: {
      requestMethod: 'GET',
      requestUrl: 'https://shop.example.org/cart?x=1',
      status,
      latency: '30.000971s',
      serverIp: '10.0.0.2',
    },
    insertId: '1abc',
    timestamp: '2026-11-21T10:00:00.123456Z',
    resource: { type: 'http_load_balancer', labels: { backend_service_name: 'shop' } },
    jsonPayload: {
      '@type': 'type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry',
      ...(statusDetails === null ? {} : { statusDetails }),
      ...more,
    },
  });

const gcpCases: readonly Case[] = [
  [gcp('response_sent_by_backend', 200), 'none'],
  [gcp('response_sent_by_backend', 502), 'app_error'],
  [gcp('response_from_cache', 200), 'none'],
  [gcp('failed_to_connect_to_backend', 502), 'unreachable'],
  [gcp('failed_to_pick_backend', 503), 'refused_by_gateway', 'destination_unavailable'],
  [gcp('backend_timeout', 502), 'too_slow', 'http_response_timeout'],
  [gcp('backend_timeout', 504), 'too_slow', 'http_response_timeout'],
  [gcp('backend_connection_closed_before_data_sent_to_client', 502), 'reset', 'connection_terminated'],
  [gcp('backend_connection_closed_after_partial_response_sent', 200), 'reset', 'http_response_incomplete'],
  [gcp('backend_response_corrupted', 502), 'garbage', 'http_protocol_error'],
  [gcp('backend_response_headers_too_long', 502), 'garbage', 'http_response_header_section_size'],
  [gcp('backend_early_response_with_non_error_status', 502), 'garbage', 'http_protocol_error'],
  [gcp('error_uncompressing_gzipped_body', 503), 'garbage', 'http_response_content_coding'],
  [gcp('websocket_handshake_failed', 502), 'garbage', 'http_upgrade_failed'],
  [gcp('ssl_certificate_chain_verification_failed', 502), 'unreachable', 'tls_certificate_error'],
  [gcp('failed_to_negotiate_alpn', 502), 'unreachable', 'tls_protocol_error'],
  [gcp('client_disconnected_before_any_response', 0), 'client_abort'],
  [gcp('client_disconnected_after_partial_response', 200), 'client_abort'],
  [gcp('client_timed_out', 408), 'client_abort'],
  [gcp('client_cert_not_provided', 0), 'client_abort', 'http_request_error'],
  [gcp('headers_too_long', 413), 'client_abort', 'http_request_error'],
  [gcp('denied_by_security_policy', 403), 'refused_by_gateway', 'http_request_denied'],
  [gcp('throttled_by_security_policy', 429), 'refused_by_gateway', 'http_request_denied'],
  [gcp('internal_error', 500), 'refused_by_gateway', 'proxy_internal_error'],
  [gcp('request_loop_detected', 502), 'refused_by_gateway', 'proxy_loop_detected'],
  [gcp('handled_by_identity_aware_proxy', 302), 'none'],
  [gcp('something_new', 502), 'unknown'],
  [
    gcp('', 502, { proxyStatus: 'error="connection_refused"; details="connect_error"' }),
    'unreachable',
    'connection_refused',
  ],
  [
    gcp('failed_to_connect_to_backend', 503, { proxyStatus: 'error="connection_timeout"' }),
    'unreachable',
    'connection_timeout',
  ],
  [gcp('response_sent_by_backend', 503, { proxyStatus: 'error="connection_refused"' }), 'app_error'],
  [
    gcp('', 0, { proxyStatus: 'error="http_request_error"; details="client_disconnected_before_any_response"' }),
    'client_abort',
  ],
  [gcp(null, 502), 'unknown'],
  [gcp(null, 200), 'none'],
  [
    '{"@type":"type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry","statusDetails":"failed_to_pick_backend"}',
    'refused_by_gateway',
    'destination_unavailable',
  ],
  ['{"statusDetails":"backend_timeout"}', 'too_slow', 'http_response_timeout'],
];

describe('the logs of platform routers', () => {
  check('heroku', herokuCases, (line) => line.replace(/ method=.*/, ''));
  check('fly', flyCases, (line) => line.slice(line.indexOf('] ') + 2));
  check('vercel', vercelCases, (line) => line);
  check('gcp-lb', gcpCases, (line) => /"statusDetails":"\w*"/.exec(line)?.[0] ?? 'no details');

  const kinds: readonly (readonly [string, LineKind])[] = [
    [heroku('H12', 'Request timeout'), 'access'],
    [`${at} heroku[web.1]: Error R14 (Memory quota exceeded)`, 'event'],
    [fly('Starting machine', 'info'), 'event'],
    [gcp('backend_timeout', 502), 'access'],
  ];
  for (const [line, kind] of kinds)
    it(`have lines of the kind ${kind}: ${line.slice(0, 80)}`, () => assert.equal(read(line)?.kind, kind));

  it('name the time, request, status and region', () => {
    const finding = read(heroku('H12', 'Request timeout', 'dyno=web.1 connect=1ms service=30001ms status=503 bytes=0'));
    assert.equal(finding?.atMs, Date.parse('2026-11-21T10:00:00.123Z'));
    assert.deepEqual(
      [finding?.request, finding?.status, finding?.upstream, finding?.durationMs],
      ['GET /cart?x=1', 503, 'web.1', 30_001],
    );
    assert.deepEqual(finding?.evidence, ['code=H12 desc="Request timeout"']);
    const cloud = read(gcp('backend_timeout', 502));
    assert.deepEqual(
      [cloud?.request, cloud?.status, cloud?.upstream, cloud?.durationMs],
      ['GET /cart?x=1', 502, '10.0.0.2', 30_001],
    );
    assert.equal(
      read(`${at} heroku[web.1]: Error R15 (Memory quota vastly exceeded)`)?.evidence[0],
      'Error R15 (Memory quota vastly exceeded)',
    );
  });

  it('are not confused with lines of applications', () => {
    for (const line of [
      `${at} app[web.1]: Error H12 of my own`,
      '2026-11-21T10:00:00Z app[148e2d7f6a1e89] ams [info] [PC01]',
      'at=info',
      '[GET] /x',
      'Code: SOMETHING_OF_MINE',
      '{"level":"error"}',
    ])
      assert.equal(read(line), null, line);
  });

  it('are read without an exception, whatever the line', () => {
    assertSurvives(
      platformDialects,
      [herokuCases, flyCases, vercelCases, gcpCases].flat().map(([line]) => line),
    );
  });
});
