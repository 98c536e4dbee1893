import type { ProxyErrorType } from '../../../src/core/proxy-error.ts';
import type { Shape } from '../../../src/core/shape.ts';
import type { OneOrMore } from '../corpus.ts';

/** Where a gateway forwards to: each is a path of its own, and an address behind it. */
export const places = ['plain', 'refused', 'unanswered', 'tls-plain-http', 'tls-alert', 'certificate'] as const;

export type Place = (typeof places)[number];

/** One thing that happens to one request, and what it is: the truth that each log is measured against. */
export interface Act {
  readonly id: string;
  /** What the origin, or the client, does: to be read after "it". */
  readonly does: string;
  readonly place: Place;
  /** Of the request, behind the place. */
  readonly path: string;
  /** The client breaks off so long after its request. */
  readonly clientLeavesAfterMs?: number;
  readonly shape: OneOrMore<Shape>;
  readonly type: OneOrMore<ProxyErrorType | null>;
}

const act = (
  id: string,
  does: string,
  [place, path]: readonly [Place, string],
  shape: OneOrMore<Shape>,
  type: OneOrMore<ProxyErrorType | null>,
): Act => ({ id, does, place, path, shape, type });

const fault = (name: string): readonly [Place, string] => ['plain', `/fault/${name}`];
const well = (path: string): readonly [Place, string] => ['plain', path];

/** A limit of the whole time and one between octets are the same to an origin that says nothing. */
const tooLate: readonly ProxyErrorType[] = ['connection_read_timeout', 'http_response_timeout'];
const cut: readonly ProxyErrorType[] = ['http_response_incomplete', 'connection_terminated'];

export const acts: readonly Act[] = [
  act('fine', 'answers well', well('/ok'), 'none', null),
  act('not-found', 'answers 404', well('/status/404'), 'none', null),
  act('own-500', 'answers 500 itself', well('/status/500'), 'app_error', null),
  act('own-502', 'answers 502 itself', fault('own-502'), 'app_error', null),
  act('own-503', 'answers 503 itself', fault('own-503'), 'app_error', null),
  act('own-504', 'answers 504 itself', fault('own-504'), 'app_error', null),
  act('refused', 'is not there', ['refused', '/x'], 'unreachable', 'connection_refused'),
  act('unanswered', 'does not take the connection', ['unanswered', '/x'], 'unreachable', 'connection_timeout'),
  act('close-before-head', 'closes without an answer', fault('close-before-head'), 'reset', 'connection_terminated'),
  act('reset-before-head', 'resets without an answer', fault('reset-before-head'), 'reset', 'connection_terminated'),
  act('close-mid-head', 'closes in the middle of a head', fault('close-mid-head'), 'reset', cut),
  act('reset-mid-head', 'resets in the middle of a head', fault('reset-mid-head'), 'reset', cut),
  act('silent', 'never answers', fault('silent'), 'too_slow', tooLate),
  act('stall-mid-head', 'stops in the middle of a head', fault('stall-mid-head'), 'too_slow', tooLate),
  act('stall-mid-content', 'stops in the middle of its content', fault('stall-mid-content'), 'too_slow', tooLate),
  act('binary', 'answers with noise', fault('binary'), 'garbage', 'http_protocol_error'),
  act('ssh-banner', 'answers as an SSH server', fault('ssh-banner'), 'garbage', 'http_protocol_error'),
  act(
    'space-in-field-name',
    'sends a field with a space in its name',
    fault('space-in-field-name'),
    'garbage',
    'http_protocol_error',
  ),
  act('huge-field-section', 'sends 2 MiB of fields', fault('huge-field-section'), 'garbage', [
    'http_response_header_section_size',
    'http_response_header_size',
    'http_protocol_error',
  ]),
  act('bad-chunk-size', 'sends a chunk size that is no number', fault('bad-chunk-size'), 'garbage', [
    'http_response_transfer_coding',
    'http_protocol_error',
  ]),
  act('short-length-close', 'closes before it has sent what it promised', fault('short-length-close'), 'reset', cut),
  act('short-length-reset', 'resets before it has sent what it promised', fault('short-length-reset'), 'reset', cut),
  act('chunked-cut', 'closes in the middle of a chunk', fault('chunked-cut'), 'reset', cut),
  act('tls-plain-http', 'answers TLS in plain HTTP', ['tls-plain-http', '/x'], 'unreachable', 'tls_protocol_error'),
  act('tls-alert', 'refuses the handshake with an alert', ['tls-alert', '/x'], 'unreachable', 'tls_alert_received'),
  act(
    'certificate',
    'has a certificate of nobody known',
    ['certificate', '/x'],
    'unreachable',
    'tls_certificate_error',
  ),
  {
    ...act(
      'client-leaves',
      'would answer; the client leaves first',
      well('/slow/400'),
      ['client_abort', 'none'],
      [null, 'http_request_error'],
    ),
    clientLeavesAfterMs: 150,
  },
];
