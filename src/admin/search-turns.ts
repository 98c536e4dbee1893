import type { ServerResponse } from 'node:http';
import { sendProblem } from './answer.ts';
import { ReaderTurns, waitingMax } from './reader-turns.ts';
import type { AdminRequester } from './session-api.ts';

/** When a reader may try again: by then some of its searches are done. */
const retryAfterS = 1;

const tooMany =
  `${waitingMax} searches of this requester wait already. The store answers one search at a time, and requesters take turns: ` +
  'wait for answers before you send more.';

/**
 * The turns of requesters at the store and the log, whose threads answer one question after another. Searches and look-ups by id have turns
 * of their own, because a look-up may go on in the log, which takes longer.
 */
export class SearchTurns {
  readonly #searches = new ReaderTurns();
  readonly #lookups = new ReaderTurns();

  search(requester: AdminRequester, response: ServerResponse, read: () => Promise<void>): Promise<void> {
    return inTurn(this.#searches, requester, response, read);
  }

  lookUp(requester: AdminRequester, response: ServerResponse, read: () => Promise<void>): Promise<void> {
    return inTurn(this.#lookups, requester, response, read);
  }
}

async function inTurn(
  turns: ReaderTurns,
  requester: AdminRequester,
  response: ServerResponse,
  read: () => Promise<void>,
): Promise<void> {
  const end = await turns.take(readerOf(requester));
  if (end === null) {
    response.setHeader('Retry-After', retryAfterS);
    return sendProblem(response, 429, tooMany);
  }
  try {
    // A requester that has left meanwhile costs the others no search.
    if (!response.destroyed) await read();
  } finally {
    end();
  }
}

/** The sessions of a token are one reader: opening more of them gives no further turns. */
function readerOf({ token, session }: AdminRequester): string {
  if (token !== null) return `token ${token.name}`;
  return session === null ? 'socket' : `session ${session.id}`;
}
