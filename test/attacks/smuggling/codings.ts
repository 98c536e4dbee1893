import { hidden, message, post, refused, type SmugglingPayload, taken, zeroChunk } from './payload.ts';

/** TE.TE: a coding that one of the two readers does not recognise. */
export const codings: readonly SmugglingPayload[] = [
  ...(
    [
      ['TE identity', 'Transfer-Encoding: identity'],
      ['TE empty', 'Transfer-Encoding:'],
      ['TE of white space', 'Transfer-Encoding: \t'],
      ['TE xchunked', 'Transfer-Encoding: xchunked'],
      ['TE chunkedx', 'Transfer-Encoding: chunkedx'],
      ['TE with a prefix that is a letter of another case', 'Transfer-Encoding: \xc7hunked'],
      ['TE chunked, identity', 'Transfer-Encoding: chunked, identity'],
      ['TE chunked, then a coding in the same line without a space', 'Transfer-Encoding: chunked,cow'],
      ['TE chunked twice in a list', 'Transfer-Encoding: chunked, chunked'],
      ['TE with an empty member at its end', 'Transfer-Encoding: chunked,'],
      ['TE with a parameter', 'Transfer-Encoding: chunked;q=1'],
      ['TE with an empty parameter', 'Transfer-Encoding: chunked;'],
      ['TE in quotes', 'Transfer-Encoding: "chunked"'],
      ['TE in single quotes', "Transfer-Encoding: 'chunked'"],
      ['TE with a no-break space after it', 'Transfer-Encoding: chunked\xa0'],
      ['TE with a no-break space before it', 'Transfer-Encoding: \xa0chunked'],
      ['TE with a next line byte after it', 'Transfer-Encoding: chunked\x85'],
      ['TE with a byte order mark before it', 'Transfer-Encoding: \xef\xbb\xbfchunked'],
      ['TE with a space inside', 'Transfer-Encoding: chun ked'],
      ['TE chunked, then a space and a word', 'Transfer-Encoding: chunked identity'],
      ['TE with a percent escape', 'Transfer-Encoding: chunke%64'],
    ] as const
  ).map(([name, line]) => refused('transfer-encoding-final', name, post(line) + zeroChunk)),
  ...(
    [
      ['TE identity, chunked', 'Transfer-Encoding: identity, chunked'],
      ['TE gzip, chunked', 'Transfer-Encoding: gzip, chunked'],
      ['TE with an empty member before it', 'Transfer-Encoding: ,chunked'],
      ['TE with a parameter of another coding', 'Transfer-Encoding: cow;a="1,2", chunked'],
    ] as const
  ).map(([name, line]) => refused('transfer-encoding-unknown', name, post(line) + zeroChunk)),
  ...(
    [
      ['TE with a vertical tab before it', 'Transfer-Encoding: \x0bchunked'],
      ['TE with a form feed after it', 'Transfer-Encoding: chunked\x0c'],
      ['TE with a zero byte after it', 'Transfer-Encoding: chunked\0'],
      ['TE with a zero byte before it', 'Transfer-Encoding: \0chunked'],
      ['TE with a delete before it', 'Transfer-Encoding: \x7fchunked'],
      ['TE with a backspace inside', 'Transfer-Encoding: chunk\x08ed'],
    ] as const
  ).map(([name, line]) => refused('header-value', name, post(line) + zeroChunk)),
  refused(
    'transfer-encoding-final',
    'TE chunked twice in lines',
    post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + zeroChunk,
  ),
  refused(
    'transfer-encoding-final',
    'TE chunked, then cow in a line of its own',
    post('Transfer-Encoding: chunked', 'Transfer-Encoding: cow') + zeroChunk,
  ),
  refused(
    'transfer-encoding-final',
    'TE chunked, then an empty line of its own',
    post('Transfer-Encoding: chunked', 'Transfer-Encoding:') + zeroChunk,
  ),
  refused(
    'transfer-encoding-unknown',
    'TE cow, then chunked in a line of its own',
    post('Transfer-Encoding: cow', 'Transfer-Encoding: chunked') + zeroChunk,
  ),
  refused(
    'transfer-encoding-unknown',
    'TE identity and chunked with fields between',
    post('Transfer-Encoding: identity', 'X-A: 1', 'transfer-encoding: chunked') + zeroChunk,
  ),
  refused('line-folding', 'TE folded', post('Transfer-Encoding:', ' chunked') + zeroChunk),
  refused('line-folding', 'TE folded after another field', post('X: 1', '\tTransfer-Encoding: chunked') + zeroChunk),
  refused('line-folding', 'TE folded after chunked', post('Transfer-Encoding: chunked', ' , identity') + zeroChunk),
  refused('space-before-colon', 'TE with a space before the colon', post('Transfer-Encoding : chunked') + zeroChunk),
  refused('space-before-colon', 'TE with a tab before the colon', post('Transfer-Encoding\t: chunked') + zeroChunk),
  refused('header-name', 'TE with a zero byte before the colon', post('Transfer-Encoding\0: chunked') + zeroChunk),
  refused('header-name', 'TE with a zero byte within its name', post('Transfer-Enc\0oding: chunked') + zeroChunk),
  refused('header-name', 'TE with a name that a control begins', post('\x01Transfer-Encoding: chunked') + zeroChunk),
  refused('header-name', 'TE with an equals sign for the colon', post('Transfer-Encoding=chunked') + zeroChunk),
  refused('space-before-colon', 'TE with a name of two words', post('Transfer Encoding: chunked') + zeroChunk),
  taken(1, 'TE in capitals', `${post('TRANSFER-ENCODING: CHUNKED')}0\r\n\r\n`),
  taken(1, 'TE in mixed letters', `${post('tRANSFER-eNCODING: cHuNkEd')}3\r\nabc\r\n0\r\n\r\n`),
  taken(1, 'TE with white space around it', `${post('Transfer-Encoding: \t chunked \t')}3\r\nabc\r\n0\r\n\r\n`),
  taken(1, 'TE without a space before it', `${post('Transfer-Encoding:chunked')}3\r\nabc\r\n0\r\n\r\n`),
  taken(2, 'TE under a name with an underscore', post('Transfer_Encoding: chunked') + hidden),
  taken(2, 'TE under a name with a dot', post('Transfer.Encoding: chunked') + hidden),
  taken(2, 'Content-Encoding chunked', post('Content-Encoding: chunked') + hidden),
  taken(2, 'the field TE chunked', post('Connection: TE', 'TE: chunked') + hidden),
];

/** HTTP/1.0, which has no chunks. */
export const oldVersion: readonly SmugglingPayload[] = [
  refused(
    'transfer-encoding-version',
    'HTTP/1.0 with TE',
    message('POST /p HTTP/1.0', 'Transfer-Encoding: chunked') + zeroChunk,
  ),
  refused(
    'transfer-encoding-version',
    'HTTP/1.0 with TE and keep-alive',
    message('POST /p HTTP/1.0', 'Connection: keep-alive', 'Transfer-Encoding: chunked') + zeroChunk,
  ),
  refused(
    'transfer-encoding-version',
    'HTTP/1.0 with TE identity',
    message('POST /p HTTP/1.0', 'Transfer-Encoding: identity') + hidden,
  ),
  refused(
    'length-and-transfer-encoding',
    'HTTP/1.0 with both',
    message('POST /p HTTP/1.0', 'Content-Length: 0', 'Transfer-Encoding: chunked') + zeroChunk,
  ),
  taken(1, 'HTTP/1.0, then a request', message('GET / HTTP/1.0', 'Host: a') + hidden),
  taken(1, 'HTTP/1.0 with a length, then a request', `${message('POST /p HTTP/1.0', 'Content-Length: 3')}abc${hidden}`),
  taken(
    2,
    'HTTP/1.0 with keep-alive, then a request',
    message('GET / HTTP/1.0', 'Host: a', 'Connection: keep-alive') + hidden,
  ),
  taken(
    1,
    'HTTP/1.0 with keep-alive nominated away',
    message('GET / HTTP/1.0', 'Host: a', 'Keep-Alive: timeout=9', 'Connection: close, keep-alive') + hidden,
  ),
  taken(
    1,
    'HTTP/1.0 that expects and asks for an upgrade',
    message('GET / HTTP/1.0', 'Expect: 100-continue', 'Connection: upgrade', 'Upgrade: h2c') + hidden,
  ),
];
