import { type GoCause, type GoMeaning, goMeanings } from './go-causes.ts';

/** An error of Go's network and HTTP libraries, as Caddy, Traefik and other gateways in Go log it. */
export interface GoError extends GoMeaning {
  readonly cause: GoCause;
  /** The endpoint that the text names: "10.0.0.5:8080", "/run/app.sock", "app.internal"; null if it names none. */
  readonly endpoint: string | null;
  /** The part of the text that decided. */
  readonly evidence: string;
}

const judgedMax = 2048;
const evidenceMax = 240;

/** Texts and their causes; the first one found decides. */
type Sign = readonly [cause: GoCause, ...texts: string[]];

/** Windows has sentences where other systems have short phrases. */
const refusedTexts = ['connection refused', 'actively refused it'];
const resetTexts = ['connection reset by peer', 'forcibly closed by the remote host'];
const noAnswerTexts = ['i/o timeout', 'connection timed out', 'operation timed out', 'did not properly respond'];

const clientSigns: readonly Sign[] = [
  ['client_tls', 'http: TLS handshake error from'],
  [
    'client_left',
    'context canceled',
    'operation was canceled',
    'client disconnected',
    'error reading preface from client',
    // QUIC and HTTP/3: the peer that opened the stream gave it up (RFC 9114 §8.1, 268 is H3_REQUEST_CANCELLED).
    'H3_REQUEST_CANCELLED',
    'canceled by remote',
  ],
  ['request_too_large', 'http: request body too large'],
];

const dialSigns: readonly Sign[] = [
  ['refused', ...refusedTexts],
  [
    'unroutable',
    'no route to host',
    'network is unreachable',
    'host is down',
    'host is unreachable',
    'unreachable network',
  ],
  ['not_permitted', 'permission denied', 'operation not permitted'],
  ['ports_spent', 'cannot assign requested address', "can't assign requested address"],
  ['descriptors_spent', 'too many open files'],
  ['connect_reset', ...resetTexts],
  ['connect_timeout', ...noAnswerTexts, 'context deadline exceeded'],
  [
    'bad_address',
    'missing port in address',
    'too many colons in address',
    'unknown port',
    'invalid port',
    'unknown network',
  ],
];

const socketSigns: readonly Sign[] = [
  ['socket_missing', 'no such file or directory'],
  ['socket_refused', 'connection refused'],
  ['backlog_full', 'resource temporarily unavailable'],
];

const lookupSigns: readonly Sign[] = [
  ['name_server_silent', 'i/o timeout', 'context deadline exceeded'],
  ['name_not_found', 'no such host', 'nodename nor servname provided', 'no address associated'],
];

const tlsSigns: readonly Sign[] = [
  ['tls_timeout', 'TLS handshake timeout'],
  ['tls_plain_peer', 'server gave HTTP response to HTTPS client', 'first record does not look like a TLS handshake'],
  [
    'certificate',
    'x509:',
    'failed to verify certificate',
    'certificate is not trusted',
    'certificate is not standards compliant',
  ],
  ['tls_alert', 'remote error: tls:'],
  ['tls_protocol', 'tls: ', 'local error: tls'],
];

const garbageSigns: readonly Sign[] = [
  // The peer ended one stream of an HTTP/2 connection. That is a reset, not a protocol error.
  ['reset', 'received from peer'],
  ['http2_peer', 'frame header looked like an HTTP/1.1 header', 'unexpected ALPN protocol'],
  [
    'head_too_large',
    'server response headers exceeded',
    'response header list larger than',
    'headers exceed the maximum',
  ],
  ['bad_coding', 'unsupported transfer encoding', 'too many transfer encodings', 'malformed chunked encoding'],
  ['bad_coding', 'invalid byte in chunk length', 'http chunk length too large', 'chunked line ends with bare LF'],
  [
    'not_http',
    'fcgi: invalid header version',
    'malformed HTTP response',
    'malformed HTTP status code',
    'malformed HTTP version',
  ],
  [
    'bad_head',
    'malformed MIME header',
    'bad Content-Length',
    'multiple Content-Length headers',
    'invalid header field',
  ],
  ['upgrade_mismatch', 'backend tried to switch', 'backend tried to switch to invalid protocol'],
  ['http2_broken', 'connection error: PROTOCOL_ERROR', 'connection error: COMPRESSION_ERROR', 'http2: frame too large'],
  ['http2_broken', 'connection error: FRAME_SIZE_ERROR', 'malformed frame', 'stream error: stream ID'],
];

const slowSigns: readonly Sign[] = [
  ['head_timeout', 'timeout awaiting response headers', 'while awaiting headers', 'context deadline exceeded'],
  ['head_timeout', 'Client.Timeout'],
];

const resetSigns: readonly Sign[] = [
  ['closed', 'server closed idle connection', 'server closed the connection', 'client connection lost', 'GOAWAY'],
  ['closed', 'server closed connection before returning the first response byte', 'connection lost'],
  ['send_failed', 'broken pipe'],
  ['reset', ...resetTexts],
];

const gatewaySigns: readonly Sign[] = [
  ['no_upstreams', 'no upstreams available', 'no hosts available upstream'],
  ['bad_address', 'unknown network', 'unsupported protocol scheme', 'no Host in request URL', 'invalid dial address'],
  ['descriptors_spent', 'too many open files'],
];

function causeAmong(signs: readonly Sign[], text: string): GoCause | null {
  for (const [cause, ...texts] of signs) if (texts.some((sign) => text.includes(sign))) return cause;
  return null;
}

/** Removes quoted text, which the peer may have sent: a peer must not choose the verdict. */
function withoutQuoted(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"/g, '""');
}

const dialPattern = /\bdial (?:tcp|udp)[46]?(?: ([^\s"]{1,255}?))?: /;
const socketPattern = /\bdial unix(?:gram|packet)? ([^\s"]{1,255}?): /;
const lookupPattern = /\blookup ([^\s":]{1,255})(?: on [^\s"]{1,100}?)?: /;
const transferPattern = /\b(read|write|readfrom) (?:tcp|unix)[46]? ([^\s"]{0,255}?)->([^\s"]{1,255}?): /;

function causeOfDial(text: string): GoCause | null {
  if (text.includes('lookup ')) return causeAmong(lookupSigns, text) ?? 'name_server_failed';
  if (socketPattern.test(text)) return causeAmong(socketSigns, text) ?? causeAmong(dialSigns, text);
  return causeAmong(dialSigns, text);
}

/** A TLS port answers plain HTTP with an alert record, 0x15; an HTTP/2 server begins with a SETTINGS frame. */
function causeOfNoHttp(text: string): GoCause {
  const quoted = text.slice(text.indexOf('malformed HTTP '));
  if (/"\\x1[56]\\x03/.test(quoted)) return 'tls_peer';
  return /"\\x00\\x00[^"]{0,40}\\x04/.test(quoted) ? 'http2_peer' : 'not_http';
}

/** `readfrom` copies the request body: the inner error concerns reading from the client, or writing to the application. */
function causeOfTransfer(verb: string, text: string): GoCause | null {
  if (verb === 'readfrom') return / write (?:tcp|unix)|: write: |splice: /.test(text) ? 'send_failed' : 'client_left';
  if (noAnswerTexts.some((sign) => text.includes(sign))) return verb === 'write' ? 'write_timeout' : 'read_timeout';
  if (verb === 'write') return 'send_failed';
  return causeAmong(resetSigns, text);
}

function causeOf(text: string): GoCause | null {
  const bare = withoutQuoted(text);
  const client = causeAmong(clientSigns, bare);
  if (client !== null) return client;
  // An error of the name server is worded like one of a connection, but the lookup failed.
  const dial = /\bdial (?:tcp|udp|unix)|\blookup [^\s:]+(?: on [^\s]+)?: /.test(bare) ? causeOfDial(bare) : null;
  if (dial !== null) return dial;
  const tls = causeAmong(tlsSigns, bare);
  if (tls !== null) return tls;
  const garbage = causeAmong(garbageSigns, bare);
  if (garbage !== null) return garbage === 'not_http' ? causeOfNoHttp(text) : garbage;
  const transfer = transferPattern.exec(bare);
  const moved = transfer === null ? null : causeOfTransfer(transfer[1] ?? '', bare);
  return (
    moved ??
    causeAmong(slowSigns, bare) ??
    causeAmong(resetSigns, bare) ??
    causeAmong(gatewaySigns, bare) ??
    causeOfEnd(bare)
  );
}

function causeOfEnd(text: string): GoCause | null {
  if (/(?:^|[:\s])unexpected EOF$/.test(text)) return 'closed';
  if (/(?:^|[:\s])EOF$/.test(text)) return 'closed';
  return /(?:^|[:\s])i\/o timeout$/.test(text) ? 'read_timeout' : null;
}

function endpointOf(text: string): string | null {
  const bare = withoutQuoted(text);
  const lookup = lookupPattern.exec(bare)?.[1];
  if (lookup !== undefined) return lookup;
  return socketPattern.exec(bare)?.[1] ?? dialPattern.exec(bare)?.[1] ?? transferPattern.exec(bare)?.[3] ?? null;
}

/** The cause of the error; null for an unknown text, which must be reported as `unknown`. */
export function readGoError(errorText: string): GoError | null {
  const text = errorText.slice(0, judgedMax).trim();
  const cause = causeOf(text);
  if (cause === null) return null;
  const endpoint = endpointOf(text);
  const meaning = goMeanings[cause];
  return { ...meaning, sentence: sentenceOf(meaning, endpoint), cause, endpoint, evidence: text.slice(0, evidenceMax) };
}

/** The cause of an error after the response had begun: a closed connection then means a response that broke off. */
export function readGoErrorInContent(errorText: string): GoError | null {
  const known = readGoError(errorText);
  if (known === null) return null;
  const inContent: GoCause = known.shape === 'reset' ? 'content_cut' : known.cause;
  const meaning = goMeanings[inContent];
  const stage = known.shape === 'client_abort' ? known.stage : 'body';
  return {
    ...known,
    ...meaning,
    stage,
    cause: inContent,
    sentence: inContent === known.cause ? known.sentence : meaning.sentence,
  };
}

function sentenceOf({ sentence }: GoMeaning, endpoint: string | null): string {
  if (endpoint !== null) return sentence.replace('%s', () => endpoint);
  return sentence.startsWith('%s') ? sentence.replace('%s', 'The upstream') : sentence.replace('%s', 'the upstream');
}
