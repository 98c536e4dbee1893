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
