import { guessWords } from '../guess-words.ts';
import type { FailureTable } from '../failure-spec.ts';
import { duration, quoted, quotedBytes } from './formatting.ts';

function when(instant: string): string {
  return instant === '' ? '' : ` at ${instant}`;
}

/** The port was reached, but TLS failed, so there was no usable connection. */
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
    forClient: 'This site could not set up a secure connection to its server. Its operators must look at it.',
    usualCauses: [
      'the endpoint chose a cipher suite or key exchange that the gateway had not offered',
      'a proxy between the gateway and the endpoint changed or lost bytes of the handshake',
      'the TLS library of the endpoint is broken or very old',
    ],
    nextStep:
      'Run `openssl s_client -connect HOST:PORT -servername NAME` and read which version and cipher it reports.',
  },
  tls_version: {
    type: 'tls_protocol_error',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: 'The application speaks only an old version of TLS',
    sentence: ({ address, code }) =>
      `${address} answered the TLS handshake in a version before 1.2, which the gateway does not accept (${code}).`,
    forClient: "This site's server speaks only an outdated form of encryption. Its operators must update it.",
    usualCauses: [
      'the endpoint is limited to TLS 1.0 or 1.1 by its configuration',
      'its TLS library is older than TLS 1.2 (2008)',
    ],
    nextStep:
      'Run `openssl s_client -connect HOST:PORT -servername NAME -tls1_2`; it fails in the same way until the endpoint allows TLS 1.2 or later.',
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
    sentence: ({ address, firstBytes }) =>
      `${address} answered the TLS handshake in plain HTTP: ${quotedBytes(firstBytes)}.`,
    forClient:
      'This site and its server expect different kinds of connection. Its operators must correct the settings.',
    usualCauses: [
      'the upstream has `tls` in the configuration, but the application serves plain HTTP on this port',
      'the HTTP and HTTPS ports of the application were confused',
      'TLS was switched off in the application, for example because its certificate was missing',
    ],
    nextStep:
      'Run `curl -v http://HOST:PORT/`; if it answers, remove `tls` from the upstream in the configuration or correct the port.',
  },
  tls_not_spoken: {
    type: 'tls_protocol_error',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: 'The port does not speak TLS',
    sentence: ({ address, firstBytes, guess }) =>
      `${address} answered the TLS handshake with something that is not TLS${guess === 'text' || guess === 'binary' ? '' : ` and looks like ${guessWords[guess]}`}: ${quotedBytes(firstBytes)}.`,
    forClient:
      'This site tried to make a secure connection to the wrong port of its server. Its operators must correct that.',
    usualCauses: [
      'the port belongs to another program (SSH, mail, a database)',
      'a proxy in between answers in its own protocol',
      'the program prints an error instead of answering',
    ],
    nextStep:
      'Run `nc HOST PORT </dev/null | head -c 64` to see which program answers there, and correct the port in the configuration.',
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
    forClient:
      'The server behind this site hung up while a secure connection was being set up. Please try again in a moment.',
    usualCauses: [
      'the endpoint has no certificate for the server name in the handshake',
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
    forClient: "This site's server rejected the secure connection. Its operators must look at it.",
    usualCauses: [
      'alert 40: no version or cipher suite in common, or the endpoint demands a client certificate (before TLS 1.3)',
      'alert 70: the endpoint speaks only versions before TLS 1.2',
      'alert 112: the endpoint does not know the server name in the handshake',
      'alert 42, 48 or 116: the endpoint demands a client certificate, or does not accept the one that it got',
    ],
    nextStep: "Look in the endpoint's own error log at this moment; it says why it sent the alert.",
  },
  tls_certificate_expired: {
    type: 'tls_certificate_error',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The application's certificate has expired",
    sentence: ({ address, name, subject, notAfter, isIssuer = false }) =>
      `The certificate ${isIssuer ? `of ${quoted(subject)}, the issuer of the one ` : ''}that ${address} shows for ${quoted(name)}${isIssuer ? ',' : ''} ran out${when(notAfter)}.`,
    forClient: "A certificate of this site's server has run out. Its operators must renew it.",
    usualCauses: [
      'the renewal failed, or the application was not reloaded after the renewal',
      'the intermediate certificate, or the authority in `ca_file`, has expired',
      "the clock of the gateway's machine is wrong",
    ],
    nextStep:
      'Run `openssl s_client -connect HOST:PORT -servername NAME </dev/null | openssl x509 -noout -dates`, then renew the certificate and reload the application.',
  },
  tls_certificate_not_yet_valid: {
    type: 'tls_certificate_error',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The application's certificate is not valid yet",
    sentence: ({ address, name, subject, notBefore, isIssuer = false }) =>
      `The certificate ${isIssuer ? `of ${quoted(subject)}, the issuer of the one ` : ''}that ${address} shows for ${quoted(name)}${isIssuer ? ',' : ''} is valid only from a later time on${notBefore === '' ? '' : ` (${notBefore})`}.`,
    forClient: "A certificate of this site's server is not valid yet. Its operators must look at it.",
    usualCauses: [
      "the clock of the gateway's machine is behind",
      'the certificate was made on a machine whose clock is ahead',
      'a certificate for a later time was installed too early',
    ],
    nextStep:
      "Compare `date -u` on the gateway's machine with `openssl s_client -connect HOST:PORT -servername NAME </dev/null | openssl x509 -noout -startdate`.",
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
    sentence: ({ address, name, names }) =>
      `The certificate that ${address} shows is not for ${quoted(name)}${names === '' ? '' : ` but for ${quoted(names)}`}.`,
    forClient: "This site's server identified itself under an unexpected name. Its operators must correct that.",
    usualCauses: [
      'the endpoint is configured by IP address, and the certificate names a host',
      'the endpoint serves several names and showed its default certificate',
      'the host was renamed and kept its certificate',
    ],
    nextStep:
      'List the names with `openssl s_client -connect HOST:PORT -servername NAME </dev/null | openssl x509 -noout -ext subjectAltName`, and see whether this is the server that you expect there: correct the address or its certificate if not. `tls.server_name` of the upstream makes the gateway check for that name in place of NAME: set it only to a name that you expect there, never to whatever the certificate names.',
  },
  tls_certificate_self_signed: {
    type: 'tls_certificate_error',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The application's certificate is self-signed",
    sentence: ({ address, subject }) =>
      `The certificate of ${address} (${quoted(subject)}) is self-signed, and the gateway is not configured to trust it.`,
    forClient: "No authority vouches for this site's server. Its operators must correct that.",
    usualCauses: [
      'the application created its own certificate at its first start',
      'the application lost its certificate and uses a built-in one instead',
    ],
    nextStep:
      'Save its certificate with `openssl s_client -connect HOST:PORT -servername NAME </dev/null | openssl x509`, make sure that it is the right one, and name the file as `tls.ca_file` of the upstream.',
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
    sentence: ({ address, issuer, code }) =>
      `No authority that the gateway trusts has signed the certificate of ${address}${issuer === '' ? '' : `; it names ${quoted(issuer)} as its issuer`} (${code}).`,
    forClient: "The identity of this site's server could not be confirmed. Its operators must correct that.",
    usualCauses: [
      'the endpoint does not send its intermediate certificate',
      'the company has its own authority, and `tls.ca_file` does not name its certificate',
    ],
    nextStep:
      "Give the authority's certificate as `tls.ca_file` of the upstream; `openssl s_client -connect HOST:PORT -servername NAME -showcerts` shows whether the chain is complete.",
  },
  tls_certificate_unfit: {
    type: 'tls_certificate_error',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The application's certificate is not fit for a server",
    sentence: ({ address, subject, code }) =>
      `The certificate of ${address}${subject === '' ? '' : ` (${quoted(subject)})`} may not be used by a server, or is broken (${code}).`,
    forClient: "A certificate of this site's server cannot be used. Its operators must replace it.",
    usualCauses: [
      'the certificate was issued for clients (INVALID_PURPOSE), or for an authority',
      'the certificate or an intermediate one was revoked or altered',
      'its key or its signature is too weak by current standards',
    ],
    nextStep:
      'Print the certificate with `openssl s_client -connect HOST:PORT -servername NAME </dev/null | openssl x509 -noout -text`, and have a new one issued for a server.',
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
    forClient: 'Setting up a secure connection to the server of this site took too long. Please try again in a minute.',
    usualCauses: [
      'the port speaks plain text and waits for a request line, not for a handshake',
      'the application accepts connections but its event loop or its threads are blocked',
      'large packets are lost in the network (a wrong MTU), so that the certificate never arrives',
    ],
    nextStep:
      'Run `timeout 10 openssl s_client -connect HOST:PORT -servername NAME` and see at which step it stops; the limit is `timeouts.tls` in the configuration.',
  },
} satisfies Partial<FailureTable>;
