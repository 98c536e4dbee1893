import type { Fault } from '../fault.ts';
import { keep, pause, type Script, send, type Step, apart, fin } from '../origin-script.ts';

/** More bytes that are not an HTTP/1 response. */
export const furtherGarbageFaults: readonly Fault[] = [
  garbage('http2-preface', 'answers with the preface of an HTTP/2 client', () => [
    send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  ]),
  garbage('http-request', 'answers with a request', () => [send('GET / HTTP/1.1\r\nHost: origin.test\r\n\r\n')]),
  garbage('tls-server-hello', 'answers plain HTTP with the start of a TLS handshake', () => [
    send(Uint8Array.of(0x16, 0x03, 0x03, 0x00, 0x3a, 0x02, 0x00, 0x00, 0x36, 0x03, 0x03)),
  ]),
  garbage('redis-error', 'answers as a Redis server, then closes (FIN)', () => [
    send("-ERR unknown command 'GET'\r\n"),
    apart,
    fin,
  ]),
  garbage('mysql-greeting', 'answers as a MySQL server', () => [
    send('\x4a\x00\x00\x00\x0a8.0.36\x00\x08\x00\x00\x00abcdefgh\x00\xff\xff'),
  ]),
  garbage('warning-before-head', 'prints a warning, and then a good response behind it', () => [
    send('Warning: Undefined variable $user in /app/index.php on line 3\r\n' + good),
    keep,
  ]),
  garbage('mark-before-head', 'sends the byte order mark of UTF-8 before a good response', () => [
    send('\xef\xbb\xbf' + good),
    keep,
  ]),
  garbage('only-empty-lines', 'sends three empty lines, then closes (FIN)', () => [send('\r\n\r\n\r\n'), apart, fin]),
  garbage('noise-64k', 'sends 64 KiB of noise, then closes (FIN)', () => [send(noise()), apart, fin]),
];

const good = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n';

function garbage(name: string, does: string, script: () => Script): Fault {
  return { name, does, faulty: true, begins: 'body', script };
}

/** The same bytes each time. The first byte cannot begin a status line. */
function noise(): Uint8Array {
  let state = 0x2f6e2b1;
  return Uint8Array.from({ length: 65_536 }, (_, index) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return index === 0 ? 0x9c : state >>> 24;
  });
}

const ok = 'HTTP/1.1 200 OK';

/** 2^64 + 3. */
const wraps = '18446744073709551619';

/** More response heads that break the rules of HTTP/1, or are only just valid. */
export const furtherHeadFaults: readonly Fault[] = [
  broken('version-2.0', 'answers as HTTP/2.0 in HTTP/1 form', 'HTTP/2.0 200 OK', headers()),
  broken('lowercase-version', 'writes "http/1.1" in its status line', 'http/1.1 200 OK', headers()),
  broken('status-four-digits', 'answers with the status code 2000', 'HTTP/1.1 2000 OK', headers()),
  broken('status-600', 'answers with the status code 600', 'HTTP/1.1 600 Beyond', headers()),
  lawful('no-reason', 'leaves the reason phrase away', 'HTTP/1.1 200 ', headers()),
  broken('no-space-after-status', 'ends its status line right after the code', 'HTTP/1.1 200', headers()),
  broken('long-reason', 'sends a reason phrase of 1 MiB', () => `HTTP/1.1 200 ${'x'.repeat(1_048_576)}`, headers()),
  broken('cr-in-field-value', 'sends a field value with a bare CR', ok, headers('X-Cr: a\rX-Smuggled: b')),
  broken('bare-line-feeds', 'ends its lines with LF alone', 'HTTP/1.1 200 OK\nContent-Length: 3\n\nok\n'),
  broken('empty-field-name', 'sends a field without a name', ok, headers(': x')),
  broken('control-in-field-name', 'sends a control character in a field name', ok, headers('X\x01Y: x')),
  broken('space-before-colon', 'sends a space between name and colon', ok, headers('X-Space : x')),
  broken('folded-field', 'folds a field over two lines', ok, headers('X-Folded: a\r\n b')),
  broken('many-fields', 'sends 10,000 small fields', ok, () => headers(manyHeaders())),
  broken('length-list', 'sends "Content-Length: 3, 3"', ok, 'Content-Length: 3, 3\r\n\r\nok\n'),
  broken('same-length-twice', 'sends Content-Length twice, alike', ok, headers('Content-Length: 3')),
  broken('length-with-plus', 'sends "Content-Length: +3"', ok, 'Content-Length: +3\r\n\r\nok\n'),
  broken('hexadecimal-length', 'sends "Content-Length: 0x3"', ok, 'Content-Length: 0x3\r\n\r\nok\n'),
  broken('length-overflow', 'sends a Content-Length that is 3 in 64 bits', ok, `Content-Length: ${wraps}\r\n\r\nok\n`),
  broken('double-chunked', 'sends "Transfer-Encoding: chunked, chunked"', ok, coded('chunked, chunked')),
  broken('chunked-not-last', 'sends "Transfer-Encoding: chunked, identity"', ok, coded('chunked, identity')),
  broken('disguised-chunked', 'sends "Transfer-Encoding: xchunked"', ok, coded('xchunked')),
  broken('chunked-in-http-1.0', 'answers as HTTP/1.0, and chunked', 'HTTP/1.0 200 OK', coded('chunked')),
  broken('leading-empty-lines', 'sends two empty lines before its status line', '\r\n\r\nHTTP/1.1 200 OK', headers()),
  lawful(
    'nominated-field',
    'names a field in Connection, which makes it a matter between the two alone',
    ok,
    headers('Connection: X-Hop\r\nX-Hop: private'),
  ),
  {
    name: 'head-in-pieces',
    does: 'sends a good head in pieces of four bytes',
    faulty: false,
    begins: 'body',
    script: headInParts,
  },
];

function headers(lines?: string): string {
  return `${lines === undefined ? '' : `${lines}\r\n`}Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n`;
}

function coded(coding: string): string {
  return `Content-Type: text/plain\r\nTransfer-Encoding: ${coding}\r\n\r\n3\r\nok\n\r\n0\r\n\r\n`;
}

function manyHeaders(): string {
  return Array.from({ length: 10_000 }, (_, n) => `X-F${n}: x`).join('\r\n');
}

type Text = string | (() => string);

/** A whole response in one write. The connection stays open: a gateway that accepts the response would reuse it. */
function broken(name: string, does: string, start: Text, rest?: Text): Fault {
  return { name, does, faulty: true, begins: 'body', script: () => whole(start, rest) };
}

function lawful(name: string, does: string, start: Text, rest: Text): Fault {
  return { name, does, faulty: false, begins: 'body', script: () => whole(start, rest) };
}

function whole(start: Text, rest?: Text): Script {
  const text = (part: Text): string => (typeof part === 'string' ? part : part());
  return [send(rest === undefined ? text(start) : `${text(start)}\r\n${text(rest)}`), keep];
}

function* headInParts(): Generator<Step> {
  const bytes = `${ok}\r\n${headers()}`;
  for (let at = 0; at < bytes.length; at += 4) {
    yield send(bytes.slice(at, at + 4));
    yield pause(5);
  }
  yield keep;
}
