import {
  answered,
  get,
  hidden,
  message,
  pause,
  post,
  refused,
  type SmugglingPayload,
  taken,
  untilAnswered,
} from './payload.ts';

/** Hop-by-hop headers, and headers that their nomination could remove. */
export const nominations: readonly SmugglingPayload[] = [
  taken(
    1,
    'TE nominated by Connection',
    `${post('Connection: transfer-encoding', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`,
  ),
  taken(1, 'CL nominated by Connection', `${post('Connection: content-length', 'Content-Length: 3')}abc`),
  taken(
    1,
    'CL nominated by Connection, with a request as content',
    post('Connection: keep-alive, Content-Length', `Content-Length: ${hidden.length}`) + hidden,
  ),
  taken(2, 'the marks of a proxy nominated', get('Connection: via, x-request-id, x-forwarded-for') + hidden),
  taken(2, 'Connection nominating itself', get('Connection: connection, keep-alive') + hidden),
  taken(2, 'Proxy-Connection: close', get('Proxy-Connection: close') + hidden),
  taken(1, 'Connection: close among others', get('Connection: x-a, close, x-b', 'X-A: 1') + hidden),
  taken(1, 'Connection: close and keep-alive', get('Connection: keep-alive', 'Connection: close') + hidden),
  taken(1, 'a request after one that closes', get('Connection: close') + hidden),
  taken(2, 'as many nominations as are looked up', get(naming(32)) + hidden),
  refused('connection-options', 'forty nominations', get(naming(40)) + hidden),
];

/** A body that waits for a 100, which only one of the two readers expects. */
export const expectations: readonly SmugglingPayload[] = [
  refused(
    'expectation-unknown',
    'an unknown expectation',
    post('Expect: 100-continue, x', `Content-Length: ${hidden.length}`) + hidden,
  ),
  refused('expectation-unknown', 'an expectation with a parameter', post('Expect: 100-continue;a=1') + hidden),
  refused('expectation-unknown', 'an expectation of another number', post('Expect: 200-ok') + hidden),
  taken(
    2,
    'an expectation whose client does not wait',
    `${post('Expect: 100-continue', 'Content-Length: 3')}abc${hidden}`,
  ),
  taken(2, 'an expectation of a request without content', get('Expect: 100-continue') + hidden),
  taken(2, 'an expectation in capitals', `${post('Expect: 100-CONTINUE', 'Content-Length: 3')}abc${hidden}`),
  taken(
    2,
    'an expectation twice',
    `${post('Expect: 100-continue', 'Expect: 100-continue', 'Content-Length: 3')}abc${hidden}`,
  ),
  taken(2, 'an expectation with a pause before the content', [
    post('Expect: 100-continue', 'Content-Length: 3'),
    pause,
    `abc${hidden}`,
  ]),
  taken(1, 'an expectation with a request as content', [
    post('Expect: 100-continue', `Content-Length: ${hidden.length}`),
    pause,
    hidden,
  ]),
  taken(1, 'an expectation with a request as a chunk', [
    post('Expect: 100-continue', 'Transfer-Encoding: chunked'),
    pause,
    `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
  ]),
];

/** Pipelined requests: each answer must belong to its request. */
export const pipelined: readonly SmugglingPayload[] = [
  taken(3, 'three requests one after the other', hidden + hidden + hidden),
  taken(20, 'twenty requests one after the other', hidden.repeat(20)),
  taken(3, 'a HEAD between two GETs', `${get()}${message('HEAD /h HTTP/1.1', 'Host: a')}${hidden}`),
  taken(
    3,
    'an OPTIONS for everything between two GETs',
    `${get()}${message('OPTIONS * HTTP/1.1', 'Host: a')}${hidden}`,
  ),
  answered([204, 200], 'a 204, then a request', [message('GET /status/204 HTTP/1.1', 'Host: a') + hidden]),
  answered([304, 200], 'a 304, then a request', [message('GET /status/304 HTTP/1.1', 'Host: a') + hidden]),
  answered([204, 200], 'a HEAD with 204, then a request', [message('HEAD /status/204 HTTP/1.1', 'Host: a') + hidden]),
  answered([304, 200], 'a HEAD with 304, then a request', [message('HEAD /status/304 HTTP/1.1', 'Host: a') + hidden]),
  answered([404, 200], 'a 404, then a request', [message('GET /status/404 HTTP/1.1', 'Host: a') + hidden]),
  refused(
    'host-repeated',
    'a refused request between two good ones',
    `${hidden}${message('GET / HTTP/1.1', 'Host: a', 'Host: b')}${hidden}`,
    1,
  ),
  refused(
    'line-ending',
    'a refused request after content',
    `${post('Content-Length: 3')}abc${message('GET / HTTP/1.1\nHost: a')}`,
    1,
  ),
  refused(
    'request-line',
    'content that is longer than it says',
    `${post('Content-Length: 3')}abc  and more${hidden}`,
    1,
  ),
  refused('http2-not-offered', 'the preface of HTTP/2 after a request', `${hidden}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, 1),
];

const third = Math.floor(hidden.length / 3);

/** Heads and bodies in slices with real pauses between them, and answers that come early. */
export const pauses: readonly SmugglingPayload[] = [
  taken(1, 'a pause within the method', ['GE', pause, hidden.slice(2)]),
  taken(1, 'a pause within the line ending', [hidden.slice(0, 21), pause, hidden.slice(21)]),
  taken(1, 'a pause within the empty line', [hidden.slice(0, -1), pause, '\n']),
  taken(2, 'a pause between head and content', [post('Content-Length: 3'), pause, `abc${hidden}`]),
  taken(1, 'a pause before content that is a request', [post(`Content-Length: ${hidden.length}`), pause, hidden]),
  taken(1, 'pauses within content that is a request', [
    post(`Content-Length: ${hidden.length}`) + hidden.slice(0, third),
    pause,
    hidden.slice(third, 2 * third),
    pause,
    hidden.slice(2 * third),
  ]),
  taken(1, 'a pause before a chunk that is a request', [
    post('Transfer-Encoding: chunked'),
    pause,
    `${hidden.length.toString(16)}\r\n`,
    pause,
    `${hidden}\r\n0\r\n\r\n`,
  ]),
  taken(1, 'a pause within a chunk size', [
    `${post('Transfer-Encoding: chunked')}2`,
    pause,
    `0\r\n${'a'.repeat(32)}\r\n0\r\n\r\n`,
  ]),
  taken(2, 'a pause before the last line ending', [
    `${post('Transfer-Encoding: chunked')}0\r\n`,
    pause,
    `\r\n${hidden}`,
  ]),
  refused('chunk-ending', 'a pause before a chunk that is too long', [
    `${post('Transfer-Encoding: chunked')}3\r\nabc`,
    pause,
    hidden,
  ]),
  refused('chunk-size', 'a pause before a size that is none', [post('Transfer-Encoding: chunked'), pause, hidden]),
  refused('length-and-transfer-encoding', 'a pause between a length and a coding', [
    'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n',
    pause,
    `Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  ]),
  taken(0, 'content that never comes', [post(`Content-Length: ${hidden.length}`, 'X-Early: 1'), pause]),
  early('an early answer to chunks that never come', [post('Transfer-Encoding: chunked', 'X-Early: 1'), pause]),
  early('an early answer, then chunks that are a request', [
    post('Transfer-Encoding: chunked', 'X-Early: 1'),
    untilAnswered,
    `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
    pause,
    hidden,
  ]),
  taken(0, 'half a request, and no more', hidden.slice(0, -2)),
];

/** The strict origin answers these before their body, for which the gateway does not wait long, and does not count them as complete requests. */
function early(name: string, steps: SmugglingPayload['steps']): SmugglingPayload {
  return { name, steps, answers: [200], reaches: 0, rule: null };
}

function naming(count: number): string {
  return `Connection: ${Array.from({ length: count }, (_, n) => `x-${n}`).join(', ')}`;
}
