import type { Fault } from './fault.ts';
import { apart, fin, keep, reset, type Script, send } from './origin-script.ts';

/** A valid head, and then a body that breaks. The head is sent 50 ms earlier, so that a gateway has passed it on. */
export const bodyFaults: readonly Fault[] = [
  body('short-length-close', 'promises 100 bytes, sends 5, and closes (FIN)', () => [...short, fin]),
  body('short-length-reset', 'promises 100 bytes, sends 5, and resets (RST)', () => [...short, reset]),
  body('stall-mid-content', 'promises 100 bytes, sends 5, and nothing more; the connection stays open', () => short),
  body('chunked-cut', 'closes (FIN) in the middle of a chunk', () => [...halfChunk, fin]),
  body('chunked-reset', 'resets (RST) in the middle of a chunk', () => [...halfChunk, reset]),
  body('chunked-without-end', 'closes (FIN) after a whole chunk, without the last one', () => [...oneChunk, fin]),
  body('chunked-stall', 'sends a chunk and nothing more; the connection stays open', () => oneChunk),
  body('bad-chunk-size', 'sends a chunk size that is no number', () => [...oneChunk, send('xyz\r\nhello\r\n'), keep]),
  body('bad-chunk-end', 'sends a chunk that is longer than its size', () => [
    ...oneChunk,
    send('2\r\nhello\r\n'),
    keep,
  ]),
  body('close-delimited-reset', 'sends content that ends with the connection, and resets it (RST)', () => [
    send('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n'),
    apart,
    send('hello'),
    apart,
    reset,
  ]),
  body('surplus-content', 'sends a second response that nobody asked for right behind the first', () => [
    send('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n' + surplus),
    keep,
  ]),
];

const lengthHead = send('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n');
const chunkedHead = send('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n');
const short = [lengthHead, apart, send('hello'), apart];
const halfChunk = [chunkedHead, apart, send('20\r\nhello'), apart];
const oneChunk = [chunkedHead, apart, send('5\r\nhello\r\n'), apart];
const surplus = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nsurplus\n';

function body(name: string, does: string, script: () => Script): Fault {
  return { name, does, faulty: true, begins: 'body', script };
}
