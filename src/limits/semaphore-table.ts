import { orderToleranceMs, type TurnCounter } from '../core/semaphores.ts';
import type { Instant } from '../core/time.ts';
import type { SemaphoreLayout } from './semaphore-layout.ts';
import { SharedAddressesSeen } from './shared-addresses-seen.ts';
import { SharedConnectGate } from './shared-connect-gate.ts';
import { type SharedWords, instantWord, msBetween, acquireLock, releaseLock } from './shared-words.ts';

/** How many requests have got what they waited for, in a word of shared memory. */
class SharedTurnCounter implements TurnCounter {
  readonly #words: SharedWords;
  readonly #word: number;

  constructor(words: SharedWords, word: number) {
    this.#words = words;
    this.#word = word;
  }

  get count(): number {
    return this.#words.load(this.#word);
  }

  increment(): void {
    this.#words.bump(this.#word);
  }
}

/** The limit of a bound that adapts, in shared memory. Each is one word: a thread that reads it reads a whole one. */
class SharedLimitWords {
  readonly #words: SharedWords;
  readonly #limitWord: number;
  readonly #probeWord: number;

  constructor(words: SharedWords, limitWord: number, probeWord: number) {
    this.#words = words;
    this.#limitWord = limitWord;
    this.#probeWord = probeWord;
  }

  get limit(): number {
    return this.#words.load(this.#limitWord);
  }

  set limit(hundredths: number) {
    this.#words.store(this.#limitWord, hundredths);
  }

  get probedAt(): number {
    return this.#words.load(this.#probeWord);
  }

  set probedAt(word: number) {
    this.#words.store(this.#probeWord, word);
  }
}

/**
 * Stands in place of a worker index: the main thread has it, and a search that finds no worker returns it. Real indexes start
 * at 0.
 */
export const noWorker = -1;

/**
 * All semaphores in shared memory, as one thread sees them. A *word* is 32 bits of that memory. For each semaphore each worker
 * has a *cell* of three words: how many permits it holds, since when its oldest waiter waits, and how many idle connections it
 * has. `SemaphoreLayout` knows the position of each word. In this class `index` is the index of a semaphore. Its `generation`
 * changes when the semaphore gets a new user, such as another endpoint.
 *
 * Each change of a semaphore runs under its lock. The numbers in the cells are always correct; the total is only their sum. If a
 * thread ends in the middle of a change, the main thread clears the cell of the ended worker and computes the sum again
 * (`forget`).
 *
 * No thread waits for a lock for long (`shared-words.ts`). A method that did not get the lock returns 'busy' or false, and its
 * caller tries again.
 */
export class SemaphoreTable {
  readonly #words: SharedWords;
  readonly #layout: SemaphoreLayout;
  /** `noWorker` for the main thread, which holds no permits. */
  readonly #workerIndex: number;
  /** The value of a lock while this thread holds it. */
  readonly #lockValue: number;

  constructor(words: SharedWords, layout: SemaphoreLayout, workerIndex: number) {
    this.#words = words;
    this.#layout = layout;
    this.#workerIndex = workerIndex;
    this.#lockValue = workerIndex === noWorker ? layout.workersMax + 1 : workerIndex + 1;
  }

  // Called by workers.

  /**
   * Acquires a permit for this worker. `held` is the number of permits that the caller has acquired so far. If the cell has more,
   * another worker has granted a permit, and the caller gets that one; otherwise it gets a free permit, if there is one. `since`
   * is when the request began to wait: waiters of other workers that came earlier are served first.
   */
  tryAcquire(
    index: number,
    generation: number,
    held: number,
    max: number,
    since: Instant,
    waitMsMax?: number,
  ): boolean {
    if (this.holds(index) > held) return true;
    if (!this.#lock(index, waitMsMax)) return false;
    const isAcquired =
      this.#isCurrentGeneration(index, generation) &&
      (this.holds(index) > held || this.#acquireFree(index, max, instantWord(since)));
    this.#unlock(index);
    return isAcquired;
  }

  /** The number of permits that this worker holds, including permits that another worker has granted and this one has not seen yet. */
  holds(index: number): number {
    return this.#words.load(this.#layout.held(this.#workerIndex, index));
  }

  /** Acquires a free permit, if one is left after waiters of other workers that came earlier have got theirs. */
  #acquireFree(index: number, max: number, since: number): boolean {
    for (;;) {
      if (this.total(index) >= max) return false;
      const waitingWorker = this.#workerToServeFirst(index, since);
      const receiver = waitingWorker === noWorker ? this.#workerIndex : waitingWorker;
      this.#words.store(this.#layout.total(index), this.total(index) + 1);
      this.#addHeld(receiver, index, 1);
      if (waitingWorker === noWorker) return true;
      this.#endWaitAndWake(waitingWorker, index);
    }
  }

  /**
   * Releases a permit that this worker holds. `since` is when the oldest waiter of this worker began to wait; null if it has no
   * waiter. 'kept': that waiter gets the permit, so this worker still holds it. 'busy': the lock was not free; nothing has
   * changed, try again.
   */
  release(index: number, max: number, since: Instant | null, waitMsMax?: number): 'released' | 'kept' | 'busy' {
    if (!this.#lock(index, waitMsMax)) return 'busy';
    const next = this.total(index) > max ? noWorker : this.#nextWorker(index, since);
    // The main thread has the index `noWorker`. It keeps no permit.
    const isKept = next === this.#workerIndex && next !== noWorker;
    if (!isKept) {
      this.#addHeld(this.#workerIndex, index, -1);
      if (next === noWorker) this.#words.store(this.#layout.total(index), this.total(index) - 1);
      else {
        this.#addHeld(next, index, 1);
        this.#endWaitAndWake(next, index);
      }
    }
    this.#unlock(index);
    return isKept ? 'kept' : 'released';
  }

  /** Picks the worker that gets the released permit; `noWorker` if the permit becomes free. */
  #nextWorker(index: number, since: Instant | null): number {
    if (since !== null) {
      const waitingWorker = this.#workerToServeFirst(index, instantWord(since));
      return waitingWorker === noWorker ? this.#workerIndex : waitingWorker;
    }
    return this.waiters(index) === 0 ? noWorker : this.#oldestOtherWorker(index);
  }

  /**
   * Publishes the time at which the oldest waiter of this worker began to wait; null if it has no waiter. 'granted': a permit was free, and
   * this worker holds it now. 'waiting': no permit was granted. 'busy': the lock was not free; nothing has changed, try again.
   */
  setOldestWaiter(
    index: number,
    generation: number,
    since: Instant | null,
    max: number,
  ): 'waiting' | 'granted' | 'busy' {
    const sinceValue = since === null ? 0 : instantWord(since);
    const sinceWord = this.#layout.since(this.#workerIndex, index);
    if (this.#words.load(sinceWord) === sinceValue) return 'waiting';
    if (!this.#lock(index)) return 'busy';
    const isGranted =
      sinceValue !== 0 && this.#isCurrentGeneration(index, generation) && this.#acquireFree(index, max, sinceValue);
    this.#setSince(sinceWord, index, isGranted ? 0 : sinceValue);
    if (sinceValue !== 0 && !isGranted) this.askToCloseIdle(index);
    this.#unlock(index);
    return isGranted ? 'granted' : 'waiting';
  }

  /** The word with the number of this worker's idle connections. `WorkerSemaphore` writes it directly, without the lock. */
  idleWord(index: number): number {
    return this.#layout.idle(this.#workerIndex, index);
  }

  /** The word that is above 0 while any worker has a waiter. `WorkerSemaphore` reads it directly, without the lock. */
  waitersWord(index: number): number {
    return this.#layout.waiters(index);
  }

  /** Whether a waiter of another worker came so much earlier than `since` that it must get the next permit. */
  mustGoToOtherWorker(index: number, since: Instant): boolean {
    return this.waiters(index) > 0 && this.#workerToServeFirst(index, instantWord(since)) !== noWorker;
  }

  /** The shared word that says when the endpoint of semaphore `index` last refused a connection (its connect gate). */
  connectGate(index: number): SharedConnectGate {
    return new SharedConnectGate(this.#words, this.#layout.note(index));
  }

  /** Which addresses use the endpoint: in the notes of semaphore `index` and of the next two. */
  addressesSeen(index: number): SharedAddressesSeen {
    const layout = this.#layout;
    const notes = [layout.note(index), layout.note(index + 1), layout.note(index + 2)] as const;
    return new SharedAddressesSeen(this.#words, ...notes, layout.workerIndexEnd);
  }

  /** What all workers know of a bound that adapts: its limit in the note of the first semaphore, its last probe in that of the second. */
  sharedLimit(index: number): SharedLimitWords {
    return new SharedLimitWords(this.#words, this.#layout.note(index), this.#layout.note(index + 1));
  }

  /** How many requests have got what they waited for, in the note of semaphore `index`. */
  turns(index: number): SharedTurnCounter {
    return new SharedTurnCounter(this.#words, this.#layout.note(index));
  }

  total(index: number): number {
    return this.#words.load(this.#layout.total(index));
  }

  waiters(index: number): number {
    return this.#words.load(this.#layout.waiters(index));
  }

  /** The other worker whose oldest waiter must be served before a request that began to wait at `since`; or `noWorker`. */
  #workerToServeFirst(index: number, since: number): number {
    if (this.waiters(index) === 0) return noWorker;
    const oldest = this.#oldestOtherWorker(index);
    if (oldest === noWorker) return noWorker;
    const oldestSince = this.#words.load(this.#layout.since(oldest, index));
    return msBetween(oldestSince, since) > orderToleranceMs ? oldest : noWorker;
  }

  #oldestOtherWorker(index: number): number {
    let oldest = noWorker;
    let oldestSince = 0;
    for (let workerIndex = 0; workerIndex < this.workerIndexEnd; workerIndex++) {
      if (workerIndex === this.#workerIndex) continue;
      const since = this.#words.load(this.#layout.since(workerIndex, index));
      if (since === 0 || (oldest !== noWorker && msBetween(since, oldestSince) <= 0)) continue;
      oldest = workerIndex;
      oldestSince = since;
    }
    return oldest;
  }

  /** Asks the other worker with the most idle connections to close one. */
  askToCloseIdle(index: number): void {
    let most = noWorker;
    let mostIdle = 0;
    for (let workerIndex = 0; workerIndex < this.workerIndexEnd; workerIndex++) {
      if (workerIndex === this.#workerIndex) continue;
      const idle = this.#words.load(this.#layout.idle(workerIndex, index));
      if (idle <= mostIdle) continue;
      most = workerIndex;
      mostIdle = idle;
    }
    if (most !== noWorker) this.wake(most, index);
  }

  /**
   * Ends the wait of a worker that has been given a permit, and wakes it. That worker must publish its next waiter itself: if it
   * hangs, it gets no second permit.
   */
  #endWaitAndWake(workerIndex: number, index: number): void {
    this.#setSince(this.#layout.since(workerIndex, index), index, 0);
    this.wake(workerIndex, index);
  }

  #setSince(word: number, index: number, since: number): void {
    const previous = this.#words.load(word);
    this.#words.store(word, since);
    const change = (since === 0 ? 0 : 1) - (previous === 0 ? 0 : 1);
    if (change !== 0) this.#words.store(this.#layout.waiters(index), this.waiters(index) + change);
  }

  #addHeld(workerIndex: number, index: number, change: number): void {
    const word = this.#layout.held(workerIndex, index);
    this.#words.store(word, this.#words.load(word) + change);
  }

  // Wakeups.

  /** The indexes of the semaphores for which this worker was woken since the last call; 'all' if it must look at every semaphore. */
  takeWakeups(): number[] | 'all' {
    const layout = this.#layout;
    const all = this.#words.swap(layout.wakeAllFlag(this.#workerIndex), 0) !== 0;
    const indexes: number[] = [];
    for (let wordIndex = 0; wordIndex < layout.wakeBitWords; wordIndex++) {
      const word = layout.wakeBits(this.#workerIndex, wordIndex);
      if (this.#words.load(word) === 0) continue;
      const bits = this.#words.swap(word, 0);
      for (let bit = 0; bit < 32; bit++) if ((bits & (1 << bit)) !== 0) indexes.push(wordIndex * 32 + bit);
    }
    return all ? 'all' : indexes;
  }

  /** All worker indexes that have been in use so far are below this number. */
  get workerIndexEnd(): number {
    return this.#words.load(this.#layout.workerIndexEnd);
  }

  /** Wakes a worker to look at one semaphore. */
  wake(workerIndex: number, index: number): void {
    this.#words.setBits(this.#layout.wakeBits(workerIndex, index >> 5), 1 << (index & 31));
    this.#words.bump(this.#layout.wakeWord(workerIndex));
  }

  /** Wakes all workers to look at every semaphore. */
  wakeAll(): void {
    for (let workerIndex = 0; workerIndex < this.workerIndexEnd; workerIndex++) {
      this.#words.store(this.#layout.wakeAllFlag(workerIndex), 1);
      this.#words.bump(this.#layout.wakeWord(workerIndex));
    }
  }

  // Called by the main thread.

  /** Gives the semaphore to a new user, with a new generation. Returns false if permits are held, requests wait, or it is locked. */
  renew(index: number, generation: number): boolean {
    if (!this.#lock(index, 1)) return false;
    const isFree = this.total(index) === 0 && this.waiters(index) === 0;
    if (isFree) {
      this.#words.store(this.#layout.generation(index), generation);
      this.#words.store(this.#layout.note(index), 0);
    }
    this.#unlock(index);
    return isFree;
  }

  /**
   * Clears the cell of a worker whose thread has ended, and releases the semaphore's lock if that worker held it. Returns false while another thread holds the lock; that
   * thread may have ended too.
   */
  forget(workerIndex: number, index: number): boolean {
    const endedHoldingLock = this.#words.load(this.#layout.lock(index)) === workerIndex + 1;
    if (!endedHoldingLock && !this.#hasValues(workerIndex, index)) return true;
    if (!endedHoldingLock && !this.#lock(index, 1)) return false;
    this.#words.store(this.#layout.held(workerIndex, index), 0);
    this.#words.store(this.#layout.since(workerIndex, index), 0);
    this.#words.store(this.#layout.idle(workerIndex, index), 0);
    this.#recount(index);
    this.#unlock(index);
    return true;
  }

  /** Idle connections of all workers. */
  idleTotal(index: number): number {
    let total = 0;
    for (let workerIndex = 0; workerIndex < this.workerIndexEnd; workerIndex++)
      total += this.#words.load(this.#layout.idle(workerIndex, index));
    return total;
  }

  #hasValues(workerIndex: number, index: number): boolean {
    const layout = this.#layout;
    const words = [layout.held(workerIndex, index), layout.since(workerIndex, index), layout.idle(workerIndex, index)];
    return words.some((cell) => this.#words.load(cell) !== 0);
  }

  #recount(index: number): void {
    let total = 0;
    let waiters = 0;
    for (let workerIndex = 0; workerIndex < this.workerIndexEnd; workerIndex++) {
      total += this.#words.load(this.#layout.held(workerIndex, index));
      if (this.#words.load(this.#layout.since(workerIndex, index)) !== 0) waiters += 1;
    }
    this.#words.store(this.#layout.total(index), total);
    this.#words.store(this.#layout.waiters(index), waiters);
  }

  #isCurrentGeneration(index: number, generation: number): boolean {
    return this.#words.load(this.#layout.generation(index)) === generation;
  }

  #lock(index: number, waitMsMax?: number): boolean {
    return acquireLock(this.#words, this.#layout.lock(index), this.#lockValue, waitMsMax);
  }

  #unlock(index: number): void {
    releaseLock(this.#words, this.#layout.lock(index));
  }
}
