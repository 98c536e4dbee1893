import { AddressCounts, AddressLayout } from './address-counts.ts';
import { noWorker } from './semaphore-table.ts';
import { SharedWords } from './shared-words.ts';

/** Workers at once, those that are being replaced included. */
const workersMax = 64;
/** Keys with requests in flight at once, of which a third find room in any case. */
const keysMax = 16_384;

const layout = new AddressLayout(workersMax, keysMax);

export const atOnceBytes = 4 * (layout.words + workersMax);

export function seedAtOnce(memory: SharedArrayBuffer, seed: number): void {
  new SharedWords(memory).store(layout.seed, seed);
}

/** How many requests each key has in flight, in all workers. A worker claims the cells in which it counts by its number, so that the main thread finds them when it has ended. */
export class RequestsAtOnce {
  readonly #words: SharedWords;
  readonly #counts: AddressCounts | null;

  constructor(memory: SharedArrayBuffer, worker: number) {
    this.#words = new SharedWords(memory);
    const cell = this.#cellOf(worker);
    this.#counts = cell === null ? null : new AddressCounts(this.#words, layout, cell);
  }

  /** False: the key has as many as allowed. `null`: it cannot be counted at this moment, and holds nothing. */
  enter(key: string, max: number): boolean | null {
    const answer = this.#counts?.tryAcquire(key, max, 0) ?? 'busy';
    return answer === 'acquired' ? true : answer === 'over_limit' ? false : null;
  }

  leave(key: string): void {
    this.#counts?.release(key);
  }

  #cellOf(worker: number): number | null {
    for (let cell = 0; cell < workersMax; cell++) {
      const owner = this.#words.load(layout.words + cell);
      if (owner === worker + 1 || (owner === 0 && this.#words.swapIf(layout.words + cell, 0, worker + 1))) return cell;
    }
    return null;
  }
}

/** By the main thread: the worker has ended. False: another one holds a lock; it is to be called again. */
export function forgetWorker(memory: SharedArrayBuffer, worker: number): boolean {
  const words = new SharedWords(memory);
  for (let cell = 0; cell < workersMax; cell++) {
    if (words.load(layout.words + cell) !== worker + 1) continue;
    const counts = new AddressCounts(words, layout, noWorker);
    if (!counts.forget(cell)) return false;
    words.store(layout.words + cell, 0);
  }
  return true;
}
