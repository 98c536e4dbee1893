/**
 * Octets that two readers may take for different requests: our own collection. Each hides a request for `/hidden`
 * where one reader sees content, or the other way round. What must come of each stands beside it.
 */
export interface SmugglingPayload {
  readonly name: string;
  readonly octets: string;
  /** The statuses that the client gets, in order. */
  readonly answers: readonly number[];
  /** How many requests may reach the origin; each with its own exchange. */
  readonly reaches: number;
}

const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';
/** A chunked message that ends at once, then the hidden request. */
const zeroChunk = `0\r\n\r\n${hidden}`;

function post(...lines: readonly string[]): string {
  return ['POST /p HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n');
}

function refused(name: string, octets: string, status = 400): SmugglingPayload {
  return { name, octets, answers: [status], reaches: 0 };
}

/** Refused within the content: the origin may have seen the request's beginning, and never its end. */
function refusedWithin(name: string, octets: string): SmugglingPayload {
  return { name, octets, answers: [400], reaches: 0 };
}

function taken(name: string, octets: string, count: number): SmugglingPayload {
  return { name, octets, answers: Array.from({ length: count }, () => 200), reaches: count };
}

const lengthAndCoding: readonly SmugglingPayload[] = [
  refused('CL.TE', post('Content-Length: 6', 'Transfer-Encoding: chunked') + `0\r\n\r\nG`),
  refused('TE.CL', post('Transfer-Encoding: chunked', 'Content-Length: 4') + `5c\r\n${hidden}\r\n0\r\n\r\n`),
  refused('CL.TE with the length of nothing', post('Content-Length: 0', 'Transfer-Encoding: chunked') + zeroChunk),
  refused('CL twice, the same', post('Content-Length: 0', 'Content-Length: 0') + hidden),
  refused('CL twice, different', post('Content-Length: 0', `Content-Length: ${hidden.length}`) + hidden),
  refused('CL as a list of the same', post('Content-Length: 0, 0') + hidden),
  refused('CL as a list of different', post(`Content-Length: 0, ${hidden.length}`) + hidden),
  refused('CL with a plus sign', post('Content-Length: +0') + hidden),
  refused('CL with a minus sign', post('Content-Length: -1') + hidden),
  refused('CL in hexadecimal', post('Content-Length: 0x20') + hidden),
  refused('CL with an exponent', post('Content-Length: 1e1') + hidden),
  refused('CL with a fraction', post('Content-Length: 1.0') + hidden),
  refused('CL with an underscore', post('Content-Length: 1_0') + hidden),
  refused('CL empty', post('Content-Length:') + hidden),
  refused('CL in quotes', post('Content-Length: "0"') + hidden),
  refused('CL beyond 2^53', post('Content-Length: 9007199254740993') + hidden),
  refused('CL beyond 2^64', post('Content-Length: 18446744073709551616') + hidden),
  refused('CL with digits of another script', post('Content-Length: \xd9\xa0') + hidden),
  refused('CL with a space inside', post('Content-Length: 1 0') + hidden),
  refused('CL with a form feed before it', post('Content-Length: \x0c0') + hidden),
  taken('CL with zeros before it', `${post('Content-Length: 0003')}abc`, 1),
  taken('CL with tabs around it', `${post('Content-Length:\t 3 \t')}abc`, 1),
];

const coding: readonly SmugglingPayload[] = [
  refused('TE identity', post('Transfer-Encoding: identity') + hidden),
  refused('TE empty', post('Transfer-Encoding:') + hidden),
  refused('TE xchunked', post('Transfer-Encoding: xchunked') + zeroChunk),
  refused('TE chunked, identity', post('Transfer-Encoding: chunked, identity') + zeroChunk),
  refused('TE identity, chunked', post('Transfer-Encoding: identity, chunked') + zeroChunk, 501),
  refused('TE gzip, chunked', post('Transfer-Encoding: gzip, chunked') + zeroChunk, 501),
  refused('TE chunked twice in a list', post('Transfer-Encoding: chunked, chunked') + zeroChunk),
  refused('TE chunked twice in lines', post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + zeroChunk),
  refused('TE chunked then cow', post('Transfer-Encoding: chunked', 'Transfer-Encoding: cow') + zeroChunk),
  refused('TE cow then chunked', post('Transfer-Encoding: cow', 'Transfer-Encoding: chunked') + zeroChunk, 501),
  refused('TE with an empty member', post('Transfer-Encoding: ,chunked') + zeroChunk, 501),
  refused('TE with an empty member at its end', post('Transfer-Encoding: chunked,') + zeroChunk),
  refused('TE with a parameter', post('Transfer-Encoding: chunked;q=1') + zeroChunk),
  refused('TE in quotes', post('Transfer-Encoding: "chunked"') + zeroChunk),
  refused('TE with a vertical tab before it', post('Transfer-Encoding: \x0bchunked') + zeroChunk),
  refused('TE with a zero octet behind it', post('Transfer-Encoding: chunked\0') + zeroChunk),
  refused('TE with a no-break space behind it', post('Transfer-Encoding: chunked\xa0') + zeroChunk),
  refused('TE with a delete before it', post('Transfer-Encoding: \x7fchunked') + zeroChunk),
  refused('TE folded', post('Transfer-Encoding:', ' chunked') + zeroChunk),
  refused('TE folded behind another field', post('X: 1', '\tTransfer-Encoding: chunked') + zeroChunk),
  refused('TE in HTTP/1.0', `POST /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n${zeroChunk}`),
  taken('TE in capitals', `${post('TRANSFER-ENCODING: CHUNKED')}0\r\n\r\n`, 1),
  taken(
    'TE nominated by Connection',
    `${post('Connection: transfer-encoding', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`,
    1,
  ),
  taken('CL nominated by Connection', `${post('Connection: content-length', 'Content-Length: 3')}abc`, 1),
];

const lines: readonly SmugglingPayload[] = [
  refused('a space before the colon', post('Transfer-Encoding : chunked') + zeroChunk),
  refused('a tab before the colon', post('Content-Length\t: 0') + hidden),
  refused('a space before the first field', `POST /p HTTP/1.1\r\n Host: a\r\n\r\n${hidden}`),
  refused('no colon', post('Content-Length 0') + hidden),
  refused('an empty name', post(': 0') + hidden),
  refused('a bare LF behind the request line', `POST /p HTTP/1.1\nHost: a\r\n\r\n${hidden}`),
  refused('a bare LF behind a field', `POST /p HTTP/1.1\r\nHost: a\nContent-Length: 5\r\n\r\n${hidden}`),
  refused('a bare LF for the empty line', `POST /p HTTP/1.1\r\nHost: a\r\n\nGET /hidden HTTP/1.1\r\n\r\n`),
  refused('a bare CR within a value', post('X: a\rTransfer-Encoding: chunked') + zeroChunk),
  refused('a bare CR behind a field', `POST /p HTTP/1.1\r\nHost: a\rX: 1\r\n\r\n${hidden}`),
  refused('CR CR LF', `POST /p HTTP/1.1\r\nHost: a\r\r\n\r\n${hidden}`),
  refused('a zero octet within a name', post('Transfer-Enc\0oding: chunked') + zeroChunk),
  refused('a zero octet within a value', post('X: a\0b') + hidden),
  refused('a name in brackets', post('[Content-Length]: 0') + hidden),
  refused('a name with an octet above 127', post('Content-Length\xa0: 0') + hidden),
  refused('a second request line among the fields', `GET / HTTP/1.1\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n`),
  refused('five empty lines before a request', `\r\n\r\n\r\n\r\n\r\n${hidden}`),
  refused('a bare LF before a request', `\n${hidden}`),
];

const requestLine: readonly SmugglingPayload[] = [
  refused('two spaces behind the method', `GET  /hidden HTTP/1.1\r\nHost: a\r\n\r\n`),
  refused('a tab behind the method', `GET\t/hidden HTTP/1.1\r\nHost: a\r\n\r\n`),
  refused('a space within the target', `GET /a HTTP/1.1 /hidden HTTP/1.1\r\nHost: a\r\n\r\n`),
  refused('a line ending within the target', `GET /a\r\nX: HTTP/1.1\r\nHost: a\r\n\r\n`),
  refused('no version', `GET /hidden\r\n${hidden}`),
  refused('a version of one digit', `GET / HTTP/1\r\nHost: a\r\n\r\n${hidden}`),
  refused('a version of two digits', `GET / HTTP/1.10\r\nHost: a\r\n\r\n${hidden}`),
  refused('a version in small letters', `GET / http/1.1\r\nHost: a\r\n\r\n${hidden}`),
  refused('version 3.0', `GET / HTTP/3.0\r\nHost: a\r\n\r\n${hidden}`, 505),
  refused('the preface of HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${hidden}`, 505),
  refused('a fragment in the target', `GET /a#/hidden HTTP/1.1\r\nHost: a\r\n\r\n`),
  refused('CONNECT', `CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n${hidden}`, 501),
  refused('an authority as target', `GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n${hidden}`),
  refused('a target without a slash', `GET hidden HTTP/1.1\r\nHost: a\r\n\r\n`),
  refused('an asterisk for GET', `GET * HTTP/1.1\r\nHost: a\r\n\r\n${hidden}`),
];

const host: readonly SmugglingPayload[] = [
  refused('no Host', `GET / HTTP/1.1\r\n\r\n${hidden}`),
  refused('two Hosts', `GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${hidden}`),
  refused('two Hosts that are the same', `GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n${hidden}`),
  refused('an absolute target that Host contradicts', `GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n${hidden}`),
  refused('an absolute target with a user', `GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n${hidden}`),
  refused('an absolute target of another scheme', `GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n${hidden}`),
  refused('a Host with a path', `GET / HTTP/1.1\r\nHost: a/b\r\n\r\n${hidden}`),
  refused('a Host with a user', `GET / HTTP/1.1\r\nHost: a@b\r\n\r\n${hidden}`),
  refused('a Host with a space', `GET / HTTP/1.1\r\nHost: a b\r\n\r\n${hidden}`),
  refused('a Host whose port is a word', `GET / HTTP/1.1\r\nHost: a:b\r\n\r\n${hidden}`),
  taken('a Host nominated by Connection', `GET / HTTP/1.1\r\nHost: a\r\nConnection: host, close\r\n\r\n`, 1),
];

const chunks: readonly SmugglingPayload[] = [
  refusedWithin('a chunk size in 0x form', `${post('Transfer-Encoding: chunked')}0x3\r\nabc\r\n${zeroChunk}`),
  refusedWithin('a chunk size with a sign', `${post('Transfer-Encoding: chunked')}+3\r\nabc\r\n${zeroChunk}`),
  refusedWithin('a chunk size behind a space', `${post('Transfer-Encoding: chunked')} 3\r\nabc\r\n${zeroChunk}`),
  refusedWithin('a chunk size before a space', `${post('Transfer-Encoding: chunked')}3 \r\nabc\r\n${zeroChunk}`),
  refusedWithin('a chunk size with an underscore', `${post('Transfer-Encoding: chunked')}1_0\r\nabc\r\n${zeroChunk}`),
  refusedWithin('an empty chunk size', `${post('Transfer-Encoding: chunked')}\r\n\r\n${hidden}`),
  refusedWithin('a chunk size beyond 2^64', `${post('Transfer-Encoding: chunked')}10000000000000000\r\n${hidden}`),
  refusedWithin('a chunk size beyond 2^53', `${post('Transfer-Encoding: chunked')}20000000000001\r\n${hidden}`),
  refusedWithin('a bare LF behind the chunk size', `${post('Transfer-Encoding: chunked')}3\nabc\r\n${zeroChunk}`),
  refusedWithin('a bare CR behind the chunk size', `${post('Transfer-Encoding: chunked')}3\rabc\r\n${zeroChunk}`),
  refusedWithin('a chunk that is longer than said', `${post('Transfer-Encoding: chunked')}3\r\nabcd\r\n${zeroChunk}`),
  refusedWithin('a chunk that a bare LF ends', `${post('Transfer-Encoding: chunked')}3\r\nabc\n${zeroChunk}`),
  refusedWithin('a last chunk that a bare LF ends', `${post('Transfer-Encoding: chunked')}0\r\n\n${hidden}`),
  refusedWithin(
    'a chunk extension with LF in it',
    `${post('Transfer-Encoding: chunked')}3;a\n=b\r\nabc\r\n${zeroChunk}`,
  ),
  refusedWithin(
    'a chunk extension with CR in it',
    `${post('Transfer-Encoding: chunked')}3;a\rb\r\nabc\r\n${zeroChunk}`,
  ),
  refusedWithin('a chunk extension without a name', `${post('Transfer-Encoding: chunked')}3;\r\nabc\r\n${zeroChunk}`),
  refusedWithin(
    'a line ending within quotes',
    `${post('Transfer-Encoding: chunked')}3;a="\r\n"\r\nabc\r\n${zeroChunk}`,
  ),
  refusedWithin(
    'a chunk extension without end',
    `${post('Transfer-Encoding: chunked')}3;a=${'b'.repeat(300)}\r\nabc\r\n${zeroChunk}`,
  ),
  refusedWithin(
    'a zero octet in a chunk extension',
    `${post('Transfer-Encoding: chunked')}3;a\0\r\nabc\r\n${zeroChunk}`,
  ),
  refusedWithin(
    'a trailer section that folds',
    `${post('Transfer-Encoding: chunked')}0\r\nX: 1\r\n 2\r\n\r\n${hidden}`,
  ),
  refusedWithin(
    'a trailer with a space before its colon',
    `${post('Transfer-Encoding: chunked')}0\r\nX : 1\r\n\r\n${hidden}`,
  ),
  refusedWithin('a trailer section with a bare LF', `${post('Transfer-Encoding: chunked')}0\r\nX: 1\n\r\n${hidden}`),
  taken('a chunk size with zeros before it', `${post('Transfer-Encoding: chunked')}0003\r\nabc\r\n000\r\n\r\n`, 1),
  taken(
    'a chunk extension by the grammar',
    `${post('Transfer-Encoding: chunked')}3 ; a = "b;\\"c" ;d\r\nabc\r\n0;e\r\n\r\n`,
    1,
  ),
  taken(
    'trailers that would frame',
    `${post('Transfer-Encoding: chunked')}0\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\nHost: b\r\n\r\n`,
    1,
  ),
  taken(
    'a request within a chunk',
    `${post('Transfer-Encoding: chunked')}${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
    1,
  ),
];

const following: readonly SmugglingPayload[] = [
  taken('a request within content of a length', post(`Content-Length: ${hidden.length}`) + hidden, 1),
  taken('three requests one after the other', hidden + hidden + hidden, 3),
  taken('a GET with content, then a request', `GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc${hidden}`, 2),
  taken('CR LF behind content, then a request', `${post('Content-Length: 3')}abc\r\n${hidden}`, 2),
  {
    name: 'a refused request between two good ones',
    octets: `${hidden}GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${hidden}`,
    answers: [200, 400],
    reaches: 1,
  },
  taken('a request behind one that closes', `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${hidden}`, 1),
  taken('a request behind HTTP/1.0', `GET / HTTP/1.0\r\nHost: a\r\n\r\n${hidden}`, 1),
  refused(
    'an upgrade with content',
    post('Connection: upgrade', 'Upgrade: websocket', 'Content-Length: 3') + `abc${hidden}`,
  ),
  taken(
    'an upgrade to h2c',
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n`,
    1,
  ),
  refused(
    'an expectation that nobody knows',
    post('Expect: 100-continue, x', `Content-Length: ${hidden.length}`) + hidden,
    417,
  ),
  taken(
    'an expectation whose client does not wait',
    post('Expect: 100-continue', 'Content-Length: 3') + `abc${hidden}`,
    2,
  ),
  taken('a hidden length in an underscored name', post('Content_Length: 99', 'Transfer_Encoding: chunked') + hidden, 2),
];

export const smugglingPayloads: readonly SmugglingPayload[] = [
  ...lengthAndCoding,
  ...coding,
  ...lines,
  ...requestLine,
  ...host,
  ...chunks,
  ...following,
];
