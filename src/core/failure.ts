import type { RequestRule, ResponseRule } from './rules.ts';
import type { Stage } from './stage.ts';

/**
 * What was observed, by cause. Facts only: no advice, no prose, everything structured-cloneable.
 *
 * To add a cause, add a line here. The compiler then points into `failure-table/`, where its shape, type,
 * status, fault, retry class, sentence, usual causes and next step are to be given.
 */
export interface Evidence {
  // unreachable
  dns_not_found: { name: string; rcode: string };
  /** `rcode` is null where no name server answered with one; `code` is then all that is known. */
  dns_failed: { name: string; rcode: string | null; code: string };
  dns_timeout: { name: string; limitMs: number };
  /** `agoMs`, here and in `connect_socket_missing`: not tried now, since it was refused so long ago. */
  connect_refused: { address: string; agoMs?: number };
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
  /** `isIssuer`, here and in the next: the certificate is not the endpoint's own but one that issued it. */
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
  response_head_timeout: { address: string; limitMs: number };
  response_head_unfinished: { address: string; limitMs: number; bytesReceived: number };
  response_head_stalled: { address: string; idleMs: number; bytesReceived: number };
  response_body_stalled: { address: string; idleMs: number; bytesReceived: number };
  request_write_timeout: { address: string; limitMs: number; bytesSent: number };
  tunnel_idle: { address: string; idleMs: number; bytesReceived: number };
  exchange_timeout: { address: string | null; limitMs: number };
  // reset
  closed_before_response: { address: string; reused: boolean; idleMs: number };
  reset_before_response: { address: string; reused: boolean; idleMs: number; errno: string };
  send_failed: { address: string; bytesSent: number; errno: string };
  response_head_truncated: { address: string; bytesReceived: number; how: 'closed' | 'reset' };
  /** `broken`, here and below: the connection stood, and TLS on it failed, with a code of ours or an alert of theirs. */
  response_body_short: {
    address: string;
    bytesReceived: number;
    bytesExpected: number;
    how: 'closed' | 'reset' | 'broken';
    code?: string;
    alertId?: number;
    alertMessage?: string;
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
  /** Of a WebSocket: a FIN came, and no close frame. */
  tunnel_unclosed: { address: string; bytesReceived: number };
  tunnel_exit: { address: string; bytesReceived: number; how: 'closed' | 'reset' };
  // garbage
  response_not_http: { address: string; firstBytes: string; guess: Guess };
  response_status_line: { address: string; firstBytes: string; rule: ResponseRule };
  response_version: { address: string; version: string };
  response_header: { address: string; rule: ResponseRule; name: string };
  response_framing: { address: string; rule: ResponseRule };
  response_head_too_large: { address: string; bytes: number; limit: number; longest: string };
  /** `bytes`: of all the heads that had come. */
  response_interim_excess: { address: string; responses: number; bytes: number; limit: number; bytesMax: number };
  response_too_many_headers: { address: string; limit: number };
  response_chunk: { address: string; rule: ResponseRule; bytesReceived: number };
  response_transfer_coding: { address: string; coding: string };
  response_trailers_too_large: { address: string; bytes: number; limit: number; headersMax: number };
  /** `requested` and `answered` are the Upgrade headers of request and response; absent where there was none. */
  response_upgrade_unexpected: { address: string; requested?: string; answered?: string };
  // refused by the gateway
  no_route: { host: string; path: string };
  /** `endpointCause`: what the last checks of all of them met, where that is one thing. */
  no_endpoint_ready: {
    upstream: string;
    endpoints: number;
    reason: string;
    retryAfterS: number;
    endpointCause?: string;
    last?: string;
    fix?: string;
    lasting?: true;
  };
  /** Here and above: what the last readiness check of an instance saw, what to do, and whether it stays so until then. */
  instance_starting: {
    upstream: string;
    application: string;
    sinceMs: number;
    retryAfterS: number;
    last?: string;
    fix?: string;
    lasting?: true;
  };
  /** `queueMax`: how many requests wait for one already. */
  pool_full: { upstream: string; limit: number; queueMax?: number; retryAfterS: number };
  queue_timeout: { upstream: string; limit: number; waitedMs: number; limitMs: number; retryAfterS: number };
  too_many_endpoints: { upstream: string; limit: number; retryAfterS: number };
  local_ports_exhausted: { address: string; retryAfterS: number };
  descriptors_exhausted: { address: string; errno: string; retryAfterS: number };
  loop_detected: { name: 'Via' | 'CDN-Loop'; value: string };
  hops_exceeded: { hops: number; limit: number };
  /** `name`: what led there; null for an address that the configuration has itself. */
  destination_prohibited: { address: string; name: string | null; prohibition: Prohibition };
  maintenance: { route: string; message: string; retryAfterS: number };
  /** Here and below: `paused` is such as 'route /api' or 'upstream app'. */
  pause_timeout: { paused: string; waitedMs: number; retryAfterS: number };
  pause_full: { paused: string; limit: number; retryAfterS: number };
  shed: { what: string; limit: number; retryAfterS: number };
  too_many_connections: { limit: number; retryAfterS: number };
  drained: { reason: ForceCloseReason; what: 'request' | 'tunnel'; retryAfterS: number };
  /** Said only by a route that tells of readiness. */
  gateway_stopping: { retryAfterS: number };
  /** `name`: of the filter that had suspended the request. */
  filter_timeout: { name: string; limitMs: number };
  gateway_fault: { invariant: string };
  configuration_fault: { what: string };
  // the client
  /** `isPrivate`: the address is of a private network or of this machine, so that it may be a proxy's. */
  too_many_connections_from_address: { address: string; limit: number; isPrivate: boolean; retryAfterS: number };
  request_refused: { rule: RequestRule; status: number; at: string };
  /** Here and below: `bytesPerS`, over `overMs`, where it came too slowly rather than not at all. */
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
  client_gone: { bytesSent: number; how: 'closed' | 'reset' };
  /** `bytesPerSMin` is 0 where it took nothing at all for `overMs`, as far as could be seen. */
  response_not_read: { bytesSent: number; bytesPerS: number; bytesPerSMin: number; overMs: number };
}

export type Cause = keyof Evidence;

/** Why an address is not connected to. */
export type Prohibition =
  | 'own_listener'
  | 'loopback'
  | 'link_local'
  | 'metadata'
  | 'multicast'
  | 'unspecified'
  | 'reserved'
  | 'denied';

/** Why the gateway cuts what is under way: what of it ends. The endpoint has no part in it. */
export type ForceCloseReason =
  | 'gateway_stopping'
  | 'ended_at_once'
  | 'gateway_replaced'
  | 'worker_replaced'
  | 'listener_gone';

/** What bytes that are no HTTP response look like. */
export type Guess = 'ssh' | 'tls' | 'http2' | 'html' | 'json' | 'stack_trace' | 'text' | 'binary' | 'nothing';

export interface FailureOf<C extends Cause> {
  readonly cause: C;
  readonly stage: Stage;
  readonly evidence: Readonly<Evidence[C]>;
}

/** What went wrong and how far we had come. A plain value: it compares, clones and serialises as it is. */
export type Failure = { [C in Cause]: FailureOf<C> }[Cause];

export function fail<C extends Cause>(cause: C, stage: Stage, evidence: Evidence[C]): Failure {
  // TypeScript cannot see that cause and evidence vary together; the parameters have checked it.
  return { cause, stage, evidence } as unknown as Failure;
}
