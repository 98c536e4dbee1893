import type { Socket } from 'node:net';
import type { AdminToken } from '../core/configuration.ts';

/** Which connections were let in by which token, so that they end with it: one may be open for days. */
export class TokenHolders {
  /** As the configuration had them: neither another token of that name nor another name for it is the same. */
  readonly #shown = new Map<Socket, Set<string>>();

  showed(socket: Socket, token: AdminToken): void {
    const known = this.#shown.get(socket);
    if (known !== undefined) {
      known.add(wordFor(token));
      return;
    }
    this.#shown.set(socket, new Set([wordFor(token)]));
    socket.once('close', () => this.#shown.delete(socket));
  }

  /** Those on which a token was shown that is not among `tokens`. */
  without(tokens: readonly AdminToken[]): readonly Socket[] {
    const known = new Set(tokens.map(wordFor));
    return [...this.#shown].filter(([, shown]) => [...shown].some((one) => !known.has(one))).map(([socket]) => socket);
  }
}

function wordFor({ name, hash }: AdminToken): string {
  return `${hash} ${name}`;
}
