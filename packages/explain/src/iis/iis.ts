import type { Dialect } from '../dialect.ts';
import { patternFields, reasonDialect, type ReasonLog, type Reason } from '../reason-log/reason-log.ts';

/** Errors of WinHTTP, with which Application Request Routing forwards requests (winhttp.h), beside 502.3. */
const winHttp: Readonly<Record<string, Reason>> = {
  12002: 'http_response_timeout',
  12007: 'dns_error',
  12029: 'unreachable',
  12030: 'connection_terminated',
  12152: 'http_protocol_error',
  12157: 'tls_protocol_error',
  12169: 'tls_certificate_error',
  12175: 'tls_protocol_error',
  // ERROR_WINHTTP_SECURE_…: the certificate's date, name, revocation and use.
  12037: 'tls_certificate_error',
  12038: 'tls_certificate_error',
  12045: 'tls_certificate_error',
  12057: 'tls_certificate_error',
  12170: 'tls_certificate_error',
  12017: 'client_left',
};

/** learn.microsoft.com, "HTTP status codes in IIS": the status with its substatus. */
const substatuses: Readonly<Record<string, Reason>> = {
  '502.1': 'http_response_timeout',
  '502.2': 'http_protocol_error',
  '502.4': 'destination_unavailable',
  '502.5': 'unreachable',
  '503.0': 'destination_unavailable',
  '503.2': 'connection_limit_reached',
  '503.3': 'connection_limit_reached',
  '503.4': 'connection_limit_reached',
  // Applications write these themselves.
  '500.0': 'application',
  '500.30': 'unreachable',
  '500.31': 'unreachable',
  '500.37': 'unreachable',
};

const methods = 'GET|POST|HEAD|PUT|DELETE|OPTIONS|PATCH|TRACE|CONNECT|DEBUG|PROPFIND';

/** The fields that IIS logs unless configured otherwise; sites may add a name or leave some out. */
const w3c = new RegExp(
  `^(?<date>\\d{4}-\\d\\d-\\d\\d) (?<clock>\\d\\d:\\d\\d:\\d\\d) (?:\\S{1,100} ){0,3}?(?<method>${methods}) (?<path>\\S{1,8000}) .{0,12000} (?<status>\\d{3}) (?<reason>\\d{1,4} \\d{1,10})(?: \\d{1,15}){0,2} (?<milliseconds>\\d{1,10})$`,
);

const iis: ReasonLog = {
  gateway: 'iis',
  name: 'IIS',
  born: 'reverse-proxy',
  format: 'IIS log (W3C)',
  recognise: (line) =>
    line.charCodeAt(4) === 0x2d && line.charCodeAt(10) === 0x20 && w3c.test(line.slice(0, 16_384)) ? 2 : 0,
  fields: patternFields(w3c),
  reasons: {},
  judge: ({ reason = '' }, status) => {
    const [substatus, error = ''] = reason.split(' ');
    // ERROR_NETNAME_DELETED and ERROR_CONNECTION_ABORTED: the client was gone when IIS wrote the response.
    if ((error === '64' || error === '1236') && status !== null && status < 500) return 'client_left';
    if (status === 502 && Object.hasOwn(winHttp, error)) return winHttp[error] as Reason;
    const known = `${status}.${substatus}`;
    if (Object.hasOwn(substatuses, known)) return substatuses[known] as Reason;
    return status === 500 ? 'application' : null;
  },
};

/** learn.microsoft.com, "Error logging in HTTP APIs": values of `s-reason`. */
const httpErr: ReasonLog = {
  gateway: 'iis',
  name: 'HTTP.sys',
  born: 'reverse-proxy',
  format: 'HTTP.sys error log (HTTPERR)',
  recognise: (line) =>
    line.charCodeAt(4) === 0x2d && line.charCodeAt(10) === 0x20 && httpErrLine.test(line.slice(0, 16_384)) ? 2 : 0,
  fields: (line) => patternFields(httpErrLine)(line),
  reasons: {
    AppOffline: 'destination_unavailable',
    AppPoolTimer: 'destination_unavailable',
    AppShutdown: 'destination_unavailable',
    Disabled: 'destination_unavailable',
    QueueFull: 'connection_limit_reached',
    ConnLimit: 'connection_limit_reached',
    Connections_Refused: 'connection_limit_reached',
    Connection_Abandoned_By_ReqQueue: 'connection_terminated',
    Connection_Dropped: 'client_left',
    Connection_Dropped_List_Full: 'client_left',
    Client_Reset: 'client_left',
    Timer_ConnectionIdle: 'none',
    Timer_HeaderWait: 'client_left',
    Timer_EntityBody: 'client_left',
    Timer_MinBytesPerSecond: 'client_left',
    Timer_Response: 'http_response_timeout',
    Timer_AppPool: 'connection_limit_reached',
    BadRequest: 'http_request_error',
    Hostname: 'http_request_error',
    Verb: 'http_request_error',
    URL: 'http_request_error',
    Header: 'http_request_error',
    Internal: 'proxy_internal_error',
  },
};

const httpErrLine =
  /^(?<date>\d{4}-\d\d-\d\d) (?<clock>\d\d:\d\d:\d\d) \S{1,60} \d{1,5} \S{1,60} \d{1,5} (?:HTTP\/\d\.\d|-) (?<method>[A-Z]{3,10}|-) (?<path>\S{1,8000}) (?:\S{1,60} )?(?<status>\d{3}|-) (?:\d{1,10}|-) (?<reason>[A-Z][A-Za-z_]{2,40}) (?<upstream>\S{1,200})$/;

export const iisDialects: readonly Dialect[] = [reasonDialect(httpErr), reasonDialect(iis)];
