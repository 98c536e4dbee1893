/** What an origin sends in answer to one request, so that a careless reader takes a part of it for the next answer. */
export interface ResponsePayload {
  readonly name: string;
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** What its own client gets: the status; null where it is 502, or a cut answer that had begun. */
  readonly status: number | null;
  /** Octets, with real pauses (milliseconds) between them. */
  readonly steps: readonly (string | number)[];
  /** Whether the client's answer is cut, since it had begun before it turned out to be broken. */
  readonly isCut: boolean;
  /**
   * Something comes when the answer is long over. Nobody may use the connection in between: what then comes could be
   * the next one's answer, and in HTTP/1.1 no octet would tell.
   */
  readonly isLate: boolean;
}

/** Long enough for the gateway to have begun its own answer. */
const commitMs = 200;

/** An answer to nobody: it must not be seen by anybody. */
export const stray = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nSTRAY';

function response(...lines: readonly string[]): string {
  return ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n');
}

function passed(
  name: string,
  octets: string | ResponsePayload['steps'],
  method: ResponsePayload['method'] = 'GET',
  status = 200,
): ResponsePayload {
  return { name, method, status, steps: typeof octets === 'string' ? [octets] : octets, isCut: false, isLate: false };
}

function garbage(
  name: string,
  octets: string | ResponsePayload['steps'],
  method: ResponsePayload['method'] = 'GET',
): ResponsePayload {
  return {
    name,
    method,
    status: 502,
    steps: typeof octets === 'string' ? [octets] : octets,
    isCut: false,
    isLate: false,
  };
}

const ok = `${response('Content-Length: 4')}mine`;

export const responsePayloads: readonly ResponsePayload[] = [
  passed('two answers in one', ok + stray),
  { ...passed('a second answer after a pause', [ok, 20, stray]), isLate: true },
  { ...passed('a line ending after a pause', [ok, 20, '\r\n']), isLate: true },
  passed('a second answer behind chunks', `${response('Transfer-Encoding: chunked')}4\r\nmine\r\n0\r\n\r\n${stray}`),
  passed(
    'a second answer behind trailers',
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
  passed('a 100 that nobody waits for, then two answers', `HTTP/1.1 100 Continue\r\n\r\n${ok}${stray}`),
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
  garbage('two lengths that are the same', `${response('Content-Length: 4', 'Content-Length: 4')}mine${stray}`),
  garbage('a list of lengths', `${response('Content-Length: 4, 4')}mine${stray}`),
  garbage('a length with a sign', `${response('Content-Length: +4')}mine${stray}`),
  garbage('a length below nothing', `${response('Content-Length: -1')}${stray}`),
  garbage('a length beyond 2^64', `${response('Content-Length: 18446744073709551620')}mine${stray}`),
  garbage('a coding in HTTP/1.0', `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${stray}`),
  garbage('an unknown coding', `${response('Transfer-Encoding: xchunked')}0\r\n\r\n${stray}`),
  garbage('chunked twice', `${response('Transfer-Encoding: chunked, chunked')}0\r\n\r\n${stray}`),
  garbage('a folded length', `${response('X: 1', ' Content-Length: 4')}mine${stray}`),
  garbage('a space before the colon', `${response('Content-Length : 4')}mine${stray}`),
  garbage('a bare LF behind a field', `HTTP/1.1 200 OK\r\nX: 1\nContent-Length: 4\r\n\r\nmine${stray}`),
  garbage('a bare CR within a value', `${response('X: 1\rContent-Length: 4')}mine${stray}`),
  garbage('a zero octet within a value', `${response('X: \0', 'Content-Length: 4')}mine${stray}`),
  garbage('a second status line among the fields', `HTTP/1.1 200 OK\r\n${stray}`),
  garbage('an empty line before the answer', `\r\n${ok}`),
  garbage('content without a head', `mine${stray}`),
  garbage('a status of 99', `HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n${stray}`),
  garbage('a status of 600', `HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n${stray}`),
  garbage(
    'a change of protocol that nobody asked for',
    `HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n${stray}`,
  ),
  {
    ...garbage('a chunk that is longer than said', `${response('Transfer-Encoding: chunked')}4\r\nmine${stray}`),
    status: null,
  },
  {
    name: 'a chunk size that is none',
    method: 'GET',
    status: 200,
    isCut: true,
    isLate: false,
    steps: [`${response('Transfer-Encoding: chunked')}4\r\nmine\r\n`, commitMs, `x\r\n${stray}`],
  },
  {
    name: 'a bare LF behind a chunk',
    method: 'GET',
    status: 200,
    isCut: true,
    isLate: false,
    steps: [`${response('Transfer-Encoding: chunked')}4\r\nmine`, commitMs, `\n${stray}`],
  },
];
