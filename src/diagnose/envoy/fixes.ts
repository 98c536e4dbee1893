import type { Fix } from '../finding.ts';
import { fixOf } from '../verdict.ts';
import type { Direction } from './exchange.ts';
import type { TransportCause } from './transport-reason.ts';

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
  'Compare what Envoy speaks to the upstream with what the upstream speaks: `transport_socket` of the cluster, or `trafficPolicy.tls` of the DestinationRule.',
  ...destinationTls('ISTIO_MUTUAL'),
);
const network = fixOf(
  'Let the network (policies, security groups, routes) carry Envoy to the address, or correct the address of the endpoint.',
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
    'Let the network carry Envoy to the address; `connect_timeout` of the cluster (5 s where nothing is set; `connectTimeout` in Istio) says how long it tries.',
    'connect_timeout: 5s',
  ),
  ports_spent: fixOf(
    'Let connections be kept alive, or widen the range of ports.',
    'sysctl net.ipv4.ip_local_port_range',
  ),
  not_permitted: fixOf(
    'Let the user that Envoy runs as use the socket or the port: its mode, its group, a network policy.',
  ),
  socket_missing: fixOf('Start the application, or correct the path in `pipe` of the endpoint.'),
  backlog_full: fixOf('Give the application more workers, or a longer queue of connections (its listen backlog).'),
  connect_reset: network,
  certificate: fixOf(
    'Give the cluster the authority that signed the certificate, and the name that stands in it.',
    ...clusterTls,
    '    common_tls_context:',
    '      validation_context: { trusted_ca: { filename: /etc/ssl/app-ca.pem } }',
  ),
  plain_peer: fixOf(
    'Do not speak TLS to this upstream: take `transport_socket` out of the cluster, or set `trafficPolicy.tls` of the DestinationRule to DISABLE.',
    ...destinationTls('DISABLE'),
  ),
  alert: fixOf(
    'Send the name (`sni`) and the client certificate that the other side wants; in Istio, ISTIO_MUTUAL where it has a sidecar.',
    ...destinationTls('ISTIO_MUTUAL'),
  ),
  handshake_cut: tlsSettings,
  no_secret: fixOf(
    'Wait for, or mend, the secret discovery service: the name in `sds_config`, and in Istio the connection to istiod.',
  ),
  tls: tlsSettings,
};

export function fixOfTransport(cause: TransportCause, direction: Direction): Fix {
  if (cause !== 'refused' || direction !== 'inbound') return transportFixes[cause];
  return fixOf(
    'Let the application in this pod listen at the port that the Service names, on 0.0.0.0 or the pod’s address; and let a readiness probe keep requests away until it does.',
    'ports:',
    '- port: 80',
    '  targetPort: 8080',
  );
}

const routeTimeout = ['route:', '  cluster: app', '  timeout: 30s'];

export const envoyFixes = {
  /** The flag alone: the format leaves out the fields that name the cause. */
  addReason: fixOf(
    'Add the reason to the access log’s format: the flag alone says that no connection could be made, and not why.',
    '%RESPONSE_CODE_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%"',
  ),
  addDetails: fixOf(
    'Add the details to the access log’s format: they name what the flags leave open.',
    '%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%"',
  ),
  keepAlive: fixOf(
    'Look whether the application ended or fell at that moment. Where it answers all others well, it closes idle connections sooner than Envoy: set `idle_timeout` of the cluster (in Istio `idleTimeout`) below the application’s.',
    'typed_extension_protocol_options:',
    '  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:',
    '    common_http_protocol_options: { idle_timeout: 4s }',
  ),
  broken: fixOf('Look into the application’s log at the same moment: it broke the answer off itself.'),
  remoteReset: fixOf(
    'Look into the application’s log: it ended this stream itself (RST_STREAM), and the connection lived on.',
  ),
  localReset: fixOf(
    'Add %RESPONSE_CODE_DETAILS% to the format, or set the log level of `router` and `http` to debug: Envoy itself ended the stream.',
    'curl -X POST "localhost:15000/logging?router=debug"',
  ),
  routeTimeout: fixOf(
    'Make the application answer sooner, or raise `timeout` of the route (15 s where nothing is set; `timeout` of the VirtualService in Istio).',
    ...routeTimeout,
  ),
  perTryTimeout: fixOf(
    'Make the application answer sooner, or raise `per_try_timeout` of the retry policy.',
    'retry_policy:',
    '  per_try_timeout: 10s',
  ),
  idleTimeout: fixOf(
    'Let something be sent now and then, or raise the idle timeout: `stream_idle_timeout`, or `idle_timeout` of the route.',
    'stream_idle_timeout: 300s',
  ),
  maxDuration: fixOf(
    'Raise `max_stream_duration`, where streams are meant to live that long.',
    'max_stream_duration: { max_stream_duration: 600s }',
  ),
  noHealthy: fixOf(
    'Find out why no endpoint is left: the endpoints of the Service (`kubectl get endpointslices`), failed health checks, or ejection by `outlier_detection`.',
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
    'Let the route name a cluster that exists: a misspelt name, or a subset without a DestinationRule.',
    'istioctl proxy-config clusters POD',
  ),
  noFilterChain: fixOf(
    'Let a filter chain match this connection: its server name (SNI), its port, its protocol.',
    'istioctl proxy-config listeners POD',
  ),
  egress: fixOf(
    'Declare the outside host with a ServiceEntry, or allow all of them with `outboundTrafficPolicy`.',
    'outboundTrafficPolicy:',
    '  mode: ALLOW_ANY',
  ),
  filterConfig: fixOf(
    'Look why the filter’s configuration did not come: the extension configuration discovery service (ECDS).',
  ),
  dns: fixOf(
    'Correct the host name of the cluster, or let the name server that Envoy asks know it (`typed_dns_resolver_config`).',
  ),
  rateLimit: fixOf('Raise the limit of the rate limit filter, if this traffic is meant to pass.'),
  rateLimitService: fixOf(
    'Mend the rate limit service; `failure_mode_deny` says what happens while it does not answer.',
    'failure_mode_deny: false',
  ),
  denied: fixOf(
    'Allow this request in the policy that denied it (RBAC, JWT, external authorization), if it is meant to pass.',
  ),
  authService: fixOf(
    'Mend the authorization service; `failure_mode_allow` says what happens while it does not answer.',
    'failure_mode_allow: true',
  ),
  overload: fixOf('Give Envoy more memory, or adjust the thresholds of the overload manager.'),
  dropOverload: fixOf(
    'The control plane told Envoy to drop a part of the load (`drop_overloads`): relieve the upstream, or change that.',
  ),
  injected: fixOf(
    'This failure was made on purpose: remove the fault from the VirtualService, or the filter `envoy.filters.http.fault`.',
  ),
  direct: fixOf('This answer is configured (`direct_response`): change the route, if the request is meant to pass.'),
  maintenance: fixOf(
    'The cluster is in maintenance mode: set the runtime key `upstream.maintenance_mode.CLUSTER` back to 0.',
  ),
  payload: fixOf('Raise the limit of the buffer, if such requests are meant to pass.', 'max_request_bytes: 52428800'),
  garbage: fixOf(
    'Mend the answer in the application, and compare the protocol of the port (HTTP/1.1 or HTTP/2): its name or `appProtocol` in the Service.',
    'appProtocol: http2',
  ),
  tooLargeAnswer: fixOf(
    'Let the application send smaller fields, or a smaller answer; or raise the limit of the filter that held it back.',
  ),
  health: fixOf(
    'Make the health check of this Envoy itself succeed again (`healthcheck/fail` may have been asked for).',
    'curl -X POST localhost:9901/healthcheck/ok',
  ),
} as const satisfies Record<string, Fix>;
