import type { SeededRandom } from '../../src/testing/seeded-random.ts';
import { loadCases } from '../conformance/load-cases.ts';
import { changed } from '../fuzz/fuzz-wire.ts';

/** Bytes for every reader. */
export interface Sample {
  readonly kind: 'request' | 'response';
  /** The method of the request that a response answers. */
  readonly method: string;
  readonly bytes: Buffer;
  /** The source: a case of the documents, or chance. */
  readonly from: string;
}

const bytesMax = 3000;

/** The cases of the documents, without CONNECT, which no gateway sends to an origin. */
export const documented: readonly Sample[] = loadCases()
  .filter(({ bytes, method }) => bytes.length <= bytesMax && method !== 'CONNECT')
  .map(({ kind, method, bytes, name }) => ({ kind, method, bytes, from: name }));

const methods = ['GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'QUERY', 'get', 'X'];
const targets = [
  '/',
  '/a',
  '/a?b=c',
  '/a/../b',
  '//a',
  '/%2e',
  '*',
  'http://a.test/x',
  'http://a.test',
  'a',
  '/a#b',
  '/"<>',
  '/\xe9',
];
const versions = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'http/1.1',
  'HTTP/1',
];
const endings = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n'];
const names = ['X-A', 'X_A', 'X.A', 'x a', 'X-A ', '\tX-A', 'X(A)', '', 'X-\xe9'];
const values = [' 1', '1', ' \t1 \t', '', ' a, b', ' "a', ' \xe9', ' \x01', ' \0', ' a\x7f', ' a\x0bb'];
const framings = [
  ['Content-Length: 3', 'abc'],
  ['Content-Length:3', 'abc'],
  ['Content-Length: 03', 'abc'],
  ['Content-Length: +3', 'abc'],
  ['Content-Length: 3, 3', 'abc'],
  ['Content-Length: 3\r\nContent-Length: 3', 'abc'],
  ['Content-Length: 3 ', 'abc'],
  ['Content-Length: 0x3', 'abc'],
  ['Content-Length:', ''],
  ['Content-Length: 3\r\nTransfer-Encoding: chunked', '3\r\nabc\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '3\r\nabc\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '0003\r\nabc\r\n00\r\n\r\n'],
  ['Transfer-Encoding: chunked', '3;a=b\r\nabc\r\n0;c\r\n\r\n'],
  ['Transfer-Encoding: chunked', '3 \r\nabc\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '3\nabc\n0\n\n'],
  ['Transfer-Encoding: chunked', '3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n'],
  ['Transfer-Encoding: chunked', '3\r\nabcd\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '0x3\r\nabc\r\n0\r\n\r\n'],
  ['Transfer-Encoding: Chunked', '3\r\nabc\r\n0\r\n\r\n'],
  ['Transfer-Encoding: gzip, chunked', '3\r\nabc\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked, identity', '3\r\nabc\r\n0\r\n\r\n'],
  ['Transfer-Encoding: identity', 'abc'],
  ['Transfer-Encoding: xchunked', 'abc'],
] as const;
const hosts = [
  'Host: a.test',
  'Host: a.test',
  'Host: a.test',
  'Host:a.test:80',
  'Host: A.test',
  'Host: a.test:x',
  'Host:',
  'Host: a b',
  'host: a.test\r\nHost: b.test',
];
const connections = [
  'Connection: close',
  'Connection: keep-alive',
  'Connection: X-A',
  'Expect: 100-continue',
  'Expect: x',
  'Upgrade: h2c\r\nConnection: upgrade',
  'Upgrade: x/1\r\nConnection: upgrade',
];
const statuses = ['200', '200', '200', '204', '304', '404', '500', '100', '103', '099', '600', '20', '2000', '2x0'];
const reasons = [' OK', ' ', '', ' \xe9', ' a\x01b', ' Not  Found'];

/** A random message by a grammar, or a case of the documents, sometimes mutated. */
export function sampleOf(random: SeededRandom): Sample {
  const kind = random.next() < 0.6 ? 'request' : 'response';
  const cases = documented.filter((sample) => sample.kind === kind);
  const base = random.next() < 0.5 ? random.pick(cases) : made(kind, random);
  let { bytes } = base;
  for (let change = random.pick([0, 0, 1, 1, 2, 3]); change > 0; change--)
    bytes = changed(bytes, conformance(kind), random);
  return { ...base, bytes: bytes.subarray(0, bytesMax) };
}

const byKind = {
  request: loadCases().filter((one) => one.kind === 'request'),
  response: loadCases().filter((one) => one.kind === 'response'),
};

function conformance(kind: 'request' | 'response') {
  return byKind[kind];
}

function made(kind: 'request' | 'response', random: SeededRandom): Sample {
  const usually = <T>(usual: T, others: readonly T[]): T => (random.next() < 0.8 ? usual : random.pick(others));
  const ending = (): string => usually('\r\n', endings);
  const version = usually('HTTP/1.1', versions);
  const start =
    kind === 'request'
      ? `${random.pick(methods)} ${usually('/a', targets)} ${version}`
      : `${version} ${usually('200', statuses)}${usually(' OK', reasons)}`;
  const [framing, body] = random.next() < 0.6 ? random.pick(framings) : ['', ''];
  const headers = [
    ...(kind === 'request' && random.next() < 0.95 ? [usually('Host: a.test', hosts)] : []),
    ...(framing === '' ? [] : [framing]),
    ...(random.next() < 0.2 ? [random.pick(connections)] : []),
    ...(random.next() < 0.4 ? [`${usually('X-A', names)}:${random.pick(values)}`] : []),
    ...(random.next() < 0.05 ? [`X-B: 1${ending()} folded`] : []),
  ];
  const text = [start, ...headers].map((line) => line + ending()).join('') + ending() + body;
  const method = kind === 'response' ? random.pick(['GET', 'GET', 'GET', 'HEAD']) : '';
  return { kind, method, bytes: Buffer.from(text, 'latin1'), from: 'the grammar' };
}
