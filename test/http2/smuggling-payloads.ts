import type { HeaderPair } from '../../src/wire/h2/hpack.test-support.ts';
import { requestHeaders } from './frames.ts';

const hidden = 'GET /hidden HTTP/1.1\r\nHost: hidden.example\r\n\r\n';

/** A request over HTTP/2 that would be two, or another one, in HTTP/1.1. */
export interface Http2Payload {
  readonly name: string;
  readonly headers: readonly HeaderPair[];
  readonly body?: string;
  readonly status: number;
  /** The request line that reaches the endpoint; null: none does. */
  readonly reaches: string | null;
}

function refused(name: string, headers: readonly HeaderPair[], body?: string, status = 400): Http2Payload {
  return { name, headers, status, reaches: null, ...(body === undefined ? {} : { body }) };
}

export const post = (...more: HeaderPair[]): HeaderPair[] => requestHeaders({ ':method': 'POST' }, more);
const withHeader = (name: string, value: string): HeaderPair[] => requestHeaders({}, [[name, value]]);

const controls = ['\r', '\n', '\r\n', '\0', '\x0b', '\x7f', '\r\nX: y', `\r\n\r\n${hidden}`];

export const http2Payloads: readonly Http2Payload[] = [
  // H2.CL
  {
    name: 'H2.CL: shorter than the body',
    headers: post(['content-length', '0']),
    body: hidden,
    status: 400,
    reaches: null,
  },
  {
    name: 'H2.CL: longer than the body',
    headers: post(['content-length', '500']),
    body: 'x',
    status: 400,
    reaches: null,
  },
  refused('H2.CL: two that differ', post(['content-length', '1'], ['content-length', '40']), hidden),
  refused('H2.CL: a list that differs', post(['content-length', '1, 40']), hidden),
  refused('H2.CL: with a sign', post(['content-length', '+5']), 'hello'),
  refused('H2.CL: hexadecimal', post(['content-length', '0x5']), 'hello'),
  refused('H2.CL: too large to be a number', post(['content-length', '99999999999999999999']), 'hello'),
  {
    name: 'H2.CL: as announced',
    headers: post(['content-length', '5']),
    body: 'hello',
    status: 200,
    reaches: 'POST / HTTP/1.1',
  },
  {
    name: 'no length, and body that looks like a request',
    headers: post(),
    body: `0\r\n\r\n${hidden}`,
    status: 200,
    reaches: 'POST / HTTP/1.1',
  },
  // H2.TE
  refused('H2.TE: chunked', post(['transfer-encoding', 'chunked']), `0\r\n\r\n${hidden}`),
  refused('H2.TE: in capitals', post(['Transfer-Encoding', 'chunked']), `0\r\n\r\n${hidden}`),
  refused('H2.TE: with a space', post(['transfer-encoding ', 'chunked']), `0\r\n\r\n${hidden}`),
  refused(
    'H2.TE: behind a line break of a value',
    post(['a', 'b\r\ntransfer-encoding: chunked']),
    `0\r\n\r\n${hidden}`,
  ),
  refused('H2.TE: within a name', post(['a: b\r\ntransfer-encoding', 'chunked']), `0\r\n\r\n${hidden}`),
  refused('a Connection that removes headers', post(['connection', 'content-length']), 'hello'),
  refused(
    'an upgrade to h2c',
    requestHeaders({}, [
      ['upgrade', 'h2c'],
      ['http2-settings', 'AAMAAABkAAQAAP__'],
    ]),
  ),
  // Injection
  ...controls.flatMap((control): Http2Payload[] => {
    const shown = JSON.stringify(control.slice(0, 4));
    return [
      refused(`a value with ${shown}`, withHeader('x', `a${control}b`)),
      refused(`a name with ${shown}`, withHeader(`x${control}y`, 'a')),
      refused(`a :path with ${shown}`, requestHeaders({ ':path': `/${control}` })),
      refused(`an :authority with ${shown}`, requestHeaders({ ':authority': `example.org${control}` })),
      refused(`a :method with ${shown}`, requestHeaders({ ':method': `GET${control}` })),
      refused(`a :scheme with ${shown}`, requestHeaders({ ':scheme': `http${control}` })),
    ];
  }),
  // Pseudo-headers
  refused(
    'a request line in :path',
    requestHeaders({ ':path': '/ HTTP/1.1\r\nHost: hidden.example\r\n\r\nGET /hidden' }),
  ),
  refused('a :path with spaces', requestHeaders({ ':path': '/hidden HTTP/1.1' })),
  refused('a :path with a tab', requestHeaders({ ':path': '/hidden\tHTTP/1.1' })),
  refused('a :path that is a whole URL', requestHeaders({ ':path': 'http://hidden.example/' })),
  refused('a :path of another host', requestHeaders({ ':path': '@hidden.example/' })),
  refused('a :path with a fragment', requestHeaders({ ':path': '/#/hidden' })),
  refused('a :method of two words', requestHeaders({ ':method': 'GET /hidden HTTP/1.1' })),
  refused('a :scheme that is a URL', requestHeaders({ ':scheme': 'http://hidden.example/?' })),
  refused('an :authority with a path', requestHeaders({ ':authority': 'example.org/hidden' })),
  refused('an :authority with user and password', requestHeaders({ ':authority': 'user:password@example.org' })),
  refused('an :authority with a space', requestHeaders({ ':authority': 'example.org hidden.example' })),
  refused('two :path', [...requestHeaders(), [':path', '/hidden']]),
  refused('two :method', [...requestHeaders(), [':method', 'POST']]),
  refused('two :authority', [...requestHeaders(), [':authority', 'hidden.example']]),
  refused('a :path behind headers', [...requestHeaders({ ':path': null }), ['a', 'b'], [':path', '/hidden']]),
  refused('a header called ":path "', [...requestHeaders(), [':path ', '/hidden']]),
  // Host
  refused('an :authority and another Host', withHeader('host', 'hidden.example')),
  refused(
    'an :authority and two Hosts',
    requestHeaders({}, [
      ['host', 'example.org'],
      ['host', 'hidden.example'],
    ]),
  ),
  refused(
    'two Hosts alone',
    requestHeaders({ ':authority': null }, [
      ['host', 'example.org'],
      ['host', 'hidden.example'],
    ]),
  ),
  refused('an empty Host alone', requestHeaders({ ':authority': null }, [['host', '']])),
  { name: 'the same Host', headers: withHeader('host', 'example.org'), status: 200, reaches: 'GET / HTTP/1.1' },
  // Names that applications read as others
  {
    name: 'an underscore in the name of a framing header',
    headers: withHeader('content_length', '40'),
    status: 200,
    reaches: 'GET / HTTP/1.1',
  },
  {
    name: 'an underscore in a header that the gateway writes',
    headers: withHeader('x_forwarded_for', '192.0.2.9'),
    status: 200,
    reaches: 'GET / HTTP/1.1',
  },
];
