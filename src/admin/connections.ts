import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { AdminRole } from '../core/admin-roles.ts';

/** Connections without an accepted token. Such a connection lasts seconds; this is enough for a burst. */
const unauthenticatedMax = 64;
/** Connections with an accepted token: scrapers and people. Each costs some 20 KiB, more during a response. */
const authenticatedMax = 128;
/** Of these, those on which only the role `read` was shown: the rest is for operators, who must get through when readers take all that they can. */
const readersMax = 96;

/**
 * The connections of a TCP listener. Requesters without a token cannot fill it: if there are too many connections that have not
 * shown a token, the oldest of them is closed for the new one, because a legitimate requester shows its token within milliseconds.
 *
 * A connection is known by its remote address and port: with TLS, Node reports it by the socket below the one that its requests have,
 * and a connection counts from its beginning, not from the end of its handshake.
 */
export class AdminConnections {
  /** Oldest first. */
  readonly #unauthenticated = new Map<string, Socket>();
  readonly #authenticated = new Map<string, Socket>();
  /** Those of `#authenticated` that have shown no more than the role `read`. */
  readonly #readers = new Set<string>();
  readonly #onFull: (remote: string) => void;

  constructor(server: Server, onFull: (remote: string) => void) {
    this.#onFull = onFull;
    server.on('connection', (socket: Socket) => this.#onConnection(socket));
  }

  /** A valid token or session with this role was shown on this connection. False if there are too many such connections. */
  markAuthenticated(socket: Socket, role: AdminRole): boolean {
    const remote = remoteOf(socket);
    if (remote === null) return false; // It is closed.
    if (role === 'operate') this.#readers.delete(remote);
    if (this.#authenticated.has(remote)) return true;
    if (this.#authenticated.size >= authenticatedMax) return false;
    if (role === 'read' && this.#readers.size >= readersMax) return false;
    if (role === 'read') this.#readers.add(remote);
    const known = this.#unauthenticated.get(remote) ?? socket;
    this.#unauthenticated.delete(remote);
    this.#authenticated.set(remote, known);
    return true;
  }

  destroyAll(): void {
    for (const socket of [...this.#unauthenticated.values(), ...this.#authenticated.values()]) socket.destroy();
  }

  #onConnection(socket: Socket): void {
    const remote = remoteOf(socket);
    if (remote === null) return; // It was reset before it was accepted.
    this.#unauthenticated.set(remote, socket);
    socket.once('close', () => {
      for (const known of [this.#unauthenticated, this.#authenticated])
        if (known.get(remote) === socket) known.delete(remote);
      if (!this.#authenticated.has(remote)) this.#readers.delete(remote);
    });
    if (this.#unauthenticated.size <= unauthenticatedMax) return;
    const [oldest] = this.#unauthenticated;
    if (oldest === undefined) return;
    this.#unauthenticated.delete(oldest[0]);
    this.#onFull(oldest[0]);
    oldest[1].destroy();
  }
}

/** '192.0.2.7:51234'; null if the connection has no address, or is closed. */
export function remoteOf({ remoteAddress, remotePort, remoteFamily }: Socket): string | null {
  if (remoteAddress === undefined || remoteAddress === '') return null;
  return remoteFamily === 'IPv6' ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}
