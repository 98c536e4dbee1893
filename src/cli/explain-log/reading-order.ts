/**
 * Lets several logs be read as one: only the log whose next lines are the earliest goes on, so that lines about one failure
 * come near each other, and little has to be remembered.
 */
export class ReadingOrder {
  readonly #reached: (number | null)[];
  readonly #waiting = new Map<number, () => void>();

  /** Logs have not been reached before their first lines are read. */
  constructor(logs: number) {
    this.#reached = Array.from({ length: logs }, () => Number.NEGATIVE_INFINITY);
  }

  /** Resolves when no other log has earlier lines. Null if that is so already. */
  turn(log: number): Promise<void> | null {
    if (this.#earliest() === log) return null;
    return new Promise((resolve) => this.#waiting.set(log, resolve));
  }

  /** The log has been read up to that time. Lines without a time do not wait for others. */
  advance(log: number, reachedMs: number | null): void {
    if (reachedMs !== null) this.#reached[log] = reachedMs;
    this.#wake();
  }

  end(log: number): void {
    this.#reached[log] = null;
    this.#wake();
  }

  #wake(): void {
    const earliest = this.#earliest();
    const resolve = this.#waiting.get(earliest);
    this.#waiting.delete(earliest);
    resolve?.();
  }

  /** -1 if all have ended. */
  #earliest(): number {
    let earliest = -1;
    let least = Number.POSITIVE_INFINITY;
    for (const [log, reached] of this.#reached.entries()) {
      if (reached === null || (reached >= least && earliest >= 0)) continue;
      earliest = log;
      least = reached;
    }
    return earliest;
  }
}
