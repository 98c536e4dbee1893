import { type ProxyErrorType, proxyErrors } from '../../failures/src/proxy-error.ts';
import type { Whose } from '../../failures/src/shape.ts';
import type { Stage } from '../../failures/src/stage.ts';
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
    'The socket %s exists, but nothing listens on it.',
  ),
  socket_missing: failure('connection_refused', 'connect', 'application', 'The socket %s does not exist.'),
  backlog_full: failure(
    'connection_refused',
    'connect',
    'application',
    'The queue of connections at %s is full: the application accepts them too slowly.',
  ),
  not_permitted: failure(
    'connection_refused',
    'connect',
    'operator',
    'The system does not allow the gateway to connect to %s.',
  ),
  connect_reset: failure(
    'connection_refused',
    'connect',
    'network',
    'The connection to %s was reset before it was open.',
  ),
  unroutable: failure('destination_ip_unroutable', 'connect', 'network', 'There is no route to %s.'),
  connect_timeout: failure(
    'connection_timeout',
    'connect',
    'network',
    'The connection to %s timed out: nothing answered.',
  ),
  tls_timeout: failure(
    'connection_timeout',
    'tls',
    'application',
    '%s accepted the connection, but did not finish the TLS handshake in time.',
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
  name_not_found: failure('dns_error', 'dns', 'operator', 'The name %s does not exist.'),
  name_server_failed: failure('dns_error', 'dns', 'network', 'The name server could not look up %s.'),
  name_server_silent: failure('dns_timeout', 'dns', 'network', 'The name server did not look up %s in time.'),
  bad_address: failure(
    'proxy_configuration_error',
    'route',
    'operator',
    'The configured address of the upstream is not valid.',
  ),
  certificate: failure(
    'tls_certificate_error',
    'tls',
    'operator',
    'The gateway does not accept the certificate of %s.',
  ),
  tls_alert: failure('tls_alert_received', 'tls', 'operator', '%s aborted the TLS handshake with an alert.'),
  tls_plain_peer: failure(
    'tls_protocol_error',
    'tls',
    'operator',
    'The gateway uses TLS for %s, but the upstream does not speak TLS.',
  ),
  tls_protocol: failure('tls_protocol_error', 'tls', 'operator', 'The TLS handshake with %s failed.'),
  head_timeout: failure(
    'http_response_timeout',
    'response',
    'application',
    '%s got the request, but did not begin its response in time.',
  ),
  read_timeout: failure(
    'connection_read_timeout',
    'response',
    'application',
    "%s got the request, and then sent nothing until the gateway's timeout.",
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
    'The response broke off before it was complete.',
  ),
  not_http: failure('http_protocol_error', 'response', 'application', 'The response from %s is not valid HTTP/1.1.'),
  tls_peer: failure(
    'http_protocol_error',
    'response',
    'operator',
    'The gateway uses plain HTTP for %s, but the upstream speaks TLS.',
  ),
  http2_peer: failure(
    'http_protocol_error',
    'response',
    'operator',
    'The gateway and %s do not speak the same version of HTTP.',
  ),
  bad_head: failure('http_protocol_error', 'response', 'application', 'A header of the response from %s is malformed.'),
  head_too_large: failure(
    'http_response_header_section_size',
    'response',
    'application',
    'The response headers from %s are larger than the gateway accepts.',
  ),
  bad_coding: failure(
    'http_response_transfer_coding',
    'body',
    'application',
    'The response from %s does not follow its transfer coding.',
  ),
  upgrade_mismatch: failure(
    'http_upgrade_failed',
    'response',
    'application',
    '%s switched to a protocol that the request did not ask for.',
  ),
  http2_broken: failure('http_protocol_error', 'response', 'application', '%s violated the HTTP/2 protocol.'),
  no_upstreams: failure(
    'destination_unavailable',
    'route',
    'application',
    'The gateway considers every upstream down, so it contacted none.',
  ),
  request_too_large: failure(
    'http_request_denied',
    'request',
    'operator',
    'The request body is larger than the gateway allows.',
  ),
  client_left: ofClient('http_request_error', 'flush', 'The client left before the exchange had ended.'),
  client_tls: ofClient(null, 'request', 'A client did not finish its TLS handshake with the gateway.'),
};
