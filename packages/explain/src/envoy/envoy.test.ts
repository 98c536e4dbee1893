import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../finding.ts';
import { assertSurvives } from '../mutated-lines.test-support.ts';
import { envoyDialects } from './envoy.ts';

function read(line: string): Finding | null {
  const dialect = envoyDialects.find((one) => one.recognise(line) === 2);
  return dialect?.open().read(line) ?? null;
}

const id = '5f2c4b1e-9a51-4f0f-8c5e-1c0a9c3f7a11';

/** Envoy's default format. */
function envoy(codeAndFlags: string, rest: { duration?: number; service?: string; host?: string } = {}): string {
  const { duration = 12, service = '-', host = '10.0.0.5:8080' } = rest;
  return `[2026-09-21T10:00:00.250Z] "GET /cart?id=1 HTTP/1.1" ${codeAndFlags} 0 91 ${duration} ${service} "192.0.2.7" "Mozilla/5.0 (X11; "odd" Linux)" "${id}" "shop.test" "${host}"`;
}

/** Istio's, from version 1.7 on. */
function istio(
  codeAndFlags: string,
  details: string,
  reason = '-',
  cluster = 'outbound|80||app.default.svc.cluster.local',
): string {
  return `[2026-09-21T10:00:00.250Z] "GET /cart HTTP/2" ${codeAndFlags} ${details} - "${reason}" 0 145 3 - "-" "curl/8.5.0" "${id}" "app" "10.0.0.5:8080" ${cluster} 10.0.0.9:44336 10.96.0.7:80 10.0.0.9:44408 - default`;
}

function json(fields: Record<string, unknown>): string {
  return JSON.stringify({
    start_time: '2026-09-21T10:00:00.250Z',
    method: 'GET',
    path: '/cart',
    request_id: id,
    ...fields,
  });
}

const started = 'upstream_reset_before_response_started';
const inbound = 'inbound|8080||';
const oldIstio = `[2026-09-21T10:00:00.250Z] "GET /cart HTTP/1.1" 503 UF "-" "TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER" 0 91 5 - "-" "curl/7.64.0" "${id}" "app" "10.0.0.5:8080" outbound|80||app.default.svc.cluster.local - 10.96.0.7:80 10.0.0.9:44408 -`;

type Row = readonly [line: string, shape: Finding['shape'], type: Finding['type'], gateway?: Finding['gateway']];

const table: Record<string, Row> = {
  'no failure': [envoy('200 -', { service: '11' }), 'none', null, 'envoy'],
  'UF without a reason': [envoy('503 UF,URX'), 'unreachable', null],
  UC: [envoy('503 UC'), 'reset', 'connection_terminated'],
  'UC in a response': [envoy('200 UC', { service: '7' }), 'reset', 'http_response_incomplete'],
  UT: [envoy('504 UT', { duration: 15001 }), 'too_slow', 'http_response_timeout'],
  'UT of gRPC, which is a 200': [envoy('200 UT', { duration: 15001 }), 'too_slow', 'http_response_timeout'],
  'UH of gRPC, which is a 200': [envoy('200 UH', { host: '-' }), 'refused_by_gateway', 'destination_unavailable'],
  UO: [envoy('503 UO', { host: '-' }), 'refused_by_gateway', 'connection_limit_reached'],
  NR: [envoy('404 NR', { host: '-' }), 'refused_by_gateway', 'destination_not_found'],
  UPE: [envoy('502 UPE'), 'garbage', 'http_protocol_error'],
  UR: [envoy('503 UR'), 'reset', 'connection_terminated'],
  DC: [envoy('0 DC'), 'client_abort', 'http_request_error'],
  DPE: [envoy('400 DPE', { host: '-' }), 'client_abort', 'http_request_error'],
  DF: [envoy('503 DF', { host: '-' }), 'unreachable', 'dns_error'],
  UMSDR: [envoy('504 UMSDR'), 'too_slow', 'http_response_timeout'],
  SI: [envoy('504 SI'), 'too_slow', 'connection_read_timeout'],
  FI: [envoy('503 FI', { host: '-' }), 'refused_by_gateway', 'proxy_internal_response'],
  RL: [envoy('429 RL', { host: '-' }), 'refused_by_gateway', 'http_request_denied'],
  'an injected delay': [envoy('200 DI', { service: '11' }), 'none', null],
  'a response from the cache': [envoy('200 RFCF', { host: '-' }), 'none', null],
  'Emissary’s prefix': [`ACCESS ${envoy('503 UC')}`, 'reset', 'connection_terminated'],
  'the application’s own 503': [envoy('503 -', { service: '11' }), 'app_error', null],
  'its own 503 after retries': [envoy('503 URX', { service: '11' }), 'app_error', null],
  'URX without details': [envoy('503 URX'), 'unknown', null],
  'a flag of a custom filter': [envoy('503 XYZ'), 'unknown', null],
  'a direct response': [envoy('503 -', { host: '-' }), 'refused_by_gateway', 'proxy_internal_response'],
  'Istio: refused by number': [
    istio('503 UF', `${started}{connection_failure,delayed_connect_error:_111}`, 'delayed_connect_error:_111', inbound),
    'unreachable',
    'connection_refused',
    'istio',
  ],
  'Istio: refused by text': [
    istio(
      '503 UF,URX',
      `${started}{remote_connection_failure,delayed_connect_error:_Connection_refused}`,
      'delayed connect error: Connection refused',
    ),
    'unreachable',
    'connection_refused',
  ],
  'Istio: no route': [
    istio('503 UF', `${started}{connection_failure,delayed_connect_error:_113}`, 'delayed_connect_error:_113'),
    'unreachable',
    'destination_ip_unroutable',
  ],
  'Istio: connect timeout': [istio('503 UF', `${started}{connection_timeout}`), 'unreachable', 'connection_timeout'],
  'Istio: certificate': [
    istio(
      '503 UF',
      `${started}{remote_connection_failure,TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end}`,
      'TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end',
    ),
    'unreachable',
    'tls_certificate_error',
  ],
  'Istio: an alert': [
    istio(
      '503 UF',
      `${started}{remote_connection_failure,TLS_error:|268436496:SSL_routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE:TLS_error_end}`,
    ),
    'unreachable',
    'tls_alert_received',
  ],
  'Istio: older, plain HTTP behind TLS': [oldIstio, 'unreachable', 'tls_protocol_error', 'istio'],
  'Istio: the braces with spaces': [
    istio(
      '503 UF',
      `${started}{connection failure,TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER}`,
      'TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER',
    ),
    'unreachable',
    'tls_protocol_error',
  ],
  'Istio: closed': [istio('503 UC', `${started}{connection_termination}`), 'reset', 'connection_terminated'],
  'Istio: closed in the answer': [
    istio('200 UC', 'upstream_reset_after_response_started{connection_termination}'),
    'reset',
    'http_response_incomplete',
  ],
  'Istio: garbage': [istio('502 UPE', `${started}{protocol_error}`), 'garbage', 'http_protocol_error'],
  'Istio: the application’s own 500': [istio('500 -', 'via_upstream'), 'app_error', null],
  'Istio: its own 503 after retries': [istio('503 URX', 'via_upstream'), 'app_error', null],
  'Istio: per try': [istio('504 UT', 'upstream_per_try_timeout'), 'too_slow', 'http_response_timeout'],
  'Istio: no healthy endpoint': [
    istio('503 UH', 'no_healthy_upstream'),
    'refused_by_gateway',
    'destination_unavailable',
  ],
  'Istio: no cluster': [istio('503 NC', 'cluster_not_found'), 'refused_by_gateway', 'destination_unavailable'],
  'Istio: denied': [
    istio('403 -', 'rbac_access_denied_matched_policy[none]'),
    'refused_by_gateway',
    'http_request_denied',
  ],
  'Istio: a client that left': [istio('0 DC', 'downstream_remote_disconnect'), 'client_abort', 'http_request_error'],
  'Istio: nowhere to go': [
    istio('502 -', 'direct_response', '-', 'BlackHoleCluster'),
    'refused_by_gateway',
    'destination_not_found',
  ],
  'Istio: TCP': [
    `[2026-09-21T10:00:00.250Z] "- - -" 0 UF,URX - - "delayed_connect_error:_111" 0 0 1 - "-" "-" "-" "-" "10.0.0.5:5432" outbound|5432||db.default.svc.cluster.local - 10.96.0.8:5432 10.0.0.9:44410 - -`,
    'unreachable',
    'connection_refused',
    'istio',
  ],
  'JSON: Istio’s keys': [
    json({
      response_code: 503,
      response_flags: 'UF',
      response_code_details: `${started}{connection_failure,delayed_connect_error:_111}`,
      upstream_cluster: inbound,
    }),
    'unreachable',
    'connection_refused',
    'istio',
  ],
  'JSON: numbers as texts': [
    json({ response_code: '504', response_flags: 'UT', duration: '15000' }),
    'too_slow',
    'http_response_timeout',
    'envoy',
  ],
  'JSON: long flags': [
    json({ response_code: 503, response_flags: 'UpstreamConnectionTermination' }),
    'reset',
    'connection_terminated',
  ],
  'JSON: the operators as keys': [
    JSON.stringify({
      '%START_TIME%': '2026-09-21T10:00:00Z',
      '%REQ(:METHOD)%': 'GET',
      '%RESPONSE_CODE%': 503,
      '%RESPONSE_FLAGS%': 'UO',
    }),
    'refused_by_gateway',
    'connection_limit_reached',
  ],
  'JSON: nested': [json({ response: { code: 503, flags: 'UC' } }), 'reset', 'connection_terminated'],
  'JSON: unknown keys': [
    json({ st: 503, f: 'UF', x: 'delayed_connect_error:_111' }),
    'unreachable',
    'connection_refused',
  ],
  'JSON: a 503 without flags, in a format without a host': [
    json({ response_code: 503, response_flags: '-' }),
    'app_error',
    null,
  ],
  'JSON: details alone': [json({ status: 503, why: 'via_upstream' }), 'app_error', null],
  'JSON: no flags': [json({ response_code: 200, response_flags: '-' }), 'none', null],
  'JSON: null flags and a 500 of the upstream': [
    json({ response_code: 500, response_flags: null, upstream_host: '10.0.0.5:80' }),
    'app_error',
    null,
  ],
  'JSON: of the gRPC service': [
    JSON.stringify({
      commonProperties: { upstreamRemoteAddress: {}, responseFlags: { upstreamRequestTimeout: true } },
      response: { responseCode: 504 },
    }),
    'too_slow',
    'http_response_timeout',
  ],
  'an ejection': [
    '{"type":"CONSECUTIVE_5XX","cluster_name":"app","upstream_url":"10.0.0.5:8080","action":"EJECT","num_ejections":1,"enforced":true,"timestamp":"2026-09-21T10:00:00Z"}',
    'none',
    null,
  ],
  'a failed health check': [
    '{"health_checker_type":"HTTP","host":{"socket_address":{"address":"10.0.0.5","port_value":8080}},"cluster_name":"app","eject_unhealthy_event":{"failure_type":"NETWORK"},"timestamp":"2026-09-21T10:00:00Z"}',
    'none',
    null,
  ],
  'Envoy about itself': [
    '[2026-09-21 10:00:00.250][12][warning][config] [source/x.cc:10] gRPC config stream closed',
    'none',
    null,
  ],
};

for (const [name, [line, shape, type, gateway]] of Object.entries(table)) {
  test(`Envoy's log reports: ${name}`, () => {
    const finding = read(line);
    assert.ok(finding !== null);
    assert.deepEqual([finding.shape, finding.type], [shape, type]);
    if (gateway !== undefined) assert.equal(finding.gateway, gateway);
    assert.ok(finding.atMs !== null || line.includes('commonProperties'));
    if (shape !== 'none') assert.ok(finding.evidence.length > 0 && finding.sentence !== '');
    if (!['none', 'app_error', 'client_abort'].includes(shape)) assert.ok(finding.fix !== null);
  });
}

test('every fact that the line names is in the finding', () => {
  const finding = read(envoy('504 UT', { duration: 15001 }));
  assert.equal(finding?.atMs, Date.UTC(2026, 8, 21, 10, 0, 0, 250));
  assert.equal(finding?.status, 504);
  assert.equal(finding?.request, 'GET /cart?id=1');
  assert.equal(finding?.upstream, '10.0.0.5:8080');
  assert.equal(finding?.durationMs, 15001);
  assert.equal(finding?.joins, id);
  assert.deepEqual(finding?.evidence, ['flags=UT']);
});

test('a sidecar’s failure to reach its own pod is reported as such', () => {
  const finding = read(istio('503 UF', `${started}{connection_failure,delayed_connect_error:_111}`, '-', inbound));
  assert.match(finding?.sentence ?? '', /in the same pod/);
  assert.ok(finding?.evidence.includes(inbound));
});

test('lines of other programs are not recognised', () => {
  const others = [
    '',
    '[',
    '{"flags":["a"],"status":502}',
    '{"flags":"hidden","status":502}',
    '{"state":"UT","status":503}',
    '{"level":"error","status":502,"upstream_addr":"10.0.0.5:80"}',
    '[Mon Sep 21 10:00:00.25 2026] [proxy:error] [pid 1] (111)Connection refused: AH00957: x',
    '[2026-09-21T10:00:00.250Z] "GET / HTTP/1.1" 200 hello',
  ];
  for (const line of others)
    assert.ok(
      envoyDialects.every((dialect) => dialect.recognise(line) === 0),
      line,
    );
});

test('broken lines are read without an exception', () => {
  const lines = Object.values(table).map(([line]) => line);
  assertSurvives(envoyDialects, lines, 500);
});
