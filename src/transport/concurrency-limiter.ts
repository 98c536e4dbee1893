/** Lets so many callers run at a time; later ones wait, first come, first served. */
export class ConcurrencyLimiter {
  #free: number;
  readonly #waiters: (() => void)[] = [];

  constructor(max: number) {
    this.#free = max;
  }

  /** Resolves when it is the caller's turn, which ends with `give`. */
  acquire(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  release(): void {
    const next = this.#waiters.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
