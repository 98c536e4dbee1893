import type { Fix } from '../finding.ts';
import { fixOf } from '../verdict.ts';
import type { Direction } from './access-line.ts';
import type { ProxyErrorType } from '../../../failures/src/proxy-error.ts';
import type { Whose } from '../../../failures/src/shape.ts';
import type { Stage } from '../../../failures/src/stage.ts';

/** Why a connection failed, from `%UPSTREAM_TRANSPORT_FAILURE_REASON%` or from the braces of the details. */
type TransportCause =
  | 'refused'
  | 'unroutable'
  | 'timed_out'
  | 'ports_spent'
  | 'not_permitted'
  | 'socket_missing'
  | 'backlog_full'
  | 'connect_reset'
  | 'certificate'
  | 'plain_peer'
  | 'alert'
  | 'handshake_cut'
  | 'no_secret'
  | 'tls';

interface TransportMeaning {
  readonly cause: TransportCause;
  readonly type: ProxyErrorType;
  readonly stage: Stage;
  readonly whose: Whose;
  /** The text after "The connection to X failed: ". */
  readonly why: string;
}

const meanings: Readonly<Record<TransportCause, Omit<TransportMeaning, 'cause'>>> = {
  refused: { type: 'connection_refused', stage: 'connect', whose: 'application', why: 'nothing listens there' },
  unroutable: { type: 'destination_ip_unroutable', stage: 'connect', whose: 'network', why: 'there is no route to it' },
  timed_out: { type: 'connection_timeout', stage: 'connect', whose: 'network', why: 'nothing answered in time' },
  ports_spent: {
    type: 'connection_limit_reached',
    stage: 'connect',
    whose: 'gateway',
    why: 'the machine of the gateway has no local port left',
  },
  not_permitted: {
    type: 'connection_refused',
    stage: 'connect',
    whose: 'operator',
    why: 'the system does not permit it',
  },
  socket_missing: {
    type: 'connection_refused',
    stage: 'connect',
    whose: 'application',
    why: 'there is no such socket',
  },
  backlog_full: {
    type: 'connection_refused',
    stage: 'connect',
    whose: 'application',
    why: 'its queue of waiting connections is full',
  },
  connect_reset: { type: 'connection_refused', stage: 'connect', whose: 'network', why: 'it was reset at once' },
  certificate: {
    type: 'tls_certificate_error',
    stage: 'tls',
    whose: 'operator',
    why: 'Envoy does not accept its certificate',
  },
  plain_peer: {
    type: 'tls_protocol_error',
    stage: 'tls',
    whose: 'operator',
    why: 'Envoy uses TLS, but the upstream does not speak TLS',
  },
  alert: {
    type: 'tls_alert_received',
    stage: 'tls',
    whose: 'operator',
    why: 'the upstream aborted the TLS handshake with an alert',
  },
  handshake_cut: {
    type: 'tls_protocol_error',
    stage: 'tls',
    whose: 'operator',
    why: 'the connection was closed in the middle of the TLS handshake',
  },
  no_secret: {
    type: 'proxy_configuration_error',
    stage: 'tls',
    whose: 'operator',
    why: 'Envoy has not been given its own certificate yet',
  },
  tls: { type: 'tls_protocol_error', stage: 'tls', whose: 'operator', why: 'the TLS handshake failed' },
};

/** By the error number of Envoy's system: Linux, then macOS. */
const causesOfErrno: Readonly<Record<string, TransportCause>> = {
  111: 'refused',
  61: 'refused',
  113: 'unroutable',
  65: 'unroutable',
  101: 'unroutable',
  51: 'unroutable',
  110: 'timed_out',
  60: 'timed_out',
  99: 'ports_spent',
  49: 'ports_spent',
  13: 'not_permitted',
  1: 'not_permitted',
  2: 'socket_missing',
  11: 'backlog_full',
  104: 'connect_reset',
  54: 'connect_reset',
};

/** By the text, which newer versions write instead of the number, or after it. */
const causesOfText: readonly (readonly [RegExp, TransportCause])[] = [
  [/connection refused/, 'refused'],
  [/no route to host|network is unreachable|host is unreachable/, 'unroutable'],
  [/timed out|connection timeout/, 'timed_out'],
  [/cannot assign requested address/, 'ports_spent'],
  [/permission denied|operation not permitted/, 'not_permitted'],
  [/no such file or directory/, 'socket_missing'],
  [/resource temporarily unavailable/, 'backlog_full'],
  [/connection reset/, 'connect_reset'],
];

const causesOfTls: readonly (readonly [RegExp, TransportCause])[] = [
  [/secret is not supplied/, 'no_secret'],
  [/certificate verify failed|verify cert failed|verification failed|unable to get issuer|self signed/, 'certificate'],
  [/wrong version number|http request|packet length too long/, 'plain_peer'],
  [/alert|handshake failure on client hello/, 'alert'],
  [/connection reset|unexpected eof|broken pipe|connection closed/, 'handshake_cut'],
];

function among(table: readonly (readonly [RegExp, TransportCause])[], words: string): TransportCause | null {
  return table.find(([form]) => form.test(words))?.[1] ?? null;
}

function causeOf(words: string): TransportCause | null {
  if (/tls error|ssl routines|openssl internal/.test(words)) return among(causesOfTls, words) ?? 'tls';
  const errno = /connect error: ?(\d{1,3})(?!\d)/.exec(words)?.[1];
  const byNumber = errno === undefined ? undefined : causesOfErrno[errno];
  return byNumber ?? among(causesOfText, words);
}

/** Null for a text that says only that the connection failed. */
export function readTransportReason(reason: string): TransportMeaning | null {
  const words = reason.slice(0, 2000).replaceAll('_', ' ').toLowerCase();
  const cause = causeOf(words);
  return cause === null ? null : { cause, ...meanings[cause] };
}

const clusterTls = [
  'transport_socket:',
  '  name: envoy.transport_sockets.tls',
  '  typed_config:',
  '    "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
  '    sni: app.internal',
];
const destinationTls = (mode: string): string[] => [
  'apiVersion: networking.istio.io/v1',
  'kind: DestinationRule',
  'spec:',
  '  host: app.default.svc.cluster.local',
  '  trafficPolicy:',
  '    tls:',
  `      mode: ${mode}`,
];

const tlsSettings = fixOf(
  'Use the protocol that the upstream speaks: set `transport_socket` of the cluster, or `trafficPolicy.tls` of the DestinationRule.',
  ...destinationTls('ISTIO_MUTUAL'),
);
const network = fixOf(
  'Check the network between Envoy and the address (policies, security groups, routes), or correct the address of the endpoint.',
);

const transportFixes: Readonly<Record<TransportCause, Fix>> = {
  refused: fixOf(
    'Start the application, or correct the port: that of the endpoint in the cluster, `targetPort` in Kubernetes.',
    'ports:',
    '- port: 80',
    '  targetPort: 8080',
  ),
  unroutable: network,
  timed_out: fixOf(
    'Check the network between Envoy and the address; `connect_timeout` of the cluster (5 s by default; `connectTimeout` in Istio) sets how long Envoy tries.',
    'connect_timeout: 5s',
  ),
  ports_spent: fixOf('Keep connections alive, or widen the range of ports.', 'sysctl net.ipv4.ip_local_port_range'),
  not_permitted: fixOf(
    'Allow the user that Envoy runs as to use the socket or the port: its mode, its group, a network policy.',
  ),
  socket_missing: fixOf('Start the application, or correct the path in `pipe` of the endpoint.'),
  backlog_full: fixOf('Give the application more workers, or a longer queue of connections (its listen backlog).'),
  connect_reset: network,
  certificate: fixOf(
    'Configure the cluster with the authority that signed the certificate, and with the name in it.',
    ...clusterTls,
    '    common_tls_context:',
    '      validation_context: { trusted_ca: { filename: /etc/ssl/app-ca.pem } }',
  ),
  plain_peer: fixOf(
    'Use plain HTTP for this upstream: remove `transport_socket` from the cluster, or set `trafficPolicy.tls` of the DestinationRule to DISABLE.',
    ...destinationTls('DISABLE'),
  ),
  alert: fixOf(
    'Send the server name (`sni`) and the client certificate that the upstream requires; in Istio, use ISTIO_MUTUAL if it has a sidecar.',
    ...destinationTls('ISTIO_MUTUAL'),
  ),
  handshake_cut: tlsSettings,
  no_secret: fixOf(
    'Wait for, or fix, the secret discovery service: the name in `sds_config`, and in Istio the connection to istiod.',
  ),
  tls: tlsSettings,
};

export function fixOfTransport(cause: TransportCause, direction: Direction): Fix {
  if (cause !== 'refused' || direction !== 'inbound') return transportFixes[cause];
  return fixOf(
    'Have the application in this pod listen at the port that the Service names, on 0.0.0.0 or the pod’s address, and add a readiness probe so that requests wait until it does.',
    'ports:',
    '- port: 80',
    '  targetPort: 8080',
  );
}

const routeTimeout = ['route:', '  cluster: app', '  timeout: 30s'];

export const envoyFixes = {
  /** The flag alone: the format leaves out the fields that name the cause. */
  addReason: fixOf(
    'Add the reason to the access log’s format: the flag alone shows that the connection failed, but not why.',
    '%RESPONSE_CODE_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%"',
  ),
  addDetails: fixOf(
    'Add the details to the access log’s format: they name the cause, which the flags do not.',
    '%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%"',
  ),
  keepAlive: fixOf(
    'Check whether the application stopped or crashed at that time. If it answers all other requests, it closes idle connections sooner than Envoy: set `idle_timeout` of the cluster (in Istio `idleTimeout`) below the application’s keep-alive.',
    'typed_extension_protocol_options:',
    '  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:',
    '    common_http_protocol_options: { idle_timeout: 4s }',
  ),
  broken: fixOf('Read the application’s log at that time: the application broke off the response.'),
  remoteReset: fixOf(
    'Read the application’s log: the application reset this stream (RST_STREAM) and kept the connection open.',
  ),
  localReset: fixOf(
    'Add %RESPONSE_CODE_DETAILS% to the format, or set the log level of `router` and `http` to debug: Envoy itself ended the stream.',
    'curl -X POST "localhost:15000/logging?router=debug"',
  ),
  routeTimeout: fixOf(
    'Make the application answer sooner, or raise `timeout` of the route (15 s by default; `timeout` of the VirtualService in Istio).',
    ...routeTimeout,
  ),
  perTryTimeout: fixOf(
    'Make the application answer sooner, or raise `per_try_timeout` of the retry policy.',
    'retry_policy:',
    '  per_try_timeout: 10s',
  ),
  idleTimeout: fixOf(
    'Send data more often, or raise the idle timeout: `stream_idle_timeout`, or `idle_timeout` of the route.',
    'stream_idle_timeout: 300s',
  ),
  maxDuration: fixOf(
    'Raise `max_stream_duration`, if streams should last that long.',
    'max_stream_duration: { max_stream_duration: 600s }',
  ),
  noHealthy: fixOf(
    'Find out why no endpoint is available: the endpoints of the Service (`kubectl get endpointslices`), failed health checks, or ejection by `outlier_detection`.',
    'istioctl proxy-config endpoints POD --cluster "outbound|80||app.default.svc.cluster.local"',
  ),
  overflow: fixOf(
    'Raise the limits of the circuit breaker, or give the upstream more endpoints.',
    'circuit_breakers:',
    '  thresholds:',
    '  - { max_connections: 4096, max_pending_requests: 4096, max_requests: 4096 }',
  ),
  noRoute: fixOf(
    'Add a route for this host and path: `domains` of the virtual host, `hosts` of the VirtualService and of the Gateway.',
    'istioctl proxy-config routes POD',
  ),
  noCluster: fixOf(
    'Correct the cluster of the route: its name is misspelt, or its subset has no DestinationRule.',
    'istioctl proxy-config clusters POD',
  ),
  noFilterChain: fixOf(
    'Add or correct a filter chain that matches this connection: its server name (SNI), its port, its protocol.',
    'istioctl proxy-config listeners POD',
  ),
  egress: fixOf(
    'Declare the outside host with a ServiceEntry, or allow all of them with `outboundTrafficPolicy`.',
    'outboundTrafficPolicy:',
    '  mode: ALLOW_ANY',
  ),
  filterConfig: fixOf(
    'Find out why the filter’s configuration did not arrive: check the extension configuration discovery service (ECDS).',
  ),
  dns: fixOf(
    'Correct the host name of the cluster, or add it to the name server that Envoy uses (`typed_dns_resolver_config`).',
  ),
  rateLimit: fixOf('Raise the limit of the rate limit filter, if this traffic should be allowed.'),
  rateLimitService: fixOf(
    'Fix the rate limit service; `failure_mode_deny` sets what happens while it does not answer.',
    'failure_mode_deny: false',
  ),
  denied: fixOf(
    'Allow this request in the policy that denied it (RBAC, JWT, external authorization), if it should be allowed.',
  ),
  authService: fixOf(
    'Fix the authorization service; `failure_mode_allow` sets what happens while it does not answer.',
    'failure_mode_allow: true',
  ),
  overload: fixOf('Give Envoy more memory, or adjust the thresholds of the overload manager.'),
  dropOverload: fixOf(
    'The control plane has configured Envoy to drop a part of the requests (`drop_overloads`): relieve the upstream, or change the setting.',
  ),
  injected: fixOf(
    'This failure was made on purpose: remove the fault from the VirtualService, or the filter `envoy.filters.http.fault`.',
  ),
  direct: fixOf(
    'This response is configured (`direct_response`): change the route, if the request should reach an upstream.',
  ),
  maintenance: fixOf(
    'The cluster is in maintenance mode: set the runtime key `upstream.maintenance_mode.CLUSTER` back to 0.',
  ),
  payload: fixOf('Raise the limit of the buffer, if such requests should be allowed.', 'max_request_bytes: 52428800'),
  garbage: fixOf(
    'Correct the response in the application, and check the protocol of the port (HTTP/1.1 or HTTP/2): its name or `appProtocol` in the Service.',
    'appProtocol: http2',
  ),
  tooLargeAnswer: fixOf(
    'Have the application send smaller headers, or a smaller response; or raise the limit of the filter that rejected it.',
  ),
  health: fixOf(
    'Make the health check of this Envoy succeed again (`healthcheck/fail` may have been called).',
    'curl -X POST localhost:9901/healthcheck/ok',
  ),
} as const satisfies Record<string, Fix>;
