import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Connections without an accepted token. Such a connection lasts seconds; this is enough for a burst. */
const unauthenticatedMax = 64;
/** Connections with an accepted token: scrapers and people. Each costs some 20 KiB, more during a response. */
const authenticatedMax = 128;

/**
 * The connections of a TCP listener. Requesters without a token cannot fill it: if there are too many connections that have not
 * shown a token, the oldest of them is closed for the new one, because a legitimate requester shows its token within milliseconds.
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

  /** A valid token was shown on this connection. False if there are too many such connections. */
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

/** '192.0.2.7:51234'; null if the connection has no address, or is closed. */
export function remoteOf({ remoteAddress, remotePort, remoteFamily }: Socket): string | null {
  if (remoteAddress === undefined || remoteAddress === '') return null;
  return remoteFamily === 'IPv6' ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}
