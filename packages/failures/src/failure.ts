import type { RequestRule, ResponseRule } from './rules.ts';
import type { Stage } from './stage.ts';

/**
 * The evidence of each cause. Facts only: no advice, no prose; structured-cloneable.
 *
 * To add a cause, add a line here. The compiler then reports the missing entry in `failure-table/`, with its shape, type,
 * status, fault, retry class, sentence, usual causes and next step.
 */
export interface Evidence {
  // unreachable
  dns_not_found: { name: string; rcode: string };
  /** `rcode` is null if no name server answered with one; then only `code` is known. */
  dns_failed: { name: string; rcode: string | null; code: string };
  dns_timeout: { name: string; limitMs: number };
  /** `agoMs`, here and in `connect_socket_missing`: the gateway did not connect, because the endpoint refused a connection this long before. */
  /** `isFull`: the queue of connections of a unix socket is full (EAGAIN): a program listens there. */
  connect_refused: { address: string; agoMs?: number; isFull?: true };
  connect_timeout: { address: string; limitMs: number };
  connect_unroutable: { address: string; errno: string };
  connect_socket_missing: { path: string; agoMs?: number };
  connect_not_permitted: { address: string; errno: string };
  connect_reset: { address: string; errno: string };
  tls_protocol: { address: string; code: string };
  tls_version: { address: string; code: string };
  tls_plaintext_peer: { address: string; firstBytes: string };
  tls_not_spoken: { address: string; firstBytes: string; guess: Guess };
  tls_closed: { address: string; errno: string | null };
  tls_alert: { address: string; alertId: number; alertMessage: string };
  /** `isIssuer`, here and in the next: the certificate is not the endpoint's own but one of its issuers. */
  tls_certificate_expired: {
    address: string;
    name: string;
    subject: string;
    issuer: string;
    notAfter: string;
    isIssuer?: boolean;
  };
  tls_certificate_not_yet_valid: {
    address: string;
    name: string;
    subject: string;
    issuer: string;
    notBefore: string;
    isIssuer?: boolean;
  };
  tls_certificate_name: { address: string; name: string; names: string; issuer: string; notAfter: string };
  tls_certificate_self_signed: { address: string; name: string; subject: string; notAfter: string };
  tls_certificate_untrusted: { address: string; code: string; subject: string; issuer: string; notAfter: string };
  tls_certificate_unfit: { address: string; code: string; subject: string; issuer: string; notAfter: string };
  tls_timeout: { address: string; limitMs: number };
  // too slow
  /**
   * `ping`, here and below: whether an HTTP/2 endpoint answered a PING in the time; absent with HTTP/1. `interims`, here and in the next: how
   * many interim responses (1xx) came; absent: none did. `fastcgi`, here and below: FastCGI was spoken with the endpoint.
   */
  response_head_timeout: {
    address: string;
    limitMs: number;
    ping?: 'answered' | 'unanswered';
    interims?: number;
    fastcgi?: true;
  };
  /** `headBegun`: a part of the head of its response had come; absent: none had. */
  attempt_timeout: { address: string; limitMs: number; interims?: number; headBegun?: true };
  response_head_unfinished: { address: string; limitMs: number; bytesReceived: number };
  response_head_stalled: { address: string; idleMs: number; bytesReceived: number };
  /** `requestOpen`: the client had not ended its request, and the endpoint had taken all that had come of it: it may have waited for more. */
  response_body_stalled: {
    address: string;
    idleMs: number;
    bytesReceived: number;
    ping?: 'answered' | 'unanswered';
    requestOpen?: true;
  };
  /** `headSent`, here and in `send_failed`: the head had been sent (HTTP/2), and `bytesSent` counts the body alone. */
  request_write_timeout: { address: string; limitMs: number; bytesSent: number; headSent?: true };
  /** `silent`: the side that did not answer the gateway's pings; absent if both were silent. */
  tunnel_idle: { address: string; idleMs: number; bytesReceived: number; silent?: 'client' | 'application' };
  /** `setBy`: the client of a gRPC call has set the limit (`grpc-timeout`); absent: the route. */
  /** `queuedMs`: the time was over when the request, which was queued on its HTTP/2 connection, began. */
  /** `overAtStart`: the time was over before an endpoint was chosen. */
  exchange_timeout: {
    address: string | null;
    limitMs: number;
    setBy?: 'client';
    queuedMs?: number;
    overAtStart?: true;
  };
  // reset
  /**
   * `goAway`, here and below: the endpoint had ended the connection by a GOAWAY with this error before it closed it (HTTP/2); absent: by none, or
   * without an error. `text`: what the GOAWAY says beside its code; absent: nothing.
   */
  closed_before_response: {
    address: string;
    reused: boolean;
    idleMs: number;
    goAway?: string;
    text?: string;
    fastcgi?: true;
  };
  /** `stream`, here and below: the HTTP/2 error by which the endpoint ended the stream; the connection was open. `errno` is '' then. */
  reset_before_response: {
    address: string;
    reused: boolean;
    idleMs: number;
    errno: string;
    stream?: string;
    goAway?: string;
    text?: string;
    fastcgi?: true;
  };
  /**
   * The endpoint has said that it did not process the request: by RST_STREAM, or by a GOAWAY whose `lastStreamId` is an earlier
   * stream. `text`: what the GOAWAY says beside its code. SETTINGS: the request was not sent, since the endpoint allows no stream.
   * END_REQUEST: `code` is the status by which a FastCGI application has ended the request.
   */
  stream_refused: {
    address: string;
    code: string;
    frame: 'RST_STREAM' | 'GOAWAY' | 'SETTINGS' | 'END_REQUEST';
    lastStreamId?: number;
    text?: string;
  };
  send_failed: {
    address: string;
    bytesSent: number;
    errno: string;
    headSent?: true;
    goAway?: string;
    text?: string;
  };
  response_head_truncated: { address: string; bytesReceived: number; how: 'closed' | 'reset' };
  /** `broken`, here and below: the connection was open, and TLS failed, with our error code or the peer's alert. */
  response_body_short: {
    address: string;
    bytesReceived: number;
    bytesExpected: number;
    how: 'closed' | 'reset' | 'broken';
    code?: string;
    alertId?: number;
    alertMessage?: string;
    stream?: string;
    goAway?: string;
    text?: string;
  };
  /** A response of HTTP/2 or FastCGI without Content-Length, before END_STREAM or END_REQUEST. */
  response_stream_cut: {
    address: string;
    bytesReceived: number;
    how: 'closed' | 'reset' | 'broken';
    code?: string;
    alertId?: number;
    alertMessage?: string;
    stream?: string;
    goAway?: string;
    text?: string;
    fastcgi?: true;
  };
  response_chunked_truncated: {
    address: string;
    bytesReceived: number;
    how: 'closed' | 'reset' | 'broken';
    code?: string;
    alertId?: number;
    alertMessage?: string;
  };
  response_body_reset: { address: string; bytesReceived: number; errno: string };
  response_body_unclosed: {
    address: string;
    bytesReceived: number;
    how: 'closed' | 'broken';
    code?: string;
    alertId?: number;
    alertMessage?: string;
  };
  /** For a WebSocket: a FIN came without a close frame. */
  tunnel_unclosed: { address: string; bytesReceived: number };
  tunnel_exit: { address: string; bytesReceived: number; how: 'closed' | 'reset' };
  // garbage
  /**
   * With a guess of `fastcgi`, `uwsgi` or `ajp`, `firstBytes` answered a record of that protocol: the endpoint had closed the connection of
   * an HTTP request. `answeredBefore`: how many responses had come on the connection before; absent: none. `answeredBetween`: how many answers of the endpoint were
   * HTTP since it first sent such bytes; absent: none.
   */
  response_not_http: {
    address: string;
    firstBytes: string;
    guess: Guess;
    answeredBefore?: number;
    answeredBetween?: number;
  };
  response_not_http2: { address: string; firstBytes: string; guess: Guess };
  /**
   * `rule`: what the endpoint's frames break, in words; `code`: the error of RFC 9113 §7 by which it was told. `streams`: a connection error
   * ended so many streams, this one included; absent: a stream error ended this one alone. `frameOf`: what the frame belongs to, as far
   * as its stream identifier says; absent with a stream error.
   */
  response_frames: {
    address: string;
    rule: string;
    code: string;
    streams?: number;
    frameOf?: 'this_stream' | 'another_stream' | 'connection';
  };
  /** FastCGI. `rule`: what the records break, in words. */
  response_records: { address: string; rule: string };
  response_not_fastcgi: { address: string; firstBytes: string; guess: Guess };
  /** php-fpm says that it does not find the program, or must not run it. */
  /** `header`: which names `file`, as it is written there. */
  response_file_not_found: { address: string; header: string; file: string; why: NamedFileFault };
  script_unknown: { address: string; why: 'unknown' | 'denied' };
  response_status_line: { address: string; firstBytes: string; rule: ResponseRule };
  response_version: { address: string; version: string };
  response_header: { address: string; rule: ResponseRule; name: string };
  response_framing: { address: string; rule: ResponseRule };
  response_head_too_large: { address: string; bytes: number; limit: number; longest: string };
  /** `bytes`: of all received heads. */
  response_interim_excess: { address: string; responses: number; bytes: number; limit: number; bytesMax: number };
  response_too_many_headers: { address: string; limit: number };
  response_chunk: { address: string; rule: ResponseRule; bytesReceived: number };
  response_transfer_coding: { address: string; coding: string };
  /** `bytes`: announced, or received so far. */
  response_body_too_large: { address: string; bytes: number; limit: number };
  response_trailers_too_large: { address: string; bytes: number; limit: number; headersMax: number };
  /**
   * `requested` and `answered` are the Upgrade headers of request and response; absent if there was none. `accept`: what is wrong with
   * the Sec-WebSocket-Accept that answers the gateway's own key; absent: nothing, or the key was the client's.
   */
  response_upgrade_unexpected: {
    address: string;
    requested?: string;
    answered?: string;
    accept?: 'missing' | 'wrong';
  };
  /** An HTTP/2 client has asked for a WebSocket: it would take each 2xx for an open tunnel. `received`: the status. */
  response_upgrade_ignored: { address: string; received: number };
  // refused by the gateway
  /** `allow`: the methods that routes take there; absent: no route matches whatever the method is. */
  /** The path names no program below `root` that may be run. `script`: what was looked for. */
  script_not_found: { script: string; root: string; why: ScriptFault };
  no_route: { host: string; path: string; allow?: string };
  /**
   * `endpointCause`: the cause with which the last checks of all endpoints failed, if it is the same. `drained`: an operator has drained
   * all of them; the change to restore, of the first one. `stopped`: an operator has stopped this application, of which no instance runs.
   */
  no_endpoint_ready: {
    upstream: string;
    endpoints: number;
    reason: string;
    retryAfterS: number;
    endpointCause?: string;
    drained?: string;
    stopped?: string;
    last?: string;
    fix?: string;
    lasting?: true;
    exits?: number;
  };
  /**
   * Here and above: the finding of the last readiness check of an instance, its fix, and whether it lasts until an operator acts; and where
   * instances have ended in place of that, how often in a row.
   */
  instance_starting: {
    upstream: string;
    application: string;
    sinceMs: number;
    retryAfterS: number;
    last?: string;
    fix?: string;
    lasting?: true;
    exits?: number;
  };
  /** The circuit breakers of all endpoints are open or half-open, or that of the `route` is. */
  circuit_open: { upstream: string; endpoints?: number; route?: string; reason: string; retryAfterS: number };
  /**
   * `queueMax`: how many requests already wait for a connection. `requestsMax`: what bounds the requests, where that is full and not `limit` connections.
   * `addressMax`: of these, so many are for one client address, where the request lacks one for that reason.
   * `stoppedPids`: all processes of the instance, which a signal has stopped, separated by blanks.
   */
  pool_full: {
    upstream: string;
    limit: number;
    addressMax?: number;
    requestsMax?: number;
    queueMax?: number;
    retryAfterS: number;
    stoppedPids?: string;
  };
  /** `ownConnection`: the request waited for the connection on which its client is authenticated. */
  queue_timeout: {
    upstream: string;
    limit: number;
    ownConnection?: true;
    addressMax?: number;
    requestsMax?: number;
    waitedMs: number;
    limitMs: number;
    retryAfterS: number;
    stoppedPids?: string;
  };
  /** `limit` tunnels and streams; `addressMax` as above. */
  tunnels_full: { upstream: string; limit: number; addressMax?: number; retryAfterS: number };
  /** `bound` is such as 'route /api' or 'upstream app'. `displaced`: a request of a higher priority has taken its place in the queue. */
  concurrency_limit: { bound: string; limit: number; queueMax: number; displaced?: boolean; retryAfterS: number };
  concurrency_timeout: { bound: string; limit: number; waitedMs: number; limitMs: number; retryAfterS: number };
  /** `waitMs`: how long its turn would take; `leftMs`: how long the exchange may take. */
  deadline_unreachable: { bound: string; limit: number; waitMs: number; leftMs: number; retryAfterS: number };
  too_many_endpoints: { upstream: string; limit: number; retryAfterS: number };
  local_ports_exhausted: { address: string; retryAfterS: number };
  descriptors_exhausted: { address: string; errno: string; retryAfterS: number };
  /** `passage`: which passage of gateways of this name it would be. Up to the limit, it is the route that comes again. */
  loop_detected: { name: 'Via' | 'CDN-Loop'; value: string; route: string; passage: number; limit: number };
  hops_exceeded: { hops: number; limit: number };
  /** `name`: the name that resolved to the address; null for a configured address. */
  destination_prohibited: { address: string; name: string | null; prohibition: Prohibition };
  maintenance: { route: string; message: string; retryAfterS: number };
  closed_by_route: { route: string };
  /** Here and below: `paused` is such as 'route /api' or 'upstream app'. */
  pause_timeout: { paused: string; waitedMs: number; retryAfterS: number };
  pause_full: { paused: string; limit: number; retryAfterS: number };
  shed: { what: string; limit: number; retryAfterS: number };
  too_many_connections: { limit: number; retryAfterS: number };
  drained: { reason: ForceCloseReason; what: 'request' | 'tunnel'; retryAfterS: number };
  /** Only in responses of a readiness route. */
  gateway_stopping: { retryAfterS: number };
  /** `name`: the filter that had suspended the request. */
  filter_timeout: { name: string; limitMs: number };
  /** Here and below: `path` is that of the request, or what an application has named, and `root` the folder of the route. `outside`: a symbolic link leads out of it. */
  /** `path` is below the root. */
  file_not_found: { path: string; root: string; absence: 'missing' | 'no_index' | 'hidden' | 'program' | 'outside' };
  /** `what`: a page that has been sent before, as two others that are missing too; the file for all pages without their own; or the whole folder. */
  site_file_missing: { path: string; root: string; what: 'page' | 'fallback' | 'folder' };
  file_forbidden: { path: string; errno: string };
  file_failed: { path: string; operation: FileOperation; errno: string };
  /** `waitedMs`: 0 if as many requests as may wait were waiting already. */
  file_pool_full: { path: string; waiting: number; waitedMs: number; retryAfterS: number };
  file_timeout: { path: string; operation: FileOperation; limitMs: number; bytesRead: number };
  file_changed: { path: string; change: 'truncated' | 'rewritten'; bytesExpected: number; bytesRead: number };
  /** Here and below: `key` is what is counted, such as 'address', and `value` which one, without secrets. The rest are fields of the response. */
  rate_limited: {
    policy: string;
    key: string;
    value: string;
    rate: string;
    retryAfterS: number;
    rateLimit: string;
    rateLimitPolicy: string;
  };
  too_many_requests_at_once: { policy: string; key: string; value: string; limit: number; retryAfterS: number };
  access_denied: { by: DeniedBy; value: string; because: string };
  /** `scheme` is such as 'a password'; `challenge` is the response's WWW-Authenticate, '' for none. */
  not_authenticated: { scheme: string; fault: string; challenge: string };
  /** Here and below: `loginPath` is where a browser logs in again; absent: it cannot. */
  not_permitted: { scheme: string; user: string; lacks: string; loginPath?: string };
  /** Here and below: `service` is the upstream that was asked. */
  login_failed: { service: string; fault: string; loginPath?: string };
  link_refused: { fault: string };
  authentication_busy: { waiting: number; retryAfterS: number };
  /** `askedCause`: of the request to the service; absent: it has answered, and `reason` says what. */
  authentication_unavailable: { service: string; reason: string; askedCause?: string; retryAfterS: number };
  gateway_fault: { invariant: string };
  configuration_fault: { what: string };
  // the client
  /** `isPrivate`: the address is that of a private network or of this machine, so it may be a proxy. */
  too_many_connections_from_address: { address: string; limit: number; isPrivate: boolean; retryAfterS: number };
  /** `code`: the error of RFC 9113 §7 with which the gateway has ended the request's stream, or its connection; absent: it has not. */
  request_refused: { rule: RequestRule; status: number; at: string; code?: string };
  /** Here and below: `bytesPerS`, over `overMs`, if the bytes came too slowly rather than not at all. */
  request_head_timeout: {
    limitMs: number;
    bytesReceived: number;
    bytesPerS?: number;
    bytesPerSMin?: number;
    overMs?: number;
  };
  request_body_timeout: {
    idleMs: number;
    bytesReceived: number;
    bytesPerS?: number;
    bytesPerSMin?: number;
    overMs?: number;
  };
  request_body_truncated: { bytesReceived: number; bytesExpected: number | null };
  /** 'cancelled': it has ended the request with RST_STREAM, of which `code` is the error, and the connection is open (HTTP/2). */
  client_gone: { bytesSent: number; how: 'closed' | 'reset' | 'cancelled'; code?: string };
  /** `bytesPerSMin` is 0 if the client read nothing for `overMs`. `begun: false`: this response had not begun, and the client did not read other responses of its HTTP/2 connection; absent: it did not read this one. */
  response_not_read: { bytesSent: number; bytesPerS: number; bytesPerSMin: number; overMs: number; begun?: false };
}

/** What was asked of the disk. */
export type FileOperation = 'open' | 'read';

/** What of a client an operator's rule has denied. */
export type DeniedBy = 'network' | 'country' | 'user_agent' | 'certificate';

export type Cause = keyof Evidence;

/** Why no file is sent that a response names. `elsewhere`: the name begins with none that the route knows; `outside`: a link leads out of the folder. */
export type NamedFileFault = 'missing' | 'hidden' | 'program' | 'outside' | 'folder' | 'elsewhere' | 'several';

/** Why a path is not that of a program. */
export type ScriptFault = 'missing' | 'outside' | 'not_a_file' | 'unreadable' | 'bad_path';

/** Why the gateway does not connect to an address. */
export type Prohibition =
  | 'own_listener'
  | 'loopback'
  | 'link_local'
  | 'metadata'
  | 'multicast'
  | 'unspecified'
  | 'reserved'
  | 'denied';

/** Why the gateway ends requests: what of it ends, or the instance that it has stopped. The endpoint is not the cause. */
export type ForceCloseReason =
  | 'instance_stopped'
  | 'gateway_stopping'
  | 'ended_at_once'
  | 'gateway_replaced'
  | 'worker_replaced'
  | 'listener_gone';

/** What bytes that are not an HTTP response look like. */
export type Guess =
  | 'ssh'
  | 'tls'
  | 'http2'
  | 'fastcgi'
  | 'uwsgi'
  | 'ajp'
  | 'html'
  | 'json'
  | 'stack_trace'
  | 'text'
  | 'binary'
  | 'nothing';

export interface FailureOf<C extends Cause> {
  readonly cause: C;
  readonly stage: Stage;
  readonly evidence: Readonly<Evidence[C]>;
}

/** What failed, and at which stage. A plain value: it can be compared, cloned and serialized. */
export type Failure = { [C in Cause]: FailureOf<C> }[Cause];

export function fail<C extends Cause>(cause: C, stage: Stage, evidence: Evidence[C]): Failure {
  // TypeScript cannot see that cause and evidence vary together; the parameters have checked it.
  return { cause, stage, evidence } as unknown as Failure;
}
