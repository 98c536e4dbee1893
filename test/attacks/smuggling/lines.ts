import { get, hidden, message, post, refused, type SmugglingPayload, taken, zeroChunk } from './payload.ts';

/** Bare CRs and LFs, and empty lines in wrong places. */
export const lineEndings: readonly SmugglingPayload[] = [
  refused('line-ending', 'a bare LF after the request line', `POST /p HTTP/1.1\nHost: a\r\n\r\n${hidden}`),
  refused('line-ending', 'bare LFs everywhere', 'GET / HTTP/1.1\nHost: a\n\nGET /hidden HTTP/1.1\nHost: a\n\n'),
  refused('line-ending', 'a bare LF after a field', `POST /p HTTP/1.1\r\nHost: a\nContent-Length: 5\r\n\r\n${hidden}`),
  refused(
    'line-ending',
    'a bare LF for the empty line',
    'POST /p HTTP/1.1\r\nHost: a\r\n\nGET /hidden HTTP/1.1\r\n\r\n',
  ),
  refused('line-ending', 'two bare LFs in a value', post('X: a\n\nGET /hidden HTTP/1.1')),
  refused('line-ending', 'a bare CR within a value', post('X: a\rTransfer-Encoding: chunked') + zeroChunk),
  refused('line-ending', 'two bare CRs in a value', post('X: a\r\rGET /hidden HTTP/1.1')),
  refused('line-ending', 'a bare CR after a field', `POST /p HTTP/1.1\r\nHost: a\rX: 1\r\n\r\n${hidden}`),
  refused('line-ending', 'a bare CR after the request line', `POST /p HTTP/1.1\rHost: a\r\n\r\n${hidden}`),
  refused('line-ending', 'CR CR LF after a field', `POST /p HTTP/1.1\r\nHost: a\r\r\n\r\n${hidden}`),
  refused('line-ending', 'CR CR LF for the empty line', `POST /p HTTP/1.1\r\nHost: a\r\n\r\r\n${hidden}`),
  refused('line-ending', 'CR and a zero byte for the empty line', `POST /p HTTP/1.1\r\nHost: a\r\n\r\0${hidden}`),
  refused('line-ending', 'a bare LF before a request', `\n${hidden}`),
  refused('request-line', 'five empty lines before a request', `\r\n\r\n\r\n\r\n\r\n${hidden}`),
  refused('line-ending', 'a bare CR before a request', `\rGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n`),
  taken(1, 'an empty line before a request', `\r\n${hidden}`),
  taken(2, 'CR LF after content, then a request', `${post('Content-Length: 3')}abc\r\n${hidden}`),
];

/** Folding, and white space around names and colons. */
export const whiteSpace: readonly SmugglingPayload[] = [
  refused('line-folding', 'a space before the first field', `POST /p HTTP/1.1\r\n Host: a\r\n\r\n${hidden}`),
  refused('line-folding', 'a tab before the first field', `POST /p HTTP/1.1\r\n\tHost: a\r\n\r\n${hidden}`),
  refused('line-folding', 'a line of a space alone', post(' ') + hidden),
  refused('line-folding', 'a folded Host', message('GET / HTTP/1.1', 'Host:', ' a') + hidden),
  refused('line-folding', 'a request folded into a value', get('X: 1', ' GET /hidden HTTP/1.1', ' Host: a')),
  refused('space-before-colon', 'a space before the colon of a length', post('Content-Length : 0') + hidden),
  refused('space-before-colon', 'a tab before the colon of a length', post('Content-Length\t: 0') + hidden),
  refused('space-before-colon', 'a space before the colon of Host', message('GET / HTTP/1.1', 'Host : a') + hidden),
  refused(
    'space-before-colon',
    'a second request line among the fields',
    'GET / HTTP/1.1\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n',
  ),
  taken(2, 'a value of white space alone', get('X: \t ') + hidden),
];

/** Invalid names, and bytes that no value may hold. */
export const headerBytes: readonly SmugglingPayload[] = [
  refused('space-before-colon', 'no colon', post('Content-Length 0') + hidden),
  refused('header-name', 'an empty name', post(': 0') + hidden),
  refused('header-name', 'a colon before the name', post(':Content-Length: 0') + hidden),
  refused('header-name', 'a name in brackets', post('[Content-Length]: 0') + hidden),
  refused('header-name', 'a name in quotes', post('"Content-Length": 0') + hidden),
  refused('header-name', 'a name with a slash', post('Content/Length: 0') + hidden),
  refused('header-name', 'a name with a byte above 127', post('Content-Length\xa0: 0') + hidden),
  refused('header-value', 'a zero byte within a value', post('X: a\0b') + hidden),
  refused('header-value', 'an escape within a value', post('X: a\x1bb') + hidden),
  taken(2, 'a byte above 127 in a value', get('X: \xff\x85\xa0') + hidden),
];
