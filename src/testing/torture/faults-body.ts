import type { Fault } from '../fault.ts';
import {
  answer,
  apart,
  fin,
  htmlType,
  keep,
  page,
  pause,
  reset,
  type Script,
  send,
  type Step,
  textType,
} from '../origin-script.ts';

const chunkedHead = `HTTP/1.1 200 OK\r\n${textType}\r\nTransfer-Encoding: chunked\r\n\r\n`;
const surplus = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nsurplus\n';

/** The response to the next request on the connection, if the gateway sends one. */
const later: readonly Step[] = [apart, send(surplus), keep];

/** More bodies that break, and more that look odd but are valid. */
export const furtherBodyFaults: readonly Fault[] = [
  broken('short-length-at-once', 'promises 100 bytes, sends 5 with the head, and closes (FIN) at once', () => [
    send(`${lengthHead(100)}hello`),
    fin,
  ]),
  broken('chunked-cut-at-once', 'sends head and half a chunk together, and closes (FIN) at once', () => [
    send(`${chunkedHead}20\r\nhello`),
    fin,
  ]),
  broken('large-cut', 'sends 1 MiB less the last byte, and resets (RST)', () => [
    send(lengthHead(1_048_576)),
    send('x'.repeat(1_048_575)),
    pause(100),
    reset,
  ]),
  broken('unframed-stall', 'sends content that ends with the connection, and never ends it', () => [
    send(`HTTP/1.1 200 OK\r\n${textType}\r\n\r\n`),
    apart,
    send('hello'),
  ]),
  broken('chunk-size-overflow', 'sends a chunk size that is 5 in 64 bits', () => oddChunk('10000000000000005')),
  broken('chunk-size-negative', 'sends the chunk size -5', () => oddChunk('-5')),
  broken('chunk-size-empty', 'sends an empty line for a chunk size', () => oddChunk('')),
  broken('chunk-size-prefixed', 'sends the chunk size 0x5', () => oddChunk('0x5')),
  broken('chunk-bare-line-feeds', 'ends the lines of its chunks with LF alone', () => [
    send(chunkedHead),
    apart,
    send('5\nhello\n0\n\n'),
    keep,
  ]),
  broken('cut-in-trailers', 'closes (FIN) after the last chunk, before the empty line that ends it all', () => [
    send(chunkedHead),
    apart,
    send('5\r\nhello\r\n0\r\n'),
    apart,
    fin,
  ]),
  broken('huge-trailers', 'sends 2 MiB of trailers', () => [
    send(chunkedHead),
    apart,
    send(`5\r\nhello\r\n0\r\n${hugeTrailers()}\r\n\r\n`),
    keep,
  ]),
  broken('no-content-with-content', 'sends content behind a 204, which has none', () => [
    send(`HTTP/1.1 204 No Content\r\n\r\n${surplus}`),
    keep,
  ]),
  broken('not-modified-with-content', 'sends content behind a 304, which has none', () => [
    send(`HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n${surplus}`),
    keep,
  ]),
  broken('no-content-promises-content', 'answers 204 with a length, and sends the content 50 ms later', () => [
    send(`HTTP/1.1 204 No Content\r\nContent-Length: ${surplus.length}\r\n\r\n`),
    ...later,
  ]),
  broken('no-content-promises-chunks', 'answers 204 with Transfer-Encoding, and sends a response 50 ms later', () => [
    send('HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n'),
    ...later,
  ]),
  broken('not-modified-content-later', 'answers 304 with a length, and sends the content 50 ms later', () => [
    send(`HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: ${surplus.length}\r\n\r\n`),
    ...later,
  ]),
  broken('head-content-later', 'answers HEAD with a length, and sends a response 50 ms later', () => [
    send(lengthHead(surplus.length)),
    ...later,
  ]),
  broken('hints-with-length', 'sends 103 with a length, a response, and a second response 50 ms later', () => [
    send('HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\n\r\n'),
    send(`${lengthHead(3)}ok\n`),
    ...later,
  ]),
  broken(
    'hints-with-chunks',
    'sends 103 with Transfer-Encoding and a length, a response, and a second one 50 ms later',
    () => [
      send('HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n'),
      send(`${lengthHead(3)}ok\n`),
      ...later,
    ],
  ),
  broken('head-with-content', 'sends content behind its answer to HEAD, which has none', () => [
    send(lengthHead(surplus.length)),
    send(surplus),
    keep,
  ]),
  broken('surplus-after-chunked', 'sends a second response right behind the last chunk', () => [
    send(`${chunkedHead}3\r\nok\n\r\n0\r\n\r\n${surplus}`),
    keep,
  ]),
  broken('surplus-later', 'sends a second response 50 ms after the first, while the connection is idle', () => [
    send(`${lengthHead(3)}ok\n`),
    apart,
    send(surplus),
    keep,
  ]),
  lawful('close-delimited', 'ends its content by closing (FIN)', () => [
    send(`HTTP/1.1 200 OK\r\n${textType}\r\nConnection: close\r\n\r\n`),
    apart,
    send('hello\n'),
    apart,
    fin,
  ]),
  lawful('chunk-extensions', 'sends chunks with extensions', () => [
    send(`${chunkedHead}3;name=value;quoted="a;b"\r\nok\n\r\n0;last\r\n\r\n`),
    keep,
  ]),
  lawful('trailers', 'sends a trailer field after its chunks', () => [
    send(`HTTP/1.1 200 OK\r\n${textType}\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n`),
    send('3\r\nok\n\r\n0\r\nX-Sum: 3\r\n\r\n'),
    keep,
  ]),
  lawful('one-byte-chunks', 'sends each byte as a chunk of its own', () => [
    send(`${chunkedHead}1\r\no\r\n1\r\nk\r\n1\r\n\n\r\n0\r\n\r\n`),
    keep,
  ]),
  lawful('large-content', 'answers with 1 MiB', () => answer('200 OK', 'x'.repeat(1_048_576), [textType])),
  lawful('empty-content', 'answers 200 without content', () => answer('200 OK', '', [textType])),
  lawful('unknown-status', 'answers with the status 299, which nobody has registered', () =>
    answer('299 Odd', 'odd\n', [textType]),
  ),
  lawful('own-500', 'answers 500 itself', () =>
    answer('500 Internal Server Error', page('My own mistake'), [htmlType]),
  ),
  lawful('own-429', 'answers 429 itself, with Retry-After', () =>
    answer('429 Too Many Requests', page('Not so fast'), [htmlType, 'Retry-After: 7']),
  ),
];

function lengthHead(bytes: number): string {
  return `HTTP/1.1 200 OK\r\n${textType}\r\nContent-Length: ${bytes}\r\n\r\n`;
}

function oddChunk(size: string): Script {
  return [send(chunkedHead), apart, send(`${size}\r\nhello\r\n0\r\n\r\n`), keep];
}

function hugeTrailers(): string {
  return Array.from({ length: 2048 }, (_, n) => `X-T${n}: ${'x'.repeat(1000)}`).join('\r\n');
}

function broken(name: string, does: string, script: () => Script): Fault {
  return { name, does, faulty: true, begins: 'body', script };
}

function lawful(name: string, does: string, script: () => Script): Fault {
  return { name, does, faulty: false, begins: 'body', script };
}
