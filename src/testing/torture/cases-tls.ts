import { broken, gone, lawful, unreachable } from './expectations.ts';
import type { Expectation } from './torture-case.ts';

/** The path requested from every TLS origin that works: its response is `ok`. */
export const tlsAsks = 'http-1.9';

const served = lawful(200, 'ok\n');

/** A failed handshake: the reason is an alert, the certificate or the protocol. */
function refused(cause: string, ...errors: Parameters<typeof gone>): Expectation {
  return unreachable(cause, 502, 'tls_protocol_error', ...errors);
}

const untrusted = (cause: string): Expectation => refused(cause, 'tls_certificate_error');

/** Faults of TLS; the group is the fault. */
export const tlsRows: readonly (readonly [group: string, expects: Expectation])[] = [
  ['tls-good', served],
  ['tls-plain-http', refused('the origin speaks no TLS')],
  [
    'tls-silent',
    unreachable(
      'the handshake was not answered in time',
      504,
      'connection_timeout',
      'connection_read_timeout',
      'tls_protocol_error',
    ),
  ],
  ['tls-reset', refused('the origin broke the handshake off', 'connection_terminated')],
  ['tls-alert-40', refused('the origin refused the handshake', 'tls_alert_received')],
  ['tls-only-1.1', refused('the origin speaks no current TLS', 'tls_alert_received')],
  ['tls-client-certificate', refused('the origin wants a certificate', 'tls_alert_received', 'connection_terminated')],
  ['certificate-expired', untrusted('the certificate has run out')],
  ['certificate-other-name', untrusted('the certificate is for another name')],
  ['certificate-self-signed', untrusted('nobody vouches for the certificate')],
  ['certificate-untrusted', untrusted('nobody known vouches for the certificate')],
  ['tls-close-before-head', gone()],
  ['tls-cut-length', broken()],
  ['tls-cut-until-close', broken()],
  ['tls-until-close', lawful(200, 'all of it\n')],
  ['tls-only-1.2', served],
];
