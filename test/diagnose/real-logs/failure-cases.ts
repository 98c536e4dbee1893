import type { ProxyErrorType } from '#failures/proxy-error.ts';
import type { Shape } from '#failures/shape.ts';
import type { OneOrMore } from '../corpus.ts';

/** Where a gateway forwards to: each target has a path and an address. */
const originKinds = ['plain', 'refused', 'unanswered', 'tls-plain-http', 'tls-alert', 'certificate'] as const;

export type OriginKind = (typeof originKinds)[number];

/** One act of the origin or client on one request, and its name: the truth that each log is compared with. */
export interface FailureCase {
  readonly id: string;
  /** What the origin, or the client, does: to be read after "it". */
  readonly does: string;
  readonly origin: OriginKind;
  /** The path of the request, after the target's. */
  readonly path: string;
  /** The client breaks off this long after its request. */
  readonly clientLeavesAfterMs?: number;
  readonly shape: OneOrMore<Shape>;
  readonly type: OneOrMore<ProxyErrorType | null>;
}

const failureCase = (
  id: string,
  does: string,
  [origin, path]: readonly [OriginKind, string],
  shape: OneOrMore<Shape>,
  type: OneOrMore<ProxyErrorType | null>,
): FailureCase => ({ id, does, origin, path, shape, type });

const fault = (name: string): readonly [OriginKind, string] => ['plain', `/fault/${name}`];
const well = (path: string): readonly [OriginKind, string] => ['plain', path];

/** For a silent origin, a timeout for the whole response and one between bytes are the same. */
const tooLate: readonly ProxyErrorType[] = ['connection_read_timeout', 'http_response_timeout'];
const cut: readonly ProxyErrorType[] = ['http_response_incomplete', 'connection_terminated'];

export const failureCases: readonly FailureCase[] = [
  failureCase('fine', 'answers well', well('/ok'), 'none', null),
  failureCase('not-found', 'answers 404', well('/status/404'), 'none', null),
  failureCase('own-500', 'answers 500 itself', well('/status/500'), 'app_error', null),
  failureCase('own-502', 'answers 502 itself', fault('own-502'), 'app_error', null),
  failureCase('own-503', 'answers 503 itself', fault('own-503'), 'app_error', null),
  failureCase('own-504', 'answers 504 itself', fault('own-504'), 'app_error', null),
  failureCase('refused', 'does not listen', ['refused', '/x'], 'unreachable', 'connection_refused'),
  failureCase(
    'unanswered',
    'does not accept the connection',
    ['unanswered', '/x'],
    'unreachable',
    'connection_timeout',
  ),
  failureCase(
    'close-before-head',
    'closes the connection without a response',
    fault('close-before-head'),
    'reset',
    'connection_terminated',
  ),
  failureCase(
    'reset-before-head',
    'resets the connection without a response',
    fault('reset-before-head'),
    'reset',
    'connection_terminated',
  ),
  failureCase('close-mid-head', 'closes the connection in the middle of a head', fault('close-mid-head'), 'reset', cut),
  failureCase('reset-mid-head', 'resets the connection in the middle of a head', fault('reset-mid-head'), 'reset', cut),
  failureCase('silent', 'never answers', fault('silent'), 'too_slow', tooLate),
  failureCase('stall-mid-head', 'stops in the middle of a head', fault('stall-mid-head'), 'too_slow', tooLate),
  failureCase('stall-mid-content', 'stops in the middle of its body', fault('stall-mid-content'), 'too_slow', tooLate),
  failureCase('binary', 'answers with random bytes', fault('binary'), 'garbage', 'http_protocol_error'),
  failureCase('ssh-banner', 'answers as an SSH server', fault('ssh-banner'), 'garbage', 'http_protocol_error'),
  failureCase(
    'space-in-field-name',
    'sends a header with a space in its name',
    fault('space-in-field-name'),
    'garbage',
    'http_protocol_error',
  ),
  failureCase('huge-field-section', 'sends 2 MiB of headers', fault('huge-field-section'), 'garbage', [
    'http_response_header_section_size',
    'http_response_header_size',
    'http_protocol_error',
  ]),
  failureCase('bad-chunk-size', 'sends a chunk size that is not a number', fault('bad-chunk-size'), 'garbage', [
    'http_response_transfer_coding',
    'http_protocol_error',
  ]),
  failureCase(
    'short-length-close',
    'closes the connection before it has sent its Content-Length',
    fault('short-length-close'),
    'reset',
    cut,
  ),
  failureCase(
    'short-length-reset',
    'resets the connection before it has sent its Content-Length',
    fault('short-length-reset'),
    'reset',
    cut,
  ),
  failureCase('chunked-cut', 'closes the connection in the middle of a chunk', fault('chunked-cut'), 'reset', cut),
  failureCase(
    'tls-plain-http',
    'answers a TLS handshake in plain HTTP',
    ['tls-plain-http', '/x'],
    'unreachable',
    'tls_protocol_error',
  ),
  failureCase(
    'tls-alert',
    'refuses the handshake with an alert',
    ['tls-alert', '/x'],
    'unreachable',
    'tls_alert_received',
  ),
  failureCase(
    'certificate',
    'has a certificate of an unknown authority',
    ['certificate', '/x'],
    'unreachable',
    'tls_certificate_error',
  ),
  {
    ...failureCase(
      'client-leaves',
      'answers slowly, and the client leaves first',
      well('/slow/400'),
      ['client_abort', 'none'],
      [null, 'http_request_error'],
    ),
    clientLeavesAfterMs: 150,
  },
];
