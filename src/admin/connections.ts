import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Of whoever has not shown a token yet. A stranger's connection lives for seconds; this is what a burst may hold. */
const strangersMax = 64;
/** Of those who have: programs that scrape and people who look. Each costs some 20 KiB, more while it is answered. */
const admittedMax = 128;

/**
 * The connections of a listener that strangers can reach. They cannot fill it: where there are too many that have not
 * shown a token, the oldest of them is closed for the newcomer, who needs but milliseconds to show one.
 */
export class AdminConnections {
  /** Oldest first. */
  readonly #strangers = new Set<Socket>();
  readonly #admitted = new Set<Socket>();
  readonly #onFull: (remote: string) => void;

  constructor(server: Server, onFull: (remote: string) => void) {
    this.#onFull = onFull;
    server.on('connection', (socket: Socket) => this.#came(socket));
  }

  /** Somebody has shown a token on this connection. False where there are too many of them. */
  admit(socket: Socket): boolean {
    if (this.#admitted.has(socket)) return true;
    if (this.#admitted.size >= admittedMax) return false;
    this.#strangers.delete(socket);
    this.#admitted.add(socket);
    return true;
  }

  #came(socket: Socket): void {
    this.#strangers.add(socket);
    socket.once('close', () => {
      this.#strangers.delete(socket);
      this.#admitted.delete(socket);
    });
    if (this.#strangers.size <= strangersMax) return;
    const [oldest] = this.#strangers;
    if (oldest === undefined) return;
    this.#strangers.delete(oldest);
    this.#onFull(remoteOf(oldest) ?? '');
    oldest.destroy();
  }
}

/** '192.0.2.7:51234'; null where the connection has no address, or is gone. */
export function remoteOf({ remoteAddress, remotePort, remoteFamily }: Socket): string | null {
  if (remoteAddress === undefined || remoteAddress === '') return null;
  return remoteFamily === 'IPv6' ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}
