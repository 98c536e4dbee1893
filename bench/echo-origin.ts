import { createServer } from 'node:net';
import { echoPort } from './gateways.ts';

/** Answers an upgrade as RFC 6455 §4.2 has it for the key of `client.ts`, and then gives back what comes, unmasked by nature. */
const answer =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

createServer({ noDelay: true }, (socket) => {
  let hasHead = false;
  socket.on('error', () => socket.destroy());
  socket.on('data', (octets: Buffer) => {
    if (!hasHead) {
      hasHead = octets.includes('\r\n\r\n');
      if (hasHead) socket.write(answer);
      return;
    }
    // Each message fits one frame; the mask of zeros goes, its bit too.
    for (let at = 0; at < octets.length; at += 6 + ((octets[at + 1] as number) & 0x7f)) {
      const length = (octets[at + 1] as number) & 0x7f;
      socket.write(Buffer.concat([Buffer.from([0x81, length]), octets.subarray(at + 6, at + 6 + length)]));
    }
  });
}).listen(echoPort, '127.0.0.1');
