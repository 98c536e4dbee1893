import { connect } from 'node:net';

/**
 * Clients that are slow in sending or reading, from addresses of 127.0.0.0/8: `slow-clients.ts <port> <count>`. Four of five send a
 * body of 20 KB at 500 bytes a second; the others read a response of 256 KiB at one read a second. Says on its channel when all
 * are connected, and, whenever it is asked, how many ever were.
 */
const [port = 0, count = 0] = process.argv.slice(2).map(Number);
let connected = 0;

function openSlow(index: number): void {
  const localAddress = `127.${1 + Math.floor(index / 62_500)}.${Math.floor(index / 250) % 250}.${1 + (index % 250)}`;
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  const isReader = index % 5 === 0;
  if (isReader) socket.on('data', () => socket.pause()).pause();
  else socket.resume();
  socket.on('connect', () => {
    if (++connected === count) process.send?.(connected);
    if (isReader) socket.write('GET /large HTTP/1.1\r\nHost: slow.test\r\n\r\n');
    else socket.write('POST /slow HTTP/1.1\r\nHost: slow.test\r\nContent-Length: 20000\r\n\r\n');
    const timer = setInterval(() => {
      if (isReader) socket.resume();
      else socket.write(Buffer.alloc(500, 'a'));
    }, 1000);
    socket.on('close', () => clearInterval(timer));
  });
  socket.on('error', () => {});
}

for (let index = 0; index < count; index++) setTimeout(openSlow, index / 2, index);
process.on('message', () => process.send?.(connected));
process.on('disconnect', () => process.exit(0));
