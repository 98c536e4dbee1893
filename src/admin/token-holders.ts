import type { Socket } from 'node:net';
import type { AdminToken } from '../core/configuration.ts';
import type { Authorized } from './authorization.ts';
import type { Sessions } from './sessions.ts';

/**
 * The tokens and sessions that each connection has used, so that the connection ends when one of them is revoked: it may be open for
 * days.
 */
export class TokenHolders {
  readonly #shownBySocket = new Map<Socket, Shown>();

  add(socket: Socket, { token, session }: Pick<Authorized, 'token' | 'session'>): void {
    if (token === null && session === null) return;
    const known = this.#shownBySocket.get(socket);
    const shown = known ?? { tokens: new Set<string>(), sessions: new Set<string>() };
    if (token !== null) shown.tokens.add(tokenKey(token));
    if (session !== null) shown.sessions.add(session.id);
    if (known !== undefined) return;
    this.#shownBySocket.set(socket, shown);
    socket.once('close', () => this.#shownBySocket.delete(socket));
  }

  /** Connections on which a token was shown that is not among `tokens`, or a session that is over. */
  without(tokens: readonly AdminToken[], open: Sessions | null): readonly Socket[] {
    const known = new Set(tokens.map(tokenKey));
    const isRevoked = ({ tokens: shown, sessions }: Shown): boolean =>
      [...shown].some((one) => !known.has(one)) || [...sessions].some((id) => open?.isOpen(id, tokens) !== true);
    return [...this.#shownBySocket].filter(([, shown]) => isRevoked(shown)).map(([socket]) => socket);
  }
}

interface Shown {
  /** By name and hash: a token with a new name or a new hash is another token. */
  readonly tokens: Set<string>;
  readonly sessions: Set<string>;
}

function tokenKey({ name, hash }: AdminToken): string {
  return `${hash} ${name}`;
}
