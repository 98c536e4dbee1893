import type { Socket } from 'node:net';
import type { AdminToken } from '../core/configuration.ts';

/** The tokens that each connection has used, so that the connection ends when its token is revoked: it may be open for days. */
export class TokenHolders {
  /** Tokens by name and hash: a token with a new name or a new hash is another token. */
  readonly #tokensBySocket = new Map<Socket, Set<string>>();

  add(socket: Socket, token: AdminToken): void {
    const known = this.#tokensBySocket.get(socket);
    if (known !== undefined) {
      known.add(tokenKey(token));
      return;
    }
    this.#tokensBySocket.set(socket, new Set([tokenKey(token)]));
    socket.once('close', () => this.#tokensBySocket.delete(socket));
  }

  /** Connections on which a token was shown that is not among `tokens`. */
  without(tokens: readonly AdminToken[]): readonly Socket[] {
    const known = new Set(tokens.map(tokenKey));
    return [...this.#tokensBySocket]
      .filter(([, shown]) => [...shown].some((one) => !known.has(one)))
      .map(([socket]) => socket);
  }
}

function tokenKey({ name, hash }: AdminToken): string {
  return `${hash} ${name}`;
}
