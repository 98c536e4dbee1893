import { createServer } from 'node:net';
import { once } from 'node:events';
import { limitsFor } from './probe-ports.ts';
import { ProbeSession, type SessionPorts } from './probe-session.ts';

/** V8 has compiled the paths of a request after so many. */
const requests = 3;
const limitMs = 1000;

/**
 * Sends a few requests to a server within this process, on a loopback port. Without it the first request of a probe took some
 * 8 ms longer than the second, most of it this program's own compilation, and would be shown as the server's time.
 */
export async function warmUp(ports: SessionPorts): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwarm\n'));
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return; // Without a loopback address the first request is shown as it is.
  }
  const bound = server.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
  const plain = { host: '127.0.0.1', port, name: '127.0.0.1', tls: null, http2: false };
  const target = { ...plain, limits: limitsFor(limitMs) };
  const session = new ProbeSession(target, { ...ports, authorOf: () => null });
  for (let sent = 0; sent < requests; sent++) {
    await session.request({
      method: 'GET',
      scheme: 'http',
      authority: 'localhost',
      target: '/',
      headers: [],
      upgrade: null,
      body: null,
      bodyBytesMax: 100,
    });
  }
  session.close();
  server.close();
}
