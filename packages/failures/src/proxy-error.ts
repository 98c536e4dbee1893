import type { Shape } from './shape.ts';

interface ProxyErrorSpec<S extends Shape = Shape> {
  /** Recommended status; null if the registry leaves the choice to the gateway. */
  readonly status: number | null;
  readonly shape: S;
  /** Names of the extra Proxy-Status parameters the type defines. */
  readonly parameters: readonly string[];
}

const spec = <S extends Shape>(status: number | null, shape: S, ...parameters: string[]): ProxyErrorSpec<S> => ({
  status,
  shape,
  parameters,
});

/**
 * The HTTP Proxy Error Types registry (RFC 9209 §2.3), in its order, each with the shape it belongs to.
 * `destination_not_found` is 500 in the registry and 404 here: a request without a configured route is the
 * client's mistake.
 */
export const proxyErrors = {
  dns_timeout: spec(504, 'unreachable'),
  dns_error: spec(502, 'unreachable', 'rcode', 'info-code'),
  destination_not_found: spec(404, 'refused_by_gateway'),
  destination_unavailable: spec(503, 'refused_by_gateway'),
  destination_ip_prohibited: spec(502, 'refused_by_gateway'),
  destination_ip_unroutable: spec(502, 'unreachable'),
  connection_refused: spec(502, 'unreachable'),
  connection_terminated: spec(502, 'reset'),
  connection_timeout: spec(504, 'unreachable'),
  connection_read_timeout: spec(504, 'too_slow'),
  connection_write_timeout: spec(504, 'too_slow'),
  connection_limit_reached: spec(503, 'refused_by_gateway'),
  tls_protocol_error: spec(502, 'unreachable'),
  tls_certificate_error: spec(502, 'unreachable'),
  tls_alert_received: spec(502, 'unreachable', 'alert-id', 'alert-message'),
  http_request_error: spec(null, 'client_abort', 'status-code', 'status-phrase'),
  http_request_denied: spec(403, 'refused_by_gateway'),
  http_response_incomplete: spec(502, 'reset'),
  http_response_header_section_size: spec(502, 'garbage', 'header-section-size'),
  http_response_header_size: spec(502, 'garbage', 'header-name', 'header-size'),
  http_response_body_size: spec(502, 'garbage', 'body-size'),
  http_response_trailer_section_size: spec(502, 'garbage', 'trailer-section-size'),
  http_response_trailer_size: spec(502, 'garbage', 'trailer-name', 'trailer-size'),
  http_response_transfer_coding: spec(502, 'garbage', 'coding'),
  http_response_content_coding: spec(502, 'garbage', 'coding'),
  http_response_timeout: spec(504, 'too_slow'),
  http_upgrade_failed: spec(502, 'garbage'),
  http_protocol_error: spec(502, 'garbage'),
  proxy_internal_response: spec(null, 'refused_by_gateway'),
  proxy_internal_error: spec(500, 'refused_by_gateway'),
  proxy_configuration_error: spec(500, 'refused_by_gateway'),
  proxy_loop_detected: spec(502, 'refused_by_gateway'),
} as const satisfies Record<string, ProxyErrorSpec>;

export type ProxyErrorType = keyof typeof proxyErrors;

/** The types of a shape; null: the client left, so that there is no response to carry one. */
export type TypeOfShape<S extends Shape> =
  | { [T in ProxyErrorType]: (typeof proxyErrors)[T]['shape'] extends S ? T : never }[ProxyErrorType]
  | ('client_abort' extends S ? null : never);
