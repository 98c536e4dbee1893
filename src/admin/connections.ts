import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Of whoever has not shown a token yet. A stranger's connection lives for seconds; this is what a burst may hold. */
const unauthenticatedMax = 64;
/** Of those who have: programs that scrape and people who look. Each costs some 20 KiB, more while it is answered. */
const authenticatedMax = 128;

/**
 * The connections of a listener that strangers can reach. They cannot fill it: where there are too many that have not
 * shown a token, the oldest of them is closed for the newcomer, who needs but milliseconds to show one.
 */
export class AdminConnections {
  /** Oldest first. */
  readonly #unauthenticated = new Set<Socket>();
  readonly #authenticated = new Set<Socket>();
  readonly #onFull: (remote: string) => void;

  constructor(server: Server, onFull: (remote: string) => void) {
    this.#onFull = onFull;
    server.on('connection', (socket: Socket) => this.#onConnection(socket));
  }

  /** Somebody has shown a token on this connection. False where there are too many of them. */
  markAuthenticated(socket: Socket): boolean {
    if (this.#authenticated.has(socket)) return true;
    if (this.#authenticated.size >= authenticatedMax) return false;
    this.#unauthenticated.delete(socket);
    this.#authenticated.add(socket);
    return true;
  }

  #onConnection(socket: Socket): void {
    this.#unauthenticated.add(socket);
    socket.once('close', () => {
      this.#unauthenticated.delete(socket);
      this.#authenticated.delete(socket);
    });
    if (this.#unauthenticated.size <= unauthenticatedMax) return;
    const [oldest] = this.#unauthenticated;
    if (oldest === undefined) return;
    this.#unauthenticated.delete(oldest);
    this.#onFull(remoteOf(oldest) ?? '');
    oldest.destroy();
  }
}

/** '192.0.2.7:51234'; null where the connection has no address, or is gone. */
export function remoteOf({ remoteAddress, remotePort, remoteFamily }: Socket): string | null {
  if (remoteAddress === undefined || remoteAddress === '') return null;
  return remoteFamily === 'IPv6' ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}
