import { createServer } from 'node:net';
import { fastCgiPort } from './gateways.ts';

/** Answers each FastCGI request with a page, once the request is whole. PHP itself would need ten times what a gateway does. */

const [endType, stdoutType] = [3, 6] as const;

function record(type: number, content: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(1, type, 0, 1, content.length >> 8, content.length & 0xff, 0, 0), content]);
}

const page = Buffer.from(
  'X-Powered-By: PHP/8.2.32\r\nContent-Type: text/html; charset=UTF-8\r\nCache-Control: private, max-age=0\r\n\r\n<!doctype html><title>Order 1742</title><h1>Order 1742</h1><p>Two boxes of tea, one of coffee. Sent on Tuesday.</p>',
);
const answer = Buffer.concat([record(stdoutType, page), record(endType, new Uint8Array(8))]);

/** Each request ends with an empty record of STDIN. */
const lastRecord = Buffer.from([1, 5, 0, 1, 0, 0, 0, 0]);
const [bodyType, beginType] = [5, 1] as const;

createServer((socket) => {
  let rest: Buffer = Buffer.alloc(0);
  let isKept = false;
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes: Buffer) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= lastRecord.length) {
      const length = rest.readUInt16BE(4);
      const end = lastRecord.length + length + (rest[6] as number);
      if (rest.length < end) return;
      const type = rest[1];
      if (type === beginType) isKept = rest[lastRecord.length + 2] === 1;
      rest = rest.subarray(end);
      if (type !== bodyType || length > 0) continue;
      if (isKept) socket.write(answer);
      else socket.end(answer);
    }
  });
}).listen(fastCgiPort, '127.0.0.1', 4096);
