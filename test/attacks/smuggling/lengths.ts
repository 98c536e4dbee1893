import { get, hidden, post, refused, type SmugglingPayload, taken, zeroChunk } from './payload.ts';

/** CL.TE: a length first, and a coding. */
export const clTe: readonly SmugglingPayload[] = [
  refused(
    'length-and-transfer-encoding',
    'CL.TE',
    `${post('Content-Length: 6', 'Transfer-Encoding: chunked')}0\r\n\r\nG`,
  ),
  refused(
    'length-and-transfer-encoding',
    'CL.TE with the length of nothing',
    post('Content-Length: 0', 'Transfer-Encoding: chunked') + zeroChunk,
  ),
  refused(
    'length-and-transfer-encoding',
    'CL.TE with the length of all',
    post(`Content-Length: ${zeroChunk.length}`, 'Transfer-Encoding: chunked') + zeroChunk,
  ),
  refused(
    'length-and-transfer-encoding',
    'CL.TE with fields between the two',
    post('Content-Length: 0', 'X-A: 1', 'X-B: 2', 'Transfer-Encoding: chunked') + zeroChunk,
  ),
  refused(
    'length-and-transfer-encoding',
    'CL.TE with a length that is none',
    post('Content-Length: x', 'Transfer-Encoding: chunked') + zeroChunk,
  ),
  refused(
    'length-and-transfer-encoding',
    'CL.TE with a coding that is none',
    post('Content-Length: 0', 'Transfer-Encoding: identity') + hidden,
  ),
  refused(
    'length-and-transfer-encoding',
    'CL.TE in small and capital letters',
    post('content-length: 0', 'TRANSFER-ENCODING: chunked') + zeroChunk,
  ),
  refused(
    'length-and-transfer-encoding',
    'CL.TE where Connection nominates the length',
    post('Connection: content-length', 'Content-Length: 0', 'Transfer-Encoding: chunked') + zeroChunk,
  ),
  refused(
    'length-and-transfer-encoding',
    'CL.TE where Connection nominates the coding',
    post('Connection: transfer-encoding', 'Content-Length: 5', 'Transfer-Encoding: chunked') + zeroChunk,
  ),
  refused(
    'length-and-transfer-encoding',
    'CL twice, and TE',
    post('Content-Length: 0', 'Content-Length: 5', 'Transfer-Encoding: chunked') + zeroChunk,
  ),
  refused(
    'length-and-transfer-encoding',
    'CL.TE for a GET',
    `GET /g HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n${zeroChunk}`,
  ),
];

const chunk = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;

/** TE.CL: a coding first, and a length. */
export const teCl: readonly SmugglingPayload[] = [
  refused(
    'length-and-transfer-encoding',
    'TE.CL',
    `${post('Transfer-Encoding: chunked', 'Content-Length: 4')}5c\r\n${hidden}\r\n0\r\n\r\n`,
  ),
  refused(
    'length-and-transfer-encoding',
    'TE.CL with the length of nothing',
    `${post('Transfer-Encoding: chunked', 'Content-Length: 0')}${chunk}`,
  ),
  refused(
    'length-and-transfer-encoding',
    'TE.CL with the length of the first line',
    `${post('Transfer-Encoding: chunked', 'Content-Length: 4')}${chunk}`,
  ),
  refused(
    'length-and-transfer-encoding',
    'TE.CL with the length of all',
    `${post('Transfer-Encoding: chunked', `Content-Length: ${chunk.length}`)}${chunk}`,
  ),
  refused(
    'length-and-transfer-encoding',
    'TE.CL with fields between the two',
    `${post('Transfer-Encoding: chunked', 'X-A: 1', 'X-B: 2', 'Content-Length: 4')}${chunk}`,
  ),
  refused(
    'length-and-transfer-encoding',
    'TE.CL where Connection nominates the coding',
    `${post('Connection: transfer-encoding', 'Transfer-Encoding: chunked', 'Content-Length: 4')}${chunk}`,
  ),
  refused(
    'length-and-transfer-encoding',
    'TE.CL where Connection nominates the length',
    `${post('Connection: content-length', 'Transfer-Encoding: chunked', 'Content-Length: 4')}${chunk}`,
  ),
  refused(
    'length-and-transfer-encoding',
    'TE.CL with a coding more',
    `${post('Transfer-Encoding: identity, chunked', 'Content-Length: 4')}${chunk}`,
  ),
  refused(
    'length-and-transfer-encoding',
    'TE.CL with two lengths',
    `${post('Transfer-Encoding: chunked', 'Content-Length: 4', 'Content-Length: 4')}${chunk}`,
  ),
  refused(
    'length-and-transfer-encoding',
    'TE.CL for a GET',
    `${get('Transfer-Encoding: chunked', 'Content-Length: 4')}${chunk}`,
  ),
  refused(
    'space-before-colon',
    'TE.CL with a space before the colon of the coding',
    `${post('Transfer-Encoding : chunked', 'Content-Length: 4')}${chunk}`,
  ),
  refused(
    'line-ending',
    'TE.CL with a bare LF between the two',
    `POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\nContent-Length: 4\r\n\r\n${chunk}`,
  ),
];

const invalid: readonly (readonly [name: string, line: string])[] = [
  ['CL with a plus sign', 'Content-Length: +0'],
  ['CL with a minus sign', 'Content-Length: -1'],
  ['CL of minus nothing', 'Content-Length: -0'],
  ['CL in hexadecimal', 'Content-Length: 0x20'],
  ['CL in octal with a letter', 'Content-Length: 0o10'],
  ['CL with an exponent', 'Content-Length: 1e1'],
  ['CL with a fraction', 'Content-Length: 1.0'],
  ['CL with an underscore', 'Content-Length: 1_0'],
  ['CL with a comma for thousands after it', 'Content-Length: 0,'],
  ['CL with a comma before it', 'Content-Length: ,0'],
  ['CL with a semicolon after it', 'Content-Length: 0;a=1'],
  ['CL with a letter after it', 'Content-Length: 0a'],
  ['CL empty', 'Content-Length:'],
  ['CL of white space', 'Content-Length: \t '],
  ['CL in quotes', 'Content-Length: "0"'],
  ['CL beyond 2^53', 'Content-Length: 9007199254740993'],
  ['CL of 2^64, which is 0 in 64 bits', 'Content-Length: 18446744073709551616'],
  ['CL of 2^32 and more, in thirty digits', 'Content-Length: 100000000000000000004294967296'],
  ['CL with digits of another script', 'Content-Length: \xd9\xa0'],
  ['CL with a no-break space before it', 'Content-Length: \xa00'],
  ['CL with a space inside', 'Content-Length: 1 0'],
  ['CL with a tab inside', 'Content-Length: 0\t0'],
  ['CL infinite', 'Content-Length: Infinity'],
  ['CL that is no number', 'Content-Length: NaN'],
];

/** CL.CL: lengths twice, and in lists. */
export const repeatedLengths: readonly SmugglingPayload[] = [
  taken(2, 'CL twice, the same', post('Content-Length: 0', 'Content-Length: 0') + hidden),
  refused(
    'content-length-differs',
    'CL twice, different',
    post('Content-Length: 0', `Content-Length: ${hidden.length}`) + hidden,
  ),
  refused(
    'content-length-differs',
    'CL twice, the larger first',
    post(`Content-Length: ${hidden.length}`, 'Content-Length: 0') + hidden,
  ),
  refused(
    'content-length-invalid',
    'CL twice, the second empty',
    post('Content-Length: 0', 'Content-Length:') + hidden,
  ),
  taken(2, 'CL twice in two spellings', post('Content-Length: 0', 'CONTENT-LENGTH: 00') + hidden),
  taken(2, 'CL as a list of the same', post('Content-Length: 0, 0') + hidden),
  taken(2, 'CL as lists of the same', `${post('Content-Length: 3,3', 'Content-Length: 3 , 03')}abc${hidden}`),
  taken(1, 'CL as a list of the length of all', post(`Content-Length: ${hidden.length}, ${hidden.length}`) + hidden),
  refused(
    'content-length-differs',
    'CL as a list of the same, and another',
    post('Content-Length: 0, 0', `Content-Length: ${hidden.length}`) + hidden,
  ),
  refused(
    'content-length-differs',
    'CL as a list, the last one different',
    post(`Content-Length: 0, 0, ${hidden.length}`) + hidden,
  ),
  refused('content-length-invalid', 'CL as a list with an empty member', post('Content-Length: 0,,0') + hidden),
  refused('content-length-invalid', 'CL as a list with signs', post('Content-Length: +0, +0') + hidden),
  refused('content-length-invalid', 'CL as a list of hexadecimal numbers', post('Content-Length: 0x0, 0x0') + hidden),
  refused('content-length-differs', 'CL as a list of different', post(`Content-Length: 0, ${hidden.length}`) + hidden),
  taken(2, 'CL as a list without spaces', post('Content-Length: 0,0,0') + hidden),
];

/** Invalid lengths, and strings that look like a length. */
export const oddLengths: readonly SmugglingPayload[] = [
  ...invalid.map(([name, line]) => refused('content-length-invalid', name, post(line) + hidden)),
  refused('header-value', 'CL with a form feed before it', post('Content-Length: \x0c0') + hidden),
  refused('header-value', 'CL with a vertical tab after it', post('Content-Length: 0\x0b') + hidden),
  refused('header-value', 'CL with a zero byte after it', post('Content-Length: 0\0') + hidden),
  taken(1, 'CL with zeros before it', `${post('Content-Length: 0003')}abc`),
  taken(1, 'CL with forty zeros before it', `${post(`Content-Length: ${'0'.repeat(40)}3`)}abc`),
  taken(1, 'CL with tabs around it', `${post('Content-Length:\t 3 \t')}abc`),
  taken(1, 'CL without a space before it', `${post('Content-Length:3')}abc`),
  taken(2, 'CL under a name with an underscore', post('Content_Length: 99') + hidden),
  taken(2, 'CL under a name with a dot', post('Content.Length: 99') + hidden),
  taken(2, 'CL under a name that goes on', post('Content-Lengths: 99', 'X-Content-Length: 99') + hidden),
];

/** CL.0 and 0.CL: a body where one of the two readers expects none. */
export const bodyOrNone: readonly SmugglingPayload[] = [
  taken(1, 'CL.0: a request within content of a length', post(`Content-Length: ${hidden.length}`) + hidden),
  taken(
    2,
    'CL.0: content of a GET, then a request',
    `GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc${hidden}`,
  ),
  taken(
    1,
    'CL.0: a request within the content of a GET',
    `GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  ),
  taken(
    1,
    'CL.0: a request within the content of a HEAD',
    `HEAD /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  ),
  taken(
    1,
    'CL.0: a request within the content of a DELETE',
    `DELETE /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  ),
  taken(
    1,
    'CL.0: a request within the content of a method of our own',
    `BREW /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  ),
  taken(
    1,
    'CL.0: a request within content that Connection: close ends',
    post('Connection: close', `Content-Length: ${hidden.length}`) + hidden,
  ),
  taken(2, '0.CL: no content for a POST, then a request', post() + hidden),
  taken(2, '0.CL: content of length 0 for a POST, then a request', post('Content-Length: 0') + hidden),
  taken(2, '0.CL: a length in the query', `POST /p?Content-Length:99 HTTP/1.1\r\nHost: a\r\n\r\n${hidden}`),
  taken(2, '0.CL: a length after an empty line in content', `${post('Content-Length: 2')}\r\n${hidden}`),
  taken(
    1,
    'CL.0: a request within a chunk',
    `${post('Transfer-Encoding: chunked')}${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
  ),
  taken(
    1,
    'CL.0: a request within a chunk of a GET',
    `GET /g HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
  ),
];
