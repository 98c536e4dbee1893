/** How many workers and semaphores the shared memory has room for. */
interface SemaphoreTableSize {
  readonly workersMax: number;
  readonly semaphoresMax: number;
}

const headerWords = 4;
const semaphoreWords = 5;
const cellWords = 3;
const workerHeaderWords = 4;

/**
 * Where each word of the semaphore table lies. Words that all workers write stand with their semaphore. Words that one worker
 * writes stand with that worker, so that an unused worker index takes no memory.
 *
 *     head │ semaphore: lock, generation, total, waiters, note │ … │ worker: wake word, wake all, wake bits, cells │ …
 *                                                                      cell: held, since, idle
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

  /** The highest worker index in use so far, plus one. */
  readonly workerIndexEnd = 0;

  lock(index: number): number {
    return headerWords + index * semaphoreWords;
  }

  generation(index: number): number {
    return headerWords + index * semaphoreWords + 1;
  }

  /** Permits held in all workers: the sum of `held`. */
  total(index: number): number {
    return headerWords + index * semaphoreWords + 2;
  }

  /** How many workers have a waiter, that is, have set `since`. */
  waiters(index: number): number {
    return headerWords + index * semaphoreWords + 3;
  }

  /** For the user of the semaphore: what it means is the user's, such as when a connection was last refused. 0 for a new user. */
  note(index: number): number {
    return headerWords + index * semaphoreWords + 4;
  }

  /** Incremented to wake this worker. */
  wakeWord(workerIndex: number): number {
    return this.#workersStart + workerIndex * this.#workerWords;
  }

  /** Set when the worker must look at every semaphore. */
  wakeAllFlag(workerIndex: number): number {
    return this.wakeWord(workerIndex) + 1;
  }

  /** One bit for each semaphore that the worker must look at. */
  wakeBits(workerIndex: number, word: number): number {
    return this.wakeWord(workerIndex) + workerHeaderWords + word;
  }

  /** Permits that this worker holds, including those granted by another worker that it has not seen yet. */
  held(workerIndex: number, index: number): number {
    return this.wakeWord(workerIndex) + workerHeaderWords + this.wakeBitWords + index * cellWords;
  }

  /** Since when the oldest waiter of this worker waits; 0 if none waits. */
  since(workerIndex: number, index: number): number {
    return this.held(workerIndex, index) + 1;
  }

  /** How many of this worker's permits are held by idle connections. */
  idle(workerIndex: number, index: number): number {
    return this.held(workerIndex, index) + 2;
  }
}
