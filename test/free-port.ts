import { randomInt } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Below the ports that Linux gives to outgoing connections and to listeners on port 0 (`ip_local_port_range`). */
const [portMin, portMax] = [20_000, 32_000] as const;

/** One file for each port that was given; tests of several processes and runs look here. */
const given = join(tmpdir(), 'candor-test-ports');
/** No test uses its port longer: the runner ends a file after four minutes. */
const givenMs = 300_000;

/**
 * A port of this machine on which no program listens. Neither the system nor this function gives it to another test in the moment
 * before the caller uses it.
 */
export async function freePort(): Promise<number> {
  mkdirSync(given, { recursive: true });
  for (;;) {
    const port = randomInt(portMin, portMax);
    if (reserve(port) && (await isFree(port))) return port;
  }
}

/** False if a port was given to somebody else not long ago. */
function reserve(port: number): boolean {
  const path = join(given, String(port));
  try {
    if (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > givenMs)
      rmSync(path, { force: true });
    closeSync(openSync(path, 'wx'));
    return true;
  } catch (error) {
    // Another user's folder keeps no reservation of ours; then the port is as good as any.
    return (error as NodeJS.ErrnoException).code !== 'EEXIST';
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
