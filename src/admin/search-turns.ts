import type { ServerResponse } from 'node:http';
import { sendProblem } from './answer.ts';
import type { AdminRequester } from './session-api.ts';

/** Requests of one reader that may wait. A page of the dashboard sends some at a time; each search takes 200 ms at most. */
export const waitingMax = 32;

/**
 * Lets one request after another pass, for work that is done one at a time. Readers take turns, and the requests of one reader keep their
 * order: however many requests a reader sends, another one waits for at most one of them (round robin).
 */
export class ReaderTurns {
  /** Requests that wait, by reader; the reader whose turn comes next is the first. */
  readonly #waiting = new Map<string, (() => void)[]>();
  /** Who has the turn; null: no reader. */
  #current: string | null = null;

  /** Resolves with a function that ends the turn, when the turn has come; null: too many requests of this reader wait. */
  take(reader: string): Promise<() => void> | null {
    if (this.#current === null) {
      this.#current = reader;
      return Promise.resolve(this.#ender());
    }
    const queue = this.#waiting.get(reader) ?? [];
    if (queue.length >= waitingMax) return null;
    this.#waiting.set(reader, queue);
    return new Promise((resolve) => {
      queue.push(() => resolve(this.#ender()));
    });
  }

  /** Ends one turn, however often it is called. */
  #ender(): () => void {
    let isOver = false;
    return () => {
      if (!isOver) this.#next();
      isOver = true;
    };
  }

  #next(): void {
    // Whose turn is over goes behind the others.
    this.#putLast(this.#current ?? '');
    const [reader = null] = this.#waiting.keys();
    this.#current = reader;
    if (reader !== null) this.#waiting.get(reader)?.shift()?.();
  }

  #putLast(reader: string): void {
    const queue = this.#waiting.get(reader) ?? [];
    this.#waiting.delete(reader);
    if (queue.length > 0) this.#waiting.set(reader, queue);
  }
}

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
