import type { Dialect } from '../dialect.ts';
import { fixOf } from '../verdict.ts';
import { jsonFields, reasonDialect, type ReasonFields, type ReasonLog, type Reason } from '../reason-log/reason-log.ts';

/** The columns of a standard log, in order (docs.aws.amazon.com, "Standard logging reference"); `-`: not needed. */
const columns = 'date clock - - - method - path status - - - - result - - - - seconds - - - - - - - - - reason'.split(
  ' ',
);

function cloudFrontColumns(line: string): ReasonFields | null {
  const cells = line.split('\t', 40);
  if (cells.length < 18) return null;
  const fields: Record<string, string> = {};
  for (const [index, name] of columns.entries()) if (name !== '-') fields[name] = cells[index] ?? '-';
  const { date, clock, result, reason, ...rest } = fields;
  return { ...rest, time: `${date} ${clock}`, reason: reason === '-' ? (result ?? '-') : (reason ?? '-') };
}

/** docs.aws.amazon.com, "Standard logging reference": values of `x-edge-detailed-result-type`. */
export const cloudFront: ReasonLog = {
  gateway: 'cloudfront',
  name: 'CloudFront',
  born: 'cdn-edge',
  format: 'CloudFront access log',
  recognise: (line) => {
    if (line.startsWith('{')) return line.includes('"x-edge-detailed-result-type"') ? 2 : 0;
    return /^\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t[A-Z]{3}\d/.test(line.slice(0, 40)) ? 2 : 0;
  },
  fields: (line) => (line.startsWith('{') ? cloudFrontJson(line) : cloudFrontColumns(line)),
  reasons: {
    AbortedOrigin: 'connection_terminated',
    ClientCommError: 'client_left',
    ClientGeoBlocked: 'http_request_denied',
    ClientHungUpRequest: 'client_left',
    InvalidRequest: 'http_request_error',
    InvalidRequestBlocked: 'http_request_denied',
    InvalidRequestCertificate: 'http_request_error',
    InvalidRequestHeader: 'http_request_error',
    InvalidRequestMethod: 'http_request_error',
    OriginCommError: 'http_response_timeout',
    OriginConnectError: 'unreachable',
    OriginContentRangeLengthError: 'http_protocol_error',
    OriginDnsError: 'dns_error',
    OriginError: 'http_protocol_error',
    OriginHeaderTooBigError: 'http_response_header_section_size',
    OriginInvalidResponseError: 'http_protocol_error',
    OriginReadError: 'connection_terminated',
    OriginWriteError: 'connection_terminated',
    OriginZeroSizeObjectError: 'http_protocol_error',
    SlowReaderOriginError: 'client_left',
    LimitExceeded: 'connection_limit_reached',
    CapacityExceeded: 'connection_limit_reached',
    LambdaExecutionError: 'application',
    LambdaLimitExceeded: 'connection_limit_reached',
    LambdaValidationError: 'http_protocol_error',
    FunctionExecutionError: 'application',
    FunctionLimitExceeded: 'connection_limit_reached',
    FunctionThrottledError: 'connection_limit_reached',
    FunctionValidationError: 'http_protocol_error',
  },
  fixes: {
    http_response_timeout: fixOf(
      'Make the origin answer sooner, or raise its response timeout (30 s unless changed) in the distribution',
    ),
  },
};

const cloudFrontJson = jsonFields({
  time: ['timestamp'],
  status: ['sc-status'],
  reason: ['x-edge-detailed-result-type', 'x-edge-result-type'],
  method: ['cs-method'],
  path: ['cs-uri-stem'],
  seconds: ['time-taken'],
});

/** developers.cloudflare.com/support/troubleshooting/http-status-codes: Cloudflare's findings about the origin. */
const cloudflareStatuses: Readonly<Record<number, Reason>> = {
  520: 'http_protocol_error',
  521: 'connection_refused',
  522: 'connection_timeout',
  523: 'destination_ip_unroutable',
  524: 'http_response_timeout',
  525: 'tls_protocol_error',
  526: 'tls_certificate_error',
  527: 'unknown',
  530: 'dns_error',
};

const cloudflare: ReasonLog = {
  gateway: 'cloudflare',
  name: 'Cloudflare',
  born: 'cdn-edge',
  format: 'Cloudflare Logpush (http_requests)',
  recognise: (line) => (line.startsWith('{') && line.includes('"EdgeResponseStatus"') ? 2 : 0),
  fields: jsonFields({
    time: ['EdgeStartTimestamp', 'EdgeEndTimestamp'],
    status: ['EdgeResponseStatus'],
    originStatus: ['OriginResponseStatus'],
    method: ['ClientRequestMethod'],
    path: ['ClientRequestURI', 'ClientRequestPath'],
    upstream: ['OriginIP'],
    milliseconds: ['OriginResponseDurationMs'],
    id: ['RayID'],
  }),
  reasons: {},
  // The origin's own status tells its errors from those of Cloudflare: it is 0 without a response.
  judge: ({ originStatus }, status) =>
    Number(originStatus) >= 500 && Number(originStatus) === status ? 'application' : null,
  statuses: cloudflareStatuses,
};

/** Reasons of Fastly's own responses (www.fastly.com/documentation, "Common 503 errors"), in lower case. */
const fastlyReasons: Readonly<Record<string, Reason>> = {
  'first byte timeout': 'connection_read_timeout',
  'between bytes timeout': 'connection_read_timeout',
  'backend read error': 'connection_terminated',
  'backend write error': 'connection_terminated',
  'connection refused': 'connection_refused',
  'connection timed out': 'connection_timeout',
  'backend unavailable, connection timeout': 'connection_timeout',
  'ssl handshake error': 'tls_protocol_error',
  'unable to get local issuer certificate': 'tls_certificate_error',
  'self-signed certificate': 'tls_certificate_error',
  "hostname doesn't match against certificate": 'tls_certificate_error',
  'certificate has expired': 'tls_certificate_error',
  'all backends failed or unhealthy': 'destination_unavailable',
  'backend is unhealthy': 'destination_unavailable',
  'no healthy backends': 'destination_unavailable',
  'quorum weight not reached': 'destination_unavailable',
  'backend.max_conn reached': 'connection_limit_reached',
  'no stale object available': 'destination_unavailable',
  'header overflow': 'http_response_header_section_size',
  'malformed response': 'http_protocol_error',
  'loop detected': 'proxy_loop_detected',
  'unknown domain': 'destination_not_found',
};

const fastly: ReasonLog = {
  gateway: 'fastly',
  name: 'Fastly',
  born: 'cdn-edge',
  format: 'Fastly log (JSON)',
  recognise: (line) =>
    line.startsWith('{') && (line.includes('"fastly_server"') || line.includes('"fastly_is_edge"')) ? 2 : 0,
  fields: jsonFields({
    time: ['timestamp', 'time_start'],
    status: ['response_status', 'status', 'resp_status'],
    reason: ['response_reason', 'resp_reason', 'reason'],
    method: ['request_method', 'method'],
    path: ['url', 'path'],
  }),
  reasons: {},
  judge: ({ reason = '' }) => {
    const words = reason.toLowerCase();
    return Object.hasOwn(fastlyReasons, words) ? (fastlyReasons[words] as Reason) : null;
  },
};

export const cdnDialects: readonly Dialect[] = [
  reasonDialect(cloudFront),
  reasonDialect(cloudflare),
  reasonDialect(fastly),
];
