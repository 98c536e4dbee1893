/** How many workers, and how many things that they count, a piece of shared memory has room for. */
export interface SemaphoreTableSize {
  readonly workersMax: number;
  readonly semaphoresMax: number;
}

const headerWords = 4;
const semaphoreWords = 5;
const cellWords = 3;
const workerHeaderWords = 4;

/**
 * Where each word of the table of places lies. What many write stands with the slot; what one worker writes stands with that
 * worker, so that seats that nobody has cost no memory.
 *
 *     head │ slot: lock, generation, total, wanted, refused │ … │ seat: bell, everything, rung bits, cells │ …
 *                                                            cell: held, since, idle
 */
export class SemaphoreLayout {
  readonly workersMax: number;
  readonly semaphoresMax: number;
  readonly words: number;
  readonly wakeBitWords: number;
  readonly #workersStart: number;
  readonly #workerWords: number;

  constructor({ workersMax, semaphoresMax }: SemaphoreTableSize) {
    this.workersMax = workersMax;
    this.semaphoresMax = semaphoresMax;
    this.wakeBitWords = Math.ceil(semaphoresMax / 32);
    this.#workersStart = headerWords + semaphoresMax * semaphoreWords;
    this.#workerWords = workerHeaderWords + this.wakeBitWords + semaphoresMax * cellWords;
    this.words = this.#workersStart + workersMax * this.#workerWords;
  }

  /** One more than the highest seat that has ever been taken: nobody needs to look further. */
  readonly workersEnd = 0;

  lock(index: number): number {
    return headerWords + index * semaphoreWords;
  }

  generation(index: number): number {
    return headerWords + index * semaphoreWords + 1;
  }

  /** Places taken in all workers: the sum of `held`. */
  total(index: number): number {
    return headerWords + index * semaphoreWords + 2;
  }

  /** In how many workers somebody waits: of how many `since` is set. */
  waiters(index: number): number {
    return headerWords + index * semaphoreWords + 3;
  }

  /** When a connection was last refused; 0: the last one was not. */
  refused(index: number): number {
    return headerWords + index * semaphoreWords + 4;
  }

  /** Changes when a seat is called. */
  wakeWord(workerIndex: number): number {
    return this.#workersStart + workerIndex * this.#workerWords;
  }

  /** Set when a call is about every slot. */
  wakeAllFlag(workerIndex: number): number {
    return this.wakeWord(workerIndex) + 1;
  }

  /** Bits of the slots that a call is about. */
  wakeBits(workerIndex: number, word: number): number {
    return this.wakeWord(workerIndex) + workerHeaderWords + word;
  }

  /** Places that a seat has taken, or that were handed to it. */
  held(workerIndex: number, index: number): number {
    return this.wakeWord(workerIndex) + workerHeaderWords + this.wakeBitWords + index * cellWords;
  }

  /** Since when somebody waits at a seat; 0: nobody. */
  since(workerIndex: number, index: number): number {
    return this.held(workerIndex, index) + 1;
  }

  /** How many of a seat's places are held by idle connections. */
  idle(workerIndex: number, index: number): number {
    return this.held(workerIndex, index) + 2;
  }
}
