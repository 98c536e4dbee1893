/** The answer of an origin to one request, from which a careless reader takes a part for the next answer. */
export interface ResponsePayload {
  readonly name: string;
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** Header lines of the request, besides those that every request has. */
  readonly asks: readonly string[];
  /** The status that its own client gets; null if that is 502, or a truncated answer. */
  readonly status: number | null;
  /** Bytes, with real pauses (milliseconds) between them. */
  readonly steps: readonly (string | number)[];
  /** Whether the client's answer is truncated, since it had begun before it turned out to be broken. */
  readonly isCut: boolean;
  /**
   * Bytes come long after the answer. The gateway may not reuse the connection in between: HTTP/1.1 cannot distinguish
   * those bytes from the next answer.
   */
  readonly isLate: boolean;
}

/** Long enough for the gateway to have begun its own answer. */
const commitMs = 200;

/** An answer to no request: no client may get it. */
const stray = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nSTRAY';

function response(...lines: readonly string[]): string {
  return ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n');
}

function passed(
  name: string,
  bytes: string | ResponsePayload['steps'],
  method: ResponsePayload['method'] = 'GET',
  status = 200,
): ResponsePayload {
  const steps = typeof bytes === 'string' ? [bytes] : bytes;
  return { name, method, asks: [], status, steps, isCut: false, isLate: false };
}

function garbage(
  name: string,
  bytes: string | ResponsePayload['steps'],
  method: ResponsePayload['method'] = 'GET',
): ResponsePayload {
  return passed(name, bytes, method, 502);
}

/** Truncated, since the client's answer had begun before it turned out to be broken. */
function cut(name: string, steps: ResponsePayload['steps']): ResponsePayload {
  return { ...passed(name, steps), isCut: true };
}

const webSocket = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
];
const h2c = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA'];

/** In answer to a request with Upgrade. */
function upgrading(asks: readonly string[], payload: ResponsePayload): ResponsePayload {
  return { ...payload, asks };
}

function switching(...lines: readonly string[]): string {
  return ['HTTP/1.1 101 Switching Protocols', ...lines, '', ''].join('\r\n');
}

const agreed = switching('Connection: Upgrade', 'Upgrade: websocket');
const refusedUpgrade =
  'HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: x/2\r\nContent-Length: 4\r\n\r\n';

const ok = `${response('Content-Length: 4')}mine`;

export const responsePayloads: readonly ResponsePayload[] = [
  passed('two answers in one', ok + stray),
  { ...passed('a second answer after a pause', [ok, 20, stray]), isLate: true },
  { ...passed('a line ending after a pause', [ok, 20, '\r\n']), isLate: true },
  passed('a second answer after chunks', `${response('Transfer-Encoding: chunked')}4\r\nmine\r\n0\r\n\r\n${stray}`),
  passed(
    'a second answer after trailers',
    `${response('Transfer-Encoding: chunked')}4\r\nmine\r\n0\r\nContent-Length: 99\r\n\r\n${stray}`,
  ),
  passed('an answer to HEAD with content', response(`Content-Length: ${stray.length}`) + stray, 'HEAD'),
  passed('an answer to HEAD with chunks', `${response('Transfer-Encoding: chunked')}4\r\n${stray}`, 'HEAD'),
  passed('a 204 with content', `HTTP/1.1 204 No Content\r\n\r\n${stray}`, 'GET', 204),
  passed(
    'a 204 with a length',
    `HTTP/1.1 204 No Content\r\nContent-Length: ${stray.length}\r\n\r\n${stray}`,
    'GET',
    204,
  ),
  passed(
    'a 304 with a length and content',
    `HTTP/1.1 304 Not Modified\r\nContent-Length: ${stray.length}\r\n\r\n${stray}`,
    'GET',
    304,
  ),
  passed(
    'a 304 with chunks',
    `HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n${stray}`,
    'GET',
    304,
  ),
  passed('a hint with a length', `HTTP/1.1 103 Early Hints\r\nContent-Length: 50\r\n\r\n${ok}`),
  passed('an unsolicited 100, then two answers', `HTTP/1.1 100 Continue\r\n\r\n${ok}${stray}`),
  passed('an early answer to content, then another', ok + stray, 'POST'),
  passed('a length with zeros before it', `${response('Content-Length: 0004')}mine${stray}`),
  passed(
    'a chunk size with zeros before it',
    `${response('Transfer-Encoding: chunked')}0004\r\nmine\r\n000\r\n\r\n${stray}`,
  ),
  passed(
    'a length nominated by Connection',
    `${response('Connection: content-length', 'Content-Length: 4')}mine${stray}`,
  ),
  garbage('a length and a coding', `${response('Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\n${stray}`),
  garbage('two lengths', `${response('Content-Length: 4', 'Content-Length: 5')}mine${stray}`),
  passed('two lengths that are the same', `${response('Content-Length: 4', 'Content-Length: 4')}mine${stray}`),
  passed('a list of the same length', `${response('Content-Length: 4, 4')}mine${stray}`),
  garbage('a list of lengths', `${response('Content-Length: 4, 5')}mine${stray}`),
  garbage(
    'two lengths that are the same, and a coding',
    `${response('Content-Length: 4, 4', 'Transfer-Encoding: chunked')}0\r\n\r\n${stray}`,
  ),
  passed(
    'a chunk size with spaces behind it',
    `${response('Transfer-Encoding: chunked')}4  \r\nmine\r\n0 \r\n\r\n${stray}`,
  ),
  passed('a head of bare LF', `HTTP/1.1 200 OK\nContent-Length: 4\n\nmine${stray}`),
  passed('a head of bare LF, then another', `HTTP/1.1 200 OK\nContent-Length: 4\n\nmine${stray.replaceAll('\r', '')}`),
  garbage('two bare LF among the fields', `HTTP/1.1 200 OK\r\nX: 1\n\n${stray}`),
  garbage(
    'chunks with bare LF behind a head of bare LF',
    `HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n4\nmine\n0\n\n${stray}`,
  ),
  garbage('a length with a sign', `${response('Content-Length: +4')}mine${stray}`),
  garbage('a length below nothing', `${response('Content-Length: -1')}${stray}`),
  garbage('a length beyond 2^64', `${response('Content-Length: 18446744073709551620')}mine${stray}`),
  garbage('a coding in HTTP/1.0', `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${stray}`),
  garbage('an unknown coding', `${response('Transfer-Encoding: xchunked')}0\r\n\r\n${stray}`),
  garbage('chunked twice', `${response('Transfer-Encoding: chunked, chunked')}0\r\n\r\n${stray}`),
  garbage('a folded length', `${response('X: 1', ' Content-Length: 4')}mine${stray}`),
  garbage('a space before the colon', `${response('Content-Length : 4')}mine${stray}`),
  garbage('a bare LF after a field', `HTTP/1.1 200 OK\r\nX: 1\nContent-Length: 4\r\n\r\nmine${stray}`),
  garbage('a bare CR within a value', `${response('X: 1\rContent-Length: 4')}mine${stray}`),
  garbage('a zero byte within a value', `${response('X: \0', 'Content-Length: 4')}mine${stray}`),
  garbage('a second status line among the fields', `HTTP/1.1 200 OK\r\n${stray}`),
  garbage('an empty line before the answer', `\r\n${ok}`),
  garbage('content without a head', `mine${stray}`),
  garbage('a status of 99', `HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n${stray}`),
  passed('a status of 600', `HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n${stray}`, 'GET', 600),
  garbage('a status of 1000', `HTTP/1.1 1000 High\r\nContent-Length: 0\r\n\r\n${stray}`),
  garbage(
    'a change of protocol that was not asked for',
    `HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n${stray}`,
  ),
  {
    ...garbage('a chunk that is longer than said', `${response('Transfer-Encoding: chunked')}4\r\nmine${stray}`),
    status: null,
  },
  cut('a chunk size that is none', [
    `${response('Transfer-Encoding: chunked')}4\r\nmine\r\n`,
    commitMs,
    `x\r\n${stray}`,
  ]),
  cut('a bare LF after a chunk', [`${response('Transfer-Encoding: chunked')}4\r\nmine`, commitMs, `\n${stray}`]),
  garbage('a change of protocol to a POST', agreed + stray, 'POST'),
  garbage('a change of protocol to a HEAD', agreed + stray, 'HEAD'),
  garbage('a change of protocol in two pieces', [agreed.slice(0, 30), 20, agreed.slice(30) + stray]),
  garbage('a change of protocol after a 100', `HTTP/1.1 100 Continue\r\n\r\n${agreed}${stray}`),
  garbage('a change of protocol with a length', `${switching('Upgrade: x', 'Content-Length: 0')}${stray}`),
  upgrading(
    webSocket,
    garbage('a change to another protocol than was asked for', agreed.replace('websocket', 'x') + stray),
  ),
  upgrading(webSocket, garbage('a change to one protocol more', agreed.replace('websocket', 'websocket, h2c') + stray)),
  upgrading(webSocket, garbage('a change to no protocol', switching('Connection: Upgrade') + stray)),
  upgrading(webSocket, garbage('a change to a protocol without a name', agreed.replace('websocket', ',') + stray)),
  upgrading(h2c, garbage('a change to the h2c that was not forwarded', agreed.replace('websocket', 'h2c') + stray)),
  upgrading(webSocket, passed('a 200 to an upgrade, and another answer', ok + stray)),
  upgrading(webSocket, passed('a 426 to an upgrade, and another answer', `${refusedUpgrade}mine${stray}`, 'GET', 426)),
  upgrading(
    webSocket,
    passed('a 204 to an upgrade, and another answer', `HTTP/1.1 204 No\r\n\r\n${stray}`, 'GET', 204),
  ),
  upgrading(webSocket, passed('a hint to an upgrade, then two answers', `HTTP/1.1 103 Hint\r\n\r\n${ok}${stray}`)),
  upgrading(webSocket, {
    ...passed('a 200 to an upgrade, and later a change of protocol', [ok, 20, agreed + stray]),
    isLate: true,
  }),
  upgrading(
    webSocket,
    garbage(
      'a 200 with two framings to an upgrade',
      response('Content-Length: 4', 'Transfer-Encoding: chunked') + stray,
    ),
  ),
];
