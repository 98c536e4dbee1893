/**
 * The rules of RFC 9110 and 9112 that a message can break, each with its section and what is answered.
 * The parsers in `wire/` name a rule; `docs/failures.md` and the answers quote it.
 */
interface RuleSpec {
  readonly section: string;
  /** Completes "the request was refused because …" or "the response was refused because …". */
  readonly reason: string;
}

/** The rules for requests, each with the status of the answer. */
export const requestRules = {
  'request-line': { section: 'RFC 9112 §3', status: 400, reason: 'the request line is not "method target version"' },
  'method-token': { section: 'RFC 9110 §9.1', status: 400, reason: 'the method is not a token' },
  'method-too-long': { section: 'RFC 9112 §3', status: 501, reason: 'the method is longer than any that is known' },
  'target-bytes': {
    section: 'RFC 9112 §3.2',
    status: 400,
    reason: 'the request target has a byte that must be percent-encoded',
  },
  'target-form': {
    section: 'RFC 9112 §3.2',
    status: 400,
    reason: 'the request target has a form that its method does not allow',
  },
  'scheme-insecure': {
    section: 'RFC 9110 §7.4',
    status: 400,
    reason: 'the request target is an https URL, and the connection has no TLS and does not come from a trusted peer',
  },
  'target-too-long': { section: 'RFC 9112 §3', status: 414, reason: 'the request target is longer than the limit' },
  'version-syntax': { section: 'RFC 9112 §2.3', status: 400, reason: 'the version is not "HTTP/" digit "." digit' },
  'version-unsupported': { section: 'RFC 9110 §15.6.6', status: 505, reason: 'the HTTP version is not supported' },
  'line-ending': { section: 'RFC 9112 §2.2', status: 400, reason: 'a line does not end with CR LF' },
  'header-name': { section: 'RFC 9110 §5.1', status: 400, reason: 'a header name is not a token' },
  'space-before-colon': {
    section: 'RFC 9112 §5.1',
    status: 400,
    reason: 'there is white space in or after a header name',
  },
  'line-folding': { section: 'RFC 9112 §5.2', status: 400, reason: 'a header line is folded' },
  'header-value': { section: 'RFC 9110 §5.5', status: 400, reason: 'a header value has a control character' },
  'header-section-too-large': {
    section: 'RFC 6585 §5',
    status: 431,
    reason: 'the header section is larger than the limit',
  },
  'too-many-headers': { section: 'RFC 6585 §5', status: 431, reason: 'there are more headers than the limit' },
  'connection-options': {
    section: 'RFC 9110 §7.6.1',
    status: 400,
    reason: 'Connection names more headers than the limit',
  },
  'host-missing': { section: 'RFC 9112 §3.2', status: 400, reason: 'an HTTP/1.1 request needs a Host header' },
  'host-repeated': { section: 'RFC 9112 §3.2', status: 400, reason: 'there is more than one Host header' },
  'host-invalid': { section: 'RFC 9112 §3.2', status: 400, reason: 'the host is not a valid authority' },
  'length-required': {
    section: 'RFC 9110 §15.5.12',
    status: 411,
    reason:
      'the application must know the length of the body beforehand (FastCGI), and neither did the client say it nor did all of the body come in time',
  },
  'host-disagrees': {
    section: 'RFC 9112 §3.2',
    status: 400,
    reason: 'the Host header disagrees with the authority of the target, and not all readers go by the same',
  },
  'content-length-invalid': {
    section: 'RFC 9112 §6.3',
    status: 400,
    reason: 'Content-Length is not a number of bytes',
  },
  'content-length-differs': {
    section: 'RFC 9112 §6.3',
    status: 400,
    reason: 'there are several Content-Length values that differ',
  },
  'content-too-large': { section: 'RFC 9110 §15.5.14', status: 413, reason: 'the body is larger than the limit' },
  'content-coding': {
    section: 'RFC 9110 §8.4',
    status: 400,
    reason: 'the body is not what Content-Encoding says, or ends early',
  },
  'decoded-too-large': {
    section: 'RFC 9110 §15.5.14',
    status: 413,
    reason: 'the decoded body is larger than the limit',
  },
  'decoded-ratio': {
    section: 'RFC 9110 §15.5.14',
    status: 413,
    reason: 'decoding makes the body more times as large than the limit',
  },
  'decoders-busy': {
    section: 'RFC 9110 §15.6.4',
    status: 503,
    reason: 'too many compressed bodies are decoded at this moment',
  },
  'length-and-transfer-encoding': {
    section: 'RFC 9112 §6.3',
    status: 400,
    reason: 'Content-Length and Transfer-Encoding came together',
  },
  'transfer-encoding-version': {
    section: 'RFC 9112 §6.1',
    status: 400,
    reason: 'an HTTP/1.0 request has Transfer-Encoding',
  },
  'transfer-encoding-unknown': { section: 'RFC 9112 §6.1', status: 501, reason: 'the transfer coding is not known' },
  'transfer-encoding-final': {
    section: 'RFC 9112 §6.3',
    status: 400,
    reason: 'chunked is not the final transfer coding',
  },
  'chunk-size': { section: 'RFC 9112 §7.1', status: 400, reason: 'a chunk size is not hexadecimal, or too large' },
  'chunk-extension': {
    section: 'RFC 9112 §7.1.1',
    status: 400,
    reason: 'a chunk extension is malformed or longer than the limit',
  },
  'chunk-ending': { section: 'RFC 9112 §7.1', status: 400, reason: 'chunk data is not followed by CR LF' },
  'trailer-section': { section: 'RFC 9112 §7.1.2', status: 400, reason: 'the trailer section is malformed' },
  'trailer-section-too-large': {
    section: 'RFC 6585 §5',
    status: 431,
    reason: 'the trailer section is larger than the limit',
  },
  'max-forwards': {
    section: 'RFC 9110 §7.6.2',
    status: 400,
    reason: 'Max-Forwards of an OPTIONS or TRACE request is not one decimal number',
  },
  'webdav-url': {
    section: 'RFC 4918 §10.3',
    status: 400,
    reason:
      'Destination, or a resource in If, is not one URL of this origin under the path of its route, or is of a route with other rules',
  },
  'expectation-unknown': { section: 'RFC 9110 §15.5.18', status: 417, reason: 'the expectation is not "100-continue"' },
  'connect-not-offered': { section: 'RFC 9110 §9.3.6', status: 501, reason: 'CONNECT is not offered here' },
  'tls-on-plain-port': {
    section: 'RFC 9112 §2.1',
    status: 400,
    reason: 'a TLS handshake was sent to a port that speaks plain HTTP',
  },
  'plain-on-tls-port': {
    section: 'RFC 9110 §4.2.2',
    status: 400,
    reason: 'the request was sent in clear text to a port that speaks TLS',
  },
  'client-certificate': {
    section: 'RFC 8446 §4.4.2.4',
    status: 403,
    reason: 'the certificate that the client showed in the TLS handshake is not accepted',
  },
  misdirected: {
    section: 'RFC 9110 §15.5.20',
    status: 421,
    reason: 'the connection was opened for another host, whose certificate it shows',
  },
  'connection-authentication': {
    section: 'RFC 9113 §7',
    status: 505,
    reason:
      'the application authenticates connections (NTLM, Negotiate), and an HTTP/2 connection carries requests that belong to several of its connections',
  },
  'header-name-case': {
    section: 'RFC 9113 §8.2.1',
    status: 400,
    reason: 'a header name has an uppercase letter, which HTTP/2 forbids',
  },
  'header-value-blank': {
    section: 'RFC 9113 §8.2.1',
    status: 400,
    reason: 'a header value begins or ends with white space, which HTTP/2 forbids',
  },
  'connection-header': {
    section: 'RFC 9113 §8.2.2',
    status: 400,
    reason: 'a header is for an HTTP/1 connection, which HTTP/2 forbids',
  },
  'pseudo-header-unknown': { section: 'RFC 9113 §8.3', status: 400, reason: 'a pseudo-header is not known' },
  'pseudo-header-repeated': { section: 'RFC 9113 §8.3', status: 400, reason: 'a pseudo-header came twice' },
  'pseudo-header-late': { section: 'RFC 9113 §8.3', status: 400, reason: 'a pseudo-header came behind a header' },
  'pseudo-header-kind': {
    section: 'RFC 9113 §8.3',
    status: 400,
    reason: 'a pseudo-header belongs to another kind of message',
  },
  'pseudo-header-missing': { section: 'RFC 9113 §8.3.1', status: 400, reason: 'a pseudo-header is missing or empty' },
  'connect-ended': {
    section: 'RFC 8441 §5',
    status: 400,
    reason: 'a request for a tunnel ends its stream, so that nothing can go through the tunnel',
  },
  'connect-protocol': {
    section: 'RFC 9220 §3',
    status: 501,
    reason: 'a request for a tunnel names another protocol than "websocket", the only one that is known here',
  },
  'connect-unanswerable': {
    section: 'RFC 8441 §5',
    status: 501,
    reason: 'a request for a tunnel came to a route where the gateway answers itself, and opens none',
  },
  'scheme-unknown': { section: 'RFC 9113 §8.3.1', status: 400, reason: 'the scheme is neither "http" nor "https"' },
  'content-length-mismatch': {
    section: 'RFC 9113 §8.1.1',
    status: 400,
    reason: 'the body is longer or shorter than Content-Length',
  },
  'http2-stream': {
    section: 'RFC 9113 §5.4.2',
    status: 400,
    reason: 'a frame of its stream broke a rule of HTTP/2',
  },
  'http2-connection': {
    section: 'RFC 9113 §5.4.1',
    status: 400,
    reason: 'a frame on its connection broke a rule of HTTP/2, so that the gateway closed the connection',
  },
  'http2-limit': {
    section: 'RFC 9113 §10.5',
    status: 400,
    reason: 'its connection reached a limit of HTTP/2, so that the gateway closed the connection',
  },
  'http2-not-offered': {
    section: 'RFC 9113 §3.4',
    status: 505,
    reason: 'HTTP/2 is not offered on this port, or not behind a request of HTTP/1.1',
  },
  'proxy-protocol': {
    section: 'PROXY protocol §2',
    status: 400,
    reason: 'the PROXY protocol header is missing or malformed',
  },
} as const satisfies Record<string, RuleSpec & { readonly status: number }>;

export type RequestRule = keyof typeof requestRules;

/** What a response may break. The status that the client gets follows from the failure, not from the rule. */
export const responseRules = {
  'status-line': { section: 'RFC 9112 §4', reason: 'the status line is not "version status reason"' },
  'status-code': { section: 'RFC 9110 §15', reason: 'the status is not a number from 100 to 999' },
  'reason-phrase': { section: 'RFC 9112 §4', reason: 'the reason phrase has a control character' },
  'line-ending': { section: 'RFC 9112 §2.2', reason: 'a line does not end with CR LF' },
  'header-name': { section: 'RFC 9110 §5.1', reason: 'a header name is not a token' },
  'space-before-colon': { section: 'RFC 9112 §5.1', reason: 'there is white space in or after a header name' },
  'line-folding': { section: 'RFC 9112 §5.2', reason: 'a header line is folded' },
  'header-value': { section: 'RFC 9110 §5.5', reason: 'a header value has a control character' },
  'connection-options': { section: 'RFC 9110 §7.6.1', reason: 'Connection names more headers than the limit' },
  'content-length-invalid': { section: 'RFC 9112 §6.3', reason: 'Content-Length is not a number of bytes' },
  'content-length-differs': { section: 'RFC 9112 §6.3', reason: 'there are several Content-Length values that differ' },
  'length-and-transfer-encoding': {
    section: 'RFC 9112 §6.3',
    reason: 'Content-Length and Transfer-Encoding came together',
  },
  'transfer-encoding-version': { section: 'RFC 9112 §6.1', reason: 'an HTTP/1.0 response has Transfer-Encoding' },
  'transfer-encoding-final': { section: 'RFC 9112 §6.3', reason: 'chunked is not the final transfer coding' },
  'chunk-size': { section: 'RFC 9112 §7.1', reason: 'a chunk size is not hexadecimal, or too large' },
  'chunk-extension': { section: 'RFC 9112 §7.1.1', reason: 'a chunk extension is malformed or longer than the limit' },
  'chunk-ending': { section: 'RFC 9112 §7.1', reason: 'chunk data is not followed by CR LF' },
  'trailer-section': { section: 'RFC 9112 §7.1.2', reason: 'the trailer section is malformed' },
  'trailer-section-too-large': { section: 'RFC 9112 §7.1.2', reason: 'the trailer section is larger than the limit' },
  'header-name-case': {
    section: 'RFC 9113 §8.2.1',
    reason: 'a header name has an uppercase letter, which HTTP/2 forbids',
  },
  'header-value-blank': {
    section: 'RFC 9113 §8.2.1',
    reason: 'a header value begins or ends with white space, which HTTP/2 forbids',
  },
  'connection-header': {
    section: 'RFC 9113 §8.2.2',
    reason: 'a header is for an HTTP/1 connection, which HTTP/2 forbids',
  },
  'pseudo-header-unknown': { section: 'RFC 9113 §8.3', reason: 'a pseudo-header is not known' },
  'pseudo-header-repeated': { section: 'RFC 9113 §8.3', reason: 'a pseudo-header came twice' },
  'pseudo-header-late': { section: 'RFC 9113 §8.3', reason: 'a pseudo-header came behind a header' },
  'pseudo-header-kind': {
    section: 'RFC 9113 §8.3',
    reason: 'a pseudo-header belongs to another kind of message, or stands in trailers',
  },
  'pseudo-header-missing': { section: 'RFC 9113 §8.3.2', reason: 'there is no :status' },
  'switch-in-http2': { section: 'RFC 9113 §8.6', reason: 'HTTP/2 knows no 101' },
  'interim-end': { section: 'RFC 9113 §8.1', reason: 'an interim response ends the stream' },
  'content-length-mismatch': { section: 'RFC 9113 §8.1.1', reason: 'the body is longer than Content-Length' },
  'cgi-status': { section: 'RFC 3875 §6.3.3', reason: 'Status is not a number from 200 to 999' },
  'content-forbidden': {
    section: 'RFC 9110 §6.4.1, §15.3.5 and §15.4.5',
    reason: 'a body came with a 204, with a 304, or in answer to HEAD, which have none',
  },
} as const satisfies Record<string, RuleSpec>;

export type ResponseRule = keyof typeof responseRules;

/** The rule of `response_frames` that bytes of HTTP/1 break on a connection on which HTTP/2 was spoken before. */
export const http1Behind = 'bytes of HTTP/1 came in place of a frame, behind frames of HTTP/2';
