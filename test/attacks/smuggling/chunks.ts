import { chunked, hidden, refused, type SmugglingPayload, taken, zeroChunk } from './payload.ts';

const sizes: readonly (readonly [name: string, size: string])[] = [
  ['a chunk size in 0x form', '0x3'],
  ['a chunk size with an x after it', '3x'],
  ['a chunk size with an h after it', '3h'],
  ['a chunk size with a plus sign', '+3'],
  ['a chunk size with a minus sign', '-3'],
  ['a chunk size of minus nothing', '-0'],
  ['a chunk size after a space', ' 3'],
  ['a chunk size after a tab', '\t3'],
  ['a chunk size with an underscore', '1_0'],
  ['a chunk size with a comma', '0,3'],
  ['a chunk size with a dot', '3.0'],
  ['a chunk size in quotes', '"3"'],
  ['an empty chunk size', ''],
  ['a chunk size of a letter beyond f', 'g'],
  ['a chunk size with a zero byte before it', '\x003'],
  ['a chunk size with a zero byte after it', '3\0'],
  ['a chunk size with a byte above 127', '3\xa0'],
  ['a chunk size of 2^64 and three', '10000000000000003'],
  ['a chunk size of 2^32 and three, with zeros before it', '00000000100000003000'],
  ['a chunk size beyond 2^53', '20000000000001'],
  ['a chunk size that fills 64 bits', 'ffffffffffffffff'],
  ['a chunk size that is -1 in 63 bits', '7fffffffffffffff'],
  ['a chunk size of seventeen zeros', '00000000000000000'],
];

export const chunkSizes: readonly SmugglingPayload[] = [
  ...sizes.map(([name, size]) => refused('chunk-size', name, `${chunked()}${size}\r\nabc\r\n${zeroChunk}`)),
  taken(1, 'a chunk size with zeros before it', `${chunked()}0003\r\nabc\r\n000\r\n\r\n`),
  taken(1, 'a chunk size in capitals', `${chunked()}0A\r\n0123456789\r\n0\r\n\r\n`),
  taken(1, 'a last chunk of sixteen zeros', `${chunked()}3\r\nabc\r\n0000000000000000\r\n\r\n`),
];

export const chunkLines: readonly SmugglingPayload[] = [
  refused('line-ending', 'a bare LF after the chunk size', `${chunked()}3\nabc\r\n${zeroChunk}`),
  refused('line-ending', 'a bare CR after the chunk size', `${chunked()}3\rabc\r\n${zeroChunk}`),
  refused('line-ending', 'CR CR LF after the chunk size', `${chunked()}3\r\r\nabc\r\n${zeroChunk}`),
  refused('chunk-ending', 'a chunk that is longer than said', `${chunked()}3\r\nabcd\r\n${zeroChunk}`),
  refused('chunk-ending', 'a chunk that is shorter than said', `${chunked()}5\r\nabc\r\n${zeroChunk}`),
  refused('chunk-ending', 'a chunk that a bare LF ends', `${chunked()}3\r\nabc\n${zeroChunk}`),
  refused('chunk-ending', 'a chunk that a bare CR ends', `${chunked()}3\r\nabc\r${zeroChunk}`),
  refused('chunk-ending', 'a chunk that CR CR LF ends', `${chunked()}3\r\nabc\r\r\n${zeroChunk}`),
  refused('chunk-ending', 'a chunk that nothing ends', `${chunked()}3\r\nabc${zeroChunk}`),
  refused('chunk-ending', 'a chunk with two bytes for CR LF', `${chunked()}3\r\nabcXX${zeroChunk}`),
  refused('line-ending', 'a last chunk that a bare LF ends', `${chunked()}0\r\n\n${hidden}`),
  refused('line-ending', 'a last chunk line that a bare LF ends', `${chunked()}0\n\r\n${hidden}`),
  refused('line-ending', 'a last chunk that CR CR LF ends', `${chunked()}0\r\n\r\r\n${hidden}`),
  refused('trailer-section', 'a last chunk without its empty line', `${chunked()}0\r\n${hidden}`),
];

export const chunkExtensions: readonly SmugglingPayload[] = [
  refused('line-ending', 'a chunk extension with LF in it', `${chunked()}3;a\n=b\r\nabc\r\n${zeroChunk}`),
  refused('line-ending', 'a chunk extension with CR in it', `${chunked()}3;a\rb\r\nabc\r\n${zeroChunk}`),
  refused('line-ending', 'a chunk extension with LF and a size after it', `${chunked()}3;\n0\r\n\r\n${hidden}`),
  refused('line-ending', 'a last chunk with an extension that LF ends', `${chunked()}0;a\n\r\n${hidden}`),
  taken(2, 'a chunk size before a space', `${chunked()}3 \r\nabc\r\n${zeroChunk}`),
  taken(2, 'a chunk size before a tab', `${chunked()}3\t\r\nabc\r\n${zeroChunk}`),
  taken(2, 'a last chunk size before spaces', `${chunked()}3;a \r\nabc\r\n0   \r\n\r\n${hidden}`),
  refused('line-ending', 'a chunk size before a space and LF', `${chunked()}3 \nabc\r\n${zeroChunk}`),
  refused('line-ending', 'a chunk size before a space and CR', `${chunked()}3 \rabc\r\n${zeroChunk}`),
  refused('chunk-extension', 'a chunk size before a vertical tab', `${chunked()}3 \x0b\r\nabc\r\n${zeroChunk}`),
  refused(
    'chunk-extension',
    'a chunk size before many spaces',
    `${chunked()}3${' '.repeat(300)}\r\nabc\r\n${zeroChunk}`,
  ),
  refused('chunk-extension', 'a chunk size and a second one', `${chunked()}3 3\r\nabc\r\n${zeroChunk}`),
  refused('chunk-extension', 'a chunk extension without a name', `${chunked()}3;\r\nabc\r\n${zeroChunk}`),
  refused('chunk-extension', 'a chunk extension of a value alone', `${chunked()}3;=b\r\nabc\r\n${zeroChunk}`),
  refused('chunk-extension', 'a chunk extension with an empty value', `${chunked()}3;a=\r\nabc\r\n${zeroChunk}`),
  refused('chunk-extension', 'a chunk extension after an empty one', `${chunked()}3;;a\r\nabc\r\n${zeroChunk}`),
  refused('chunk-extension', 'a line ending within quotes', `${chunked()}3;a="\r\n"\r\nabc\r\n${zeroChunk}`),
  refused('chunk-extension', 'quotes that do not end', `${chunked()}3;a="b\r\nabc\r\n${zeroChunk}`),
  refused('chunk-extension', 'a backslash before the line ending', `${chunked()}3;a="b\\\r\nabc\r\n${zeroChunk}`),
  refused(
    'chunk-extension',
    'a chunk extension without end',
    `${chunked()}3;a=${'b'.repeat(300)}\r\nabc\r\n${zeroChunk}`,
  ),
  refused('chunk-extension', 'a zero byte in a chunk extension', `${chunked()}3;a\0\r\nabc\r\n${zeroChunk}`),
  refused('chunk-extension', 'a byte above 127 as a name', `${chunked()}3;\xe9\r\nabc\r\n${zeroChunk}`),
  taken(1, 'a chunk extension by the grammar', `${chunked()}3 ; a = "b;\\"c" ;d\r\nabc\r\n0;e\r\n\r\n`),
  taken(1, 'a size within a chunk extension', `${chunked()}3;0=0;5="5"\r\nabc\r\n0;3=3\r\n\r\n`),
];

/** Trailers that frame, route, or are invalid. */
export const trailers: readonly SmugglingPayload[] = [
  refused('trailer-section', 'a trailer section that folds', `${chunked()}0\r\nX: 1\r\n 2\r\n\r\n${hidden}`),
  refused('trailer-section', 'a trailer section that a space begins', `${chunked()}0\r\n X: 1\r\n\r\n${hidden}`),
  refused('trailer-section', 'a trailer with a space before its colon', `${chunked()}0\r\nX : 1\r\n\r\n${hidden}`),
  refused('trailer-section', 'a trailer without a colon', `${chunked()}0\r\nX\r\n\r\n${hidden}`),
  refused('trailer-section', 'a trailer with a zero byte', `${chunked()}0\r\nX: \0\r\n\r\n${hidden}`),
  refused('line-ending', 'a trailer section with a bare LF', `${chunked()}0\r\nX: 1\n\r\n${hidden}`),
  refused('line-ending', 'a trailer section that a bare LF ends', `${chunked()}0\r\nX: 1\r\n\n${hidden}`),
  refused('line-ending', 'a trailer section with a bare CR', `${chunked()}0\r\nX: 1\rY: 2\r\n\r\n${hidden}`),
  refused(
    'trailer-section-too-large',
    'a trailer section of seventy lines',
    `${chunked()}0\r\n${'X: 1\r\n'.repeat(70)}`,
  ),
  taken(
    1,
    'trailers that would frame',
    `${chunked()}0\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\nHost: b\r\n\r\n`,
  ),
  taken(2, 'trailers that would frame, then a request', `${chunked()}0\r\nContent-Length: 99\r\n\r\n${hidden}`),
  taken(
    2,
    'trailers that would close, expect and upgrade, then a request',
    `${chunked()}0\r\nConnection: close\r\nExpect: 100-continue\r\nUpgrade: h2c\r\n\r\n${hidden}`,
  ),
  taken(
    1,
    'trailers that would say who the client is',
    `${chunked()}0\r\nX-Request-Id: forged\r\nVia: 1.1 forged\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n`,
  ),
  taken(
    2,
    'trailers announced by Trailer, then a request',
    `${chunked('Trailer: Content-Length')}0\r\nContent-Length: 99\r\n\r\n${hidden}`,
  ),
];
