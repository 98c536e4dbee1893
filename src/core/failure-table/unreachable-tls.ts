import type { FailureTable } from './table.ts';
import { duration, quoted } from './words.ts';

/** The port was reached, but there was no usable connection: TLS failed. */
export const unreachableTls = {
  tls_protocol: {
    type: 'tls_protocol_error',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: 'The TLS handshake with the application failed',
    sentence: ({ address, code }) => `${address} and the gateway could not agree on TLS (${code}).`,
    visitor: 'This site could not set up a secure connection to its server. Its operators must look at it.',
    usualCauses: [
      'the endpoint offers only TLS versions that the gateway does not accept (1.0, 1.1)',
      'the two sides share no cipher suite or key exchange',
      'the port speaks another protocol than TLS',
    ],
    nextStep: 'Run `openssl s_client -connect HOST:PORT -servername NAME` and read which version and cipher come out.',
  },
  tls_plaintext_peer: {
    type: 'tls_protocol_error',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: 'The application speaks plain HTTP where TLS was expected',
    sentence: ({ address }) => `${address} answered the TLS handshake in plain HTTP.`,
    visitor: 'This site and its server expect different kinds of connection. Its operators must correct the settings.',
    usualCauses: [
      'the upstream has `tls` in candor.yaml, but the application serves plain HTTP on this port',
      'the HTTP and HTTPS ports of the application were interchanged',
      "the application's TLS was switched off, as after losing its certificate",
    ],
    nextStep:
      'Run `curl -v http://HOST:PORT/`; if it answers, remove `tls` from the upstream in candor.yaml or correct the port.',
  },
  tls_closed: {
    type: 'tls_protocol_error',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'The application hung up during the TLS handshake',
    sentence: ({ address, errno }) =>
      `${address} ${errno === null ? 'closed the connection' : `broke the connection off (${errno})`} in the middle of the TLS handshake.`,
    visitor:
      'The server behind this site hung up while a secure connection was being set up. Please try again in a moment.',
    usualCauses: [
      'the endpoint finds no certificate for the server name that it was asked for',
      'a load balancer in between accepts connections for a backend that is gone',
      'the endpoint requires a client certificate and hangs up without an alert',
    ],
    nextStep:
      'Compare `openssl s_client -connect HOST:PORT` with and without `-servername NAME`; if only one works, set `tls.server_name` of the upstream.',
  },
  tls_alert: {
    type: 'tls_alert_received',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: 'The application rejected the TLS handshake',
    sentence: ({ address, alertId, alertMessage }) =>
      `${address} rejected the TLS handshake with alert ${alertId} (${alertMessage}).`,
    visitor: "This site's server rejected the secure connection. Its operators must look at it.",
    usualCauses: [
      'alert 40: no version or cipher suite in common',
      'alert 112: the endpoint does not know the server name that it was asked for',
      'alert 42 or 116: the endpoint demands a client certificate',
    ],
    nextStep: "Look in the endpoint's own error log at this moment; it says why it sent the alert.",
  },
  tls_certificate_expired: {
    type: 'tls_certificate_error',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The application's certificate has expired",
    sentence: ({ address, name }) =>
      `The certificate that ${address} shows for ${quoted(name)} is outside its period of validity.`,
    visitor: "A certificate of this site's server has run out. Its operators must renew it.",
    usualCauses: [
      'the renewal failed, or the certificate was renewed and the application not reloaded',
      "the clock of the gateway's or the application's machine is wrong",
      'the certificate is valid from a later date on',
    ],
    nextStep:
      'Run `openssl s_client -connect HOST:PORT -servername NAME </dev/null | openssl x509 -noout -dates`, then renew the certificate and reload the application.',
  },
  tls_certificate_name: {
    type: 'tls_certificate_error',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The application's certificate is for another name",
    sentence: ({ address, name }) => `The certificate that ${address} shows is not for ${quoted(name)}.`,
    visitor: "This site's server identified itself under an unexpected name. Its operators must correct that.",
    usualCauses: [
      'the endpoint is configured by IP address, and the certificate names a host',
      'the endpoint serves several names and showed its default certificate',
      'the host was renamed and kept its certificate',
    ],
    nextStep:
      'List the names with `openssl s_client -connect HOST:PORT </dev/null | openssl x509 -noout -ext subjectAltName`, and set `tls.server_name` of the upstream to one of them.',
  },
  tls_certificate_untrusted: {
    type: 'tls_certificate_error',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The application's certificate is not trusted",
    sentence: ({ address, code }) =>
      `No authority that the gateway trusts has signed the certificate of ${address} (${code}).`,
    visitor: "The identity of this site's server could not be confirmed. Its operators must put that right.",
    usualCauses: [
      'the certificate is self-signed',
      'the endpoint does not send its intermediate certificate',
      'the company has its own authority, and the gateway has not been told of it',
    ],
    nextStep:
      "Give the authority's certificate as `tls.ca_file` of the upstream; `openssl s_client -connect HOST:PORT -showcerts` shows whether the chain is complete.",
  },
  tls_timeout: {
    type: 'connection_timeout',
    status: 504,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'The TLS handshake with the application took too long',
    sentence: ({ address, limitMs }) =>
      `${address} accepted the connection but did not finish the TLS handshake within ${duration(limitMs)}.`,
    visitor: 'Setting up a secure connection to the server of this site took too long. Please try again in a minute.',
    usualCauses: [
      'the port speaks plain text and waits for a request line, not for a handshake',
      'the application accepts connections but its event loop or its threads are blocked',
      'large packets are lost on the way (a wrong MTU), so that the certificate never arrives',
    ],
    nextStep:
      'Run `timeout 10 openssl s_client -connect HOST:PORT` and see how far it comes; the limit is `timeouts.tls` in candor.yaml.',
  },
} satisfies Partial<FailureTable>;
