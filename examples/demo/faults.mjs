// An application that fails in three ways, byte by byte. Only its health check goes well.
import { createServer } from 'node:net';

const port = Number(process.env.PORT);

const answers = {
  '/healthz': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwell\n'),
  // Takes the request and never says a word.
  '/demo/too-slow': () => {},
  // Tears the connection down instead of answering.
  '/demo/reset': (socket) => socket.resetAndDestroy(),
  // Answers in another protocol.
  '/demo/garbage': (socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'),
};

const server = createServer((socket) => {
  let head = '';
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    head += bytes.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    const path = head.split(' ', 2)[1];
    head = '';
    const answer = answers[path];
    if (answer !== undefined) answer(socket);
    else socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
});

server.listen(port, '127.0.0.1', () => console.log(`faults are served on port ${port}`));

process.on('SIGTERM', () => process.exit(0));
