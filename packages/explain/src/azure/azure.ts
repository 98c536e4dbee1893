import type { Dialect } from '../dialect.ts';
import { type JsonKeys, jsonFields, reasonDialect, type ReasonLog } from '../reason-log/reason-log.ts';

/** A field's name in the storage account and in an event hub, and the one in tables of Log Analytics. */
const keys = (name: string, ...others: readonly string[]): readonly string[] => {
  const column = `${name[0]?.toUpperCase()}${name.slice(1)}`;
  return [name, `${name}_s`, `${name}_d`, column, ...others];
};

const applicationGatewayKeys: JsonKeys = {
  time: ['timeStamp', 'time', 'TimeGenerated'],
  status: keys('httpStatus'),
  reason: ['error_info', 'error_info_s', 'ErrorInfo', 'errorInfo'],
  originStatus: keys('serverStatus'),
  method: keys('httpMethod'),
  path: keys('requestUri'),
  upstream: keys('serverRouted'),
  seconds: keys('timeTaken'),
  id: keys('transactionId'),
};

/** learn.microsoft.com/azure/application-gateway/monitor-application-gateway-reference: values of `error_info`. */
export const applicationGateway: ReasonLog = {
  gateway: 'azure-app-gateway',
  name: 'the application gateway',
  born: 'load-balancer',
  format: 'Azure Application Gateway access log',
  recognise: (line) =>
    line.startsWith('{') && /"ApplicationGatewayAccess(?:Log)?"|"ERRORINFO_[A-Z_]{3,40}"|"AGWAccessLogs"/.test(line)
      ? 2
      : 0,
  fields: jsonFields(applicationGatewayKeys, 'properties'),
  reasons: {
    ERRORINFO_UPSTREAM_NO_LIVE: 'destination_unavailable',
    ERRORINFO_UPSTREAM_CLOSED_CONNECTION: 'connection_terminated',
    ERRORINFO_UPSTREAM_TIMED_OUT: 'http_response_timeout',
    ERRORINFO_CLIENT_CLOSED_REQUEST: 'client_left',
    ERRORINFO_CLIENT_TIMED_OUT: 'client_left',
    ERRORINFO_INVALID_METHOD: 'http_request_error',
    ERRORINFO_INVALID_REQUEST: 'http_request_error',
    ERRORINFO_INVALID_VERSION: 'http_request_error',
    ERRORINFO_INVALID_09_METHOD: 'http_request_error',
    ERRORINFO_INVALID_HOST: 'http_request_error',
    ERRORINFO_INVALID_CONTENT_LENGTH: 'http_request_error',
    ERRORINFO_INVALID_METHOD_TRACE: 'http_request_error',
    ERRORINFO_REQUEST_URI_INVALID: 'http_request_error',
    ERRORINFO_HTTP_NO_HOST_HEADER: 'http_request_error',
    ERRORINFO_HTTP_TO_HTTPS_PORT: 'http_request_error',
    ERRORINFO_HTTPS_NO_CERT: 'http_request_error',
    ERRORINFO_HTTPS_CERT_ERROR: 'http_request_error',
  },
};

/** learn.microsoft.com/azure/frontdoor/standard-premium/how-to-logs: values of `errorInfo`. */
export const azureEdge: ReasonLog = {
  gateway: 'azure-front-door',
  name: 'Azure Front Door',
  born: 'cdn-edge',
  format: 'Azure Front Door access log',
  recognise: (line) =>
    line.startsWith('{') &&
    /"Front[Dd]oorAccessLog"|"AzureCdnAccessLog"|"Microsoft\.Cdn\/Profiles\/AccessLog/.test(line)
      ? 2
      : 0,
  fields: jsonFields(
    {
      time: ['time', 'TimeGenerated'],
      status: [...keys('httpStatusCode'), ...keys('httpStatusDetails')],
      reason: keys('errorInfo', 'ErrorInfo'),
      method: keys('httpMethod'),
      path: keys('requestUri'),
      upstream: [...keys('originName'), ...keys('originUrl'), ...keys('backendHostname')],
      seconds: keys('timeTaken'),
      id: keys('trackingReference'),
    },
    'properties',
  ),
  reasons: {
    CertificateError: 'tls_certificate_error',
    CertificateNameCheckFailed: 'tls_certificate_error',
    ClientDisconnected: 'client_left',
    ClientGeoBlocked: 'http_request_denied',
    UnspecifiedClientError: 'client_left',
    InvalidRequest: 'http_request_error',
    DNSFailure: 'dns_error',
    DNSTimeout: 'dns_timeout',
    DNSNameNotResolved: 'dns_error',
    OriginConnectionAborted: 'connection_terminated',
    OriginConnectionError: 'unreachable',
    OriginConnectionRefused: 'connection_refused',
    OriginError: 'unknown',
    OriginInvalidRequest: 'unknown',
    OriginInvalidResponse: 'http_protocol_error',
    OriginTimeout: 'http_response_timeout',
    ResponseHeaderTooBig: 'http_response_header_section_size',
    RestrictedIP: 'http_request_denied',
    SSLHandshakeError: 'tls_protocol_error',
    SSLInvalidRootCA: 'tls_certificate_error',
    SSLInvalidCipher: 'tls_protocol_error',
    SSLMismatchedSNI: 'tls_protocol_error',
  },
  // Without an error of its own, Front Door passed on what the origin sent.
  judge: ({ reason }, status) =>
    reason === 'NoError' && status !== null ? (status >= 500 ? 'application' : 'none') : null,
};

export const azureDialects: readonly Dialect[] = [reasonDialect(applicationGateway), reasonDialect(azureEdge)];
