import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that Linux gives to outgoing connections and to listeners on port 0 (`ip_local_port_range`). */
const [portMin, portMax] = [20_000, 32_000] as const;

/**
 * A port of this machine on which no program listens. It is not one that the system gives to another test in the moment
 * before the caller uses it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(portMin, portMax);
    if (await isFree(port)) return port;
  }
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
