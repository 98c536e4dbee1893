import type { Socket } from 'node:net';
import type { AdminToken } from '../core/configuration.ts';

/** Which connections were let in by which token, so that they end with it: one may be open for days. */
export class TokenHolders {
  /** As the configuration had them: neither another token of that name nor another name for it is the same. */
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

  /** Those on which a token was shown that is not among `tokens`. */
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
