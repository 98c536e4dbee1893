/**
 * The rules of RFC 9110 and 9112 that a message can break, each with its section and what is answered.
 * The parsers in `wire/` name a rule; `docs/failures.md` and the answers quote it.
 */
interface RuleSpec {
  readonly section: string;
  /** The whole of "the request was refused because …" or "the response …". */
  readonly says: string;
}

/** What a request may break, with the status that says so. */
export const requestRules = {
  'request-line': { section: 'RFC 9112 §3', status: 400, says: 'the request line is not "method target version"' },
  'method-token': { section: 'RFC 9110 §9.1', status: 400, says: 'the method is not a token' },
  'method-too-long': { section: 'RFC 9112 §3', status: 501, says: 'the method is longer than any that is known' },
  'target-octets': {
    section: 'RFC 9112 §3.2',
    status: 400,
    says: 'the request target has an octet that must be percent-encoded',
  },
  'target-form': {
    section: 'RFC 9112 §3.2',
    status: 400,
    says: 'the request target has a form that its method does not allow',
  },
  'target-too-long': { section: 'RFC 9112 §3', status: 414, says: 'the request target is longer than the limit' },
  'version-syntax': { section: 'RFC 9112 §2.3', status: 400, says: 'the version is not "HTTP/" digit "." digit' },
  'version-unsupported': { section: 'RFC 9110 §15.6.6', status: 505, says: 'the HTTP version is not supported' },
  'line-ending': { section: 'RFC 9112 §2.2', status: 400, says: 'a line does not end with CR LF' },
  'field-name': { section: 'RFC 9110 §5.1', status: 400, says: 'a field name is not a token' },
  'space-before-colon': {
    section: 'RFC 9112 §5.1',
    status: 400,
    says: 'there is white space in a field name or behind it',
  },
  'line-folding': { section: 'RFC 9112 §5.2', status: 400, says: 'a field line is folded' },
  'field-value': { section: 'RFC 9110 §5.5', status: 400, says: 'a field value has a control character' },
  'field-section-too-large': {
    section: 'RFC 6585 §5',
    status: 431,
    says: 'the field section is larger than the limit',
  },
  'too-many-fields': { section: 'RFC 6585 §5', status: 431, says: 'there are more fields than the limit' },
  'connection-options': {
    section: 'RFC 9110 §7.6.1',
    status: 400,
    says: 'Connection names more headers than the limit',
  },
  'host-missing': { section: 'RFC 9112 §3.2', status: 400, says: 'an HTTP/1.1 request needs a Host field' },
  'host-repeated': { section: 'RFC 9112 §3.2', status: 400, says: 'there is more than one Host field' },
  'host-invalid': { section: 'RFC 9112 §3.2', status: 400, says: 'the host is not a valid authority' },
  'host-disagrees': {
    section: 'RFC 9112 §3.2.2',
    status: 400,
    says: 'the Host field disagrees with the authority of the target',
  },
  'content-length-invalid': { section: 'RFC 9112 §6.3', status: 400, says: 'Content-Length is not a number of octets' },
  'content-length-differs': { section: 'RFC 9112 §6.3', status: 400, says: 'there are several Content-Length values' },
  'content-too-large': { section: 'RFC 9110 §15.5.14', status: 413, says: 'the content is larger than the limit' },
  'length-and-transfer-encoding': {
    section: 'RFC 9112 §6.3',
    status: 400,
    says: 'Content-Length and Transfer-Encoding came together',
  },
  'transfer-encoding-version': {
    section: 'RFC 9112 §6.1',
    status: 400,
    says: 'an HTTP/1.0 request has Transfer-Encoding',
  },
  'transfer-encoding-unknown': { section: 'RFC 9112 §6.1', status: 501, says: 'the transfer coding is not known' },
  'transfer-encoding-final': {
    section: 'RFC 9112 §6.3',
    status: 400,
    says: 'chunked is not the final transfer coding',
  },
  'chunk-size': { section: 'RFC 9112 §7.1', status: 400, says: 'a chunk size is not hexadecimal, or too large' },
  'chunk-extension': {
    section: 'RFC 9112 §7.1.1',
    status: 400,
    says: 'a chunk extension is malformed or longer than the limit',
  },
  'chunk-ending': { section: 'RFC 9112 §7.1', status: 400, says: 'chunk data is not followed by CR LF' },
  'trailer-section': { section: 'RFC 9112 §7.1.2', status: 400, says: 'the trailer section is malformed' },
  'trailer-section-too-large': {
    section: 'RFC 6585 §5',
    status: 431,
    says: 'the trailer section is larger than the limit',
  },
  'max-forwards': {
    section: 'RFC 9110 §7.6.2',
    status: 400,
    says: 'Max-Forwards of an OPTIONS or TRACE request is not one decimal number',
  },
  'expectation-unknown': { section: 'RFC 9110 §15.5.18', status: 417, says: 'the expectation is not "100-continue"' },
  'connect-not-offered': { section: 'RFC 9110 §9.3.6', status: 501, says: 'CONNECT is not offered here' },
  'tls-on-plain-port': {
    section: 'RFC 9112 §2.1',
    status: 400,
    says: 'a TLS handshake was sent to a port that speaks plain HTTP',
  },
  'http2-not-offered': { section: 'RFC 9113 §3.4', status: 505, says: 'HTTP/2 is not offered on this port' },
  'proxy-protocol': {
    section: 'PROXY protocol §2',
    status: 400,
    says: 'the PROXY protocol header is missing or malformed',
  },
} as const satisfies Record<string, RuleSpec & { readonly status: number }>;

export type RequestRule = keyof typeof requestRules;

/** What a response may break. The status that the client gets follows from the failure, not from the rule. */
export const responseRules = {
  'status-line': { section: 'RFC 9112 §4', says: 'the status line is not "version status reason"' },
  'switch-version': { section: 'RFC 9110 §7.8', says: 'HTTP/1.0 knows no 101, and no change of protocol' },
  'switch-framing': {
    section: 'RFC 9110 §8.6 and RFC 9112 §6.1',
    says: 'a 101 must have neither Content-Length nor Transfer-Encoding',
  },
  'status-code': { section: 'RFC 9110 §15', says: 'the status is not a number from 100 to 599' },
  'reason-phrase': { section: 'RFC 9112 §4', says: 'the reason phrase has a control character' },
  'line-ending': { section: 'RFC 9112 §2.2', says: 'a line does not end with CR LF' },
  'field-name': { section: 'RFC 9110 §5.1', says: 'a field name is not a token' },
  'space-before-colon': { section: 'RFC 9112 §5.1', says: 'there is white space in a field name or behind it' },
  'line-folding': { section: 'RFC 9112 §5.2', says: 'a field line is folded' },
  'field-value': { section: 'RFC 9110 §5.5', says: 'a field value has a control character' },
  'connection-options': { section: 'RFC 9110 §7.6.1', says: 'Connection names more headers than the limit' },
  'content-length-invalid': { section: 'RFC 9112 §6.3', says: 'Content-Length is not a number of octets' },
  'content-length-differs': { section: 'RFC 9112 §6.3', says: 'there are several Content-Length values' },
  'length-and-transfer-encoding': {
    section: 'RFC 9112 §6.3',
    says: 'Content-Length and Transfer-Encoding came together',
  },
  'transfer-encoding-version': { section: 'RFC 9112 §6.1', says: 'an HTTP/1.0 response has Transfer-Encoding' },
  'transfer-encoding-final': { section: 'RFC 9112 §6.3', says: 'chunked is not the final transfer coding' },
  'chunk-size': { section: 'RFC 9112 §7.1', says: 'a chunk size is not hexadecimal, or too large' },
  'chunk-extension': { section: 'RFC 9112 §7.1.1', says: 'a chunk extension is malformed or longer than the limit' },
  'chunk-ending': { section: 'RFC 9112 §7.1', says: 'chunk data is not followed by CR LF' },
  'trailer-section': { section: 'RFC 9112 §7.1.2', says: 'the trailer section is malformed' },
  'trailer-section-too-large': { section: 'RFC 9112 §7.1.2', says: 'the trailer section is larger than the limit' },
} as const satisfies Record<string, RuleSpec>;

export type ResponseRule = keyof typeof responseRules;
