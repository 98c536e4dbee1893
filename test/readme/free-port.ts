import { once } from 'node:events';
import { createServer } from 'node:net';

/** A port of 127.0.0.1 where nobody listens now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Whether nobody listens at a port of this machine itself, over IPv4 and IPv6. */
export async function isFree(port: number): Promise<boolean> {
  const outcomes = await Promise.all(['127.0.0.1', '::1'].map((host) => tryListening(port, host)));
  return !outcomes.includes('EADDRINUSE');
}

function tryListening(port: number, host: string): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'EIO'));
    server.listen({ port, host }, () => server.close(() => resolve(null)));
  });
}
