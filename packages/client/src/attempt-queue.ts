import { type CallScope, untilAborted } from './call-scope.ts';

/** Attempts at one origin that may wait for an answer at the same time, and those that wait for their turn. */
export class AttemptQueue {
  readonly #max: number;
  readonly #queueMax: number;
  #running = 0;
  readonly #waiters: (() => void)[] = [];

  constructor(max: number, queueMax: number) {
    this.#max = max;
    this.#queueMax = queueMax;
  }

  get length(): number {
    return this.#waiters.length;
  }

  get isIdle(): boolean {
    return this.#running === 0;
  }

  /** False: the queue is full. Each `true` needs one `release`. */
  async acquire(scope: CallScope): Promise<boolean> {
    if (this.#running < this.#max) {
      this.#running++;
      return true;
    }
    if (this.#waiters.length >= this.#queueMax) return false;
    let waiter = (): void => {};
    const turn = new Promise<void>((resolve) => this.#waiters.push((waiter = resolve)));
    try {
      await untilAborted(turn, scope.signal);
    } catch (error) {
      const at = this.#waiters.indexOf(waiter);
      // It had its turn in the same moment: the next one takes it.
      if (at < 0) this.release();
      else this.#waiters.splice(at, 1);
      throw error;
    }
    return true;
  }

  release(): void {
    const next = this.#waiters.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}
