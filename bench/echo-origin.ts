import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { echoPort } from './gateways.ts';

/**
 * Accepts an upgrade (RFC 6455 §4.2.2), and then echoes each message. A gateway that parses messages and writes new frames
 * has a key and masks of its own.
 */
function answerTo(head: string): string {
  const key = /sec-websocket-key: *(\S+)/i.exec(head)?.[1] ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return (
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`
  );
}

/** Each message fits one frame, and its length seven bits. */
function echoOf(bytes: Buffer, at: number): Buffer {
  const length = (bytes[at + 1] as number) & 0x7f;
  const frame = Buffer.allocUnsafe(length + 2);
  frame[0] = bytes[at] as number;
  frame[1] = length;
  for (let index = 0; index < length; index++)
    frame[index + 2] = (bytes[at + 6 + index] as number) ^ (bytes[at + 2 + (index & 3)] as number);
  return frame;
}

createServer({ noDelay: true }, (socket) => {
  let hasHead = false;
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes: Buffer) => {
    if (!hasHead) {
      hasHead = bytes.includes('\r\n\r\n');
      if (hasHead) socket.write(answerTo(bytes.toString('latin1')));
      return;
    }
    for (let at = 0; at < bytes.length; at += 6 + ((bytes[at + 1] as number) & 0x7f)) socket.write(echoOf(bytes, at));
  });
}).listen(echoPort, '127.0.0.1');
