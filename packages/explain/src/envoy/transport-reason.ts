import type { ProxyErrorType } from '../../../failures/src/proxy-error.ts';
import type { Whose } from '../../../failures/src/shape.ts';
import type { Stage } from '../../../failures/src/stage.ts';

/** Why a connection failed, from `%UPSTREAM_TRANSPORT_FAILURE_REASON%` or from the braces of the details. */
export type TransportCause =
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
