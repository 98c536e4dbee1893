import { type ProxyErrorType, proxyErrors } from '../core/proxy-error.ts';
import type { Whose } from '../core/shape.ts';
import type { Stage } from '../core/stage.ts';
import type { Born, FindingShape } from './finding.ts';

/** The failures on the way to an application that the texts of Go's libraries distinguish. */
export type GoCause =
  | 'refused'
  | 'socket_refused'
  | 'socket_missing'
  | 'backlog_full'
  | 'not_permitted'
  | 'connect_reset'
  | 'unroutable'
  | 'connect_timeout'
  | 'tls_timeout'
  | 'ports_spent'
  | 'descriptors_spent'
  | 'name_not_found'
  | 'name_server_failed'
  | 'name_server_silent'
  | 'bad_address'
  | 'certificate'
  | 'tls_alert'
  | 'tls_plain_peer'
  | 'tls_protocol'
  | 'head_timeout'
  | 'read_timeout'
  | 'write_timeout'
  | 'closed'
  | 'reset'
  | 'send_failed'
  | 'content_cut'
  | 'not_http'
  | 'tls_peer'
  | 'http2_peer'
  | 'bad_head'
  | 'head_too_large'
  | 'bad_coding'
  | 'upgrade_mismatch'
  | 'http2_broken'
  | 'no_upstreams'
  | 'request_too_large'
  | 'client_left'
  | 'client_tls';

/** The meaning of a cause, the same for every gateway written in Go. Only the fix differs. */
export interface GoMeaning {
  readonly shape: FindingShape;
  readonly type: ProxyErrorType | null;
  readonly stage: Stage | null;
  readonly born: Born;
  readonly whose: Whose | null;
  /** `%s` stands for the endpoint. */
  readonly sentence: string;
}

function failure(type: ProxyErrorType, stage: Stage | null, whose: Whose, sentence: string): GoMeaning {
  return { shape: proxyErrors[type].shape, type, stage, born: 'reverse-proxy', whose, sentence };
}

function ofClient(type: ProxyErrorType | null, stage: Stage, sentence: string): GoMeaning {
  return { shape: 'client_abort', type, stage, born: 'client', whose: 'client', sentence };
}

export const goMeanings: Readonly<Record<GoCause, GoMeaning>> = {
  refused: failure(
    'connection_refused',
    'connect',
    'application',
    'Nothing listens at %s: the connection was refused.',
  ),
  socket_refused: failure(
    'connection_refused',
    'connect',
    'application',
    'The socket %s is there, but nothing listens.',
  ),
  socket_missing: failure('connection_refused', 'connect', 'application', 'There is no socket at %s.'),
  backlog_full: failure(
    'connection_refused',
    'connect',
    'application',
    'The queue of connections that wait at %s is full: the application takes them too slowly.',
  ),
  not_permitted: failure(
    'connection_refused',
    'connect',
    'operator',
    'The system does not let the gateway connect to %s.',
  ),
  connect_reset: failure(
    'connection_refused',
    'connect',
    'network',
    'The connection to %s was reset before it was open.',
  ),
  unroutable: failure('destination_ip_unroutable', 'connect', 'network', 'No way leads to %s.'),
  connect_timeout: failure(
    'connection_timeout',
    'connect',
    'network',
    'The connection to %s was not open in time: nothing answered at all.',
  ),
  tls_timeout: failure(
    'connection_timeout',
    'tls',
    'application',
    '%s took the connection, but did not finish the TLS handshake in time.',
  ),
  ports_spent: failure(
    'connection_limit_reached',
    'connect',
    'gateway',
    'The machine of the gateway has no local port left for a connection to %s.',
  ),
  descriptors_spent: failure(
    'connection_limit_reached',
    'connect',
    'operator',
    'The gateway may not open any more files, so it cannot connect to %s.',
  ),
  name_not_found: failure('dns_error', 'dns', 'operator', 'The name %s is not known.'),
  name_server_failed: failure('dns_error', 'dns', 'network', 'The name server could not say where %s is.'),
  name_server_silent: failure('dns_timeout', 'dns', 'network', 'The name server did not say in time where %s is.'),
  bad_address: failure(
    'proxy_configuration_error',
    'route',
    'operator',
    'The address of the upstream, as it is configured, cannot be used.',
  ),
  certificate: failure(
    'tls_certificate_error',
    'tls',
    'operator',
    'The gateway does not accept the certificate of %s.',
  ),
  tls_alert: failure('tls_alert_received', 'tls', 'operator', '%s broke off the TLS handshake with an alert.'),
  tls_plain_peer: failure(
    'tls_protocol_error',
    'tls',
    'operator',
    'The gateway speaks TLS to %s, and what answers there does not.',
  ),
  tls_protocol: failure('tls_protocol_error', 'tls', 'operator', 'The TLS handshake with %s failed.'),
  head_timeout: failure(
    'http_response_timeout',
    'response',
    'application',
    '%s took the request and did not begin its answer in time.',
  ),
  read_timeout: failure(
    'connection_read_timeout',
    'response',
    'application',
    '%s took the request, and then nothing came from it for as long as the gateway waits.',
  ),
  write_timeout: failure('connection_write_timeout', 'send', 'application', '%s did not read the request in time.'),
  closed: failure(
    'connection_terminated',
    'response',
    'application',
    '%s closed the connection before it had answered.',
  ),
  reset: failure('connection_terminated', 'response', 'application', '%s reset the connection before it had answered.'),
  send_failed: failure(
    'connection_terminated',
    'send',
    'application',
    '%s closed the connection while the request was still being sent.',
  ),
  content_cut: failure(
    'http_response_incomplete',
    'body',
    'application',
    'The answer had begun, and broke off before it was whole.',
  ),
  not_http: failure('http_protocol_error', 'response', 'application', 'What came from %s is no HTTP/1.1 answer.'),
  tls_peer: failure(
    'http_protocol_error',
    'response',
    'operator',
    'The gateway speaks plain HTTP to %s, and what answers there speaks TLS.',
  ),
  http2_peer: failure(
    'http_protocol_error',
    'response',
    'operator',
    'The gateway and %s do not speak the same version of HTTP.',
  ),
  bad_head: failure('http_protocol_error', 'response', 'application', 'A field of the answer of %s is malformed.'),
  head_too_large: failure(
    'http_response_header_section_size',
    'response',
    'application',
    'The fields of the answer of %s are larger than the gateway takes.',
  ),
  bad_coding: failure(
    'http_response_transfer_coding',
    'body',
    'application',
    'The answer of %s is not coded as it says it is.',
  ),
  upgrade_mismatch: failure(
    'http_upgrade_failed',
    'response',
    'application',
    '%s switched to another protocol than the one that was asked for.',
  ),
  http2_broken: failure(
    'http_protocol_error',
    'response',
    'application',
    'The HTTP/2 connection to %s broke a rule of HTTP/2.',
  ),
  no_upstreams: failure(
    'destination_unavailable',
    'route',
    'application',
    'The gateway counts every upstream as down, so it asked none.',
  ),
  request_too_large: failure(
    'http_request_denied',
    'request',
    'operator',
    'The content of the request is larger than the gateway lets through.',
  ),
  client_left: ofClient('http_request_error', 'flush', 'The client left before the exchange had ended.'),
  client_tls: ofClient(null, 'request', 'A client did not finish its TLS handshake with the gateway.'),
};
