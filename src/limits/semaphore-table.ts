import { orderToleranceMs } from '../core/semaphores.ts';
import type { Instant } from '../core/time.ts';
import type { SemaphoreLayout } from './semaphore-layout.ts';
import { SharedConnectGate } from './shared-connect-gate.ts';
import type { SharedWords } from './shared-words.ts';
import { instantWord, msBetween } from './instant-word.ts';
import { acquireLock, releaseLock } from './word-lock.ts';

/** No worker: the main thread's own index, and the answer when no worker is found. */
export const noWorker = -1;

/**
 * All semaphores, as one thread sees them. Each change of a semaphore runs under its lock. At every step the permits held by
 * the workers' cells are the truth, and the total is their sum. So a thread that ends in the middle of a change leaves nothing
 * to repair but that sum: the main thread clears the cells of the ended worker and adds up the others (`forget`).
 *
 * No thread waits for a lock for long (`word-lock.ts`). A method that did not get the lock answers 'busy' or false, and its
 * caller tries again.
 */
export class SemaphoreTable {
  readonly #words: SharedWords;
  readonly #layout: SemaphoreLayout;
  /** `noWorker` for the main thread, which holds no permits. */
  readonly #workerIndex: number;
  readonly #lockValue: number;

  constructor(words: SharedWords, layout: SemaphoreLayout, workerIndex: number) {
    this.#words = words;
    this.#layout = layout;
    this.#workerIndex = workerIndex;
    this.#lockValue = workerIndex === noWorker ? layout.workersMax + 1 : workerIndex + 1;
  }

  // Called by workers.

  /** Acquires a permit for this worker, which knows of `held` permits: a free one, or one that another worker has granted before. */
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
    const taken =
      this.#isCurrentGeneration(index, generation) &&
      (this.holds(index) > held || this.#acquireFree(index, max, instantWord(since)));
    this.#unlock(index);
    return taken;
  }

  /** Permits that this worker holds, including granted ones that it has not seen yet. */
  holds(index: number): number {
    return this.#words.load(this.#layout.held(this.#workerIndex, index));
  }

  /** Acquires a free permit. Waiters of other workers that came earlier get theirs first. */
  #acquireFree(index: number, max: number, since: number): boolean {
    for (;;) {
      if (this.total(index) >= max) return false;
      const due = this.#workerServedBefore(index, since);
      const taker = due === noWorker ? this.#workerIndex : due;
      this.#words.store(this.#layout.total(index), this.total(index) + 1);
      this.#addHeld(taker, index, 1);
      if (due === noWorker) return true;
      this.#grant(due, index);
    }
  }

  /**
   * Releases a permit that this worker holds. `since` is set if this worker has a waiter. 'kept': that waiter gets the permit;
   * 'busy': the lock was not free, nothing has changed, try again.
   */
  release(index: number, max: number, since: Instant | null, waitMsMax?: number): 'released' | 'kept' | 'busy' {
    if (!this.#lock(index, waitMsMax)) return 'busy';
    const next = this.total(index) > max ? noWorker : this.#nextWorker(index, since);
    const isKept = next === this.#workerIndex && next !== noWorker;
    if (!isKept) {
      this.#addHeld(this.#workerIndex, index, -1);
      if (next === noWorker) this.#words.store(this.#layout.total(index), this.total(index) - 1);
      else {
        this.#addHeld(next, index, 1);
        this.#grant(next, index);
      }
    }
    this.#unlock(index);
    return isKept ? 'kept' : 'released';
  }

  /** Picks the worker that gets the released permit. */
  #nextWorker(index: number, since: Instant | null): number {
    if (since !== null) {
      const due = this.#workerServedBefore(index, instantWord(since));
      return due === noWorker ? this.#workerIndex : due;
    }
    return this.waiters(index) === 0 ? noWorker : this.#oldestOtherWorker(index);
  }

  /**
   * Publishes since when the oldest waiter of this worker waits. 'granted': a permit was free, and this worker holds it now;
   * 'busy': the lock was not free, nothing has changed, try again.
   */
  setOldestWaiter(
    index: number,
    generation: number,
    since: Instant | null,
    max: number,
  ): 'waiting' | 'granted' | 'busy' {
    const sinceWord = since === null ? 0 : instantWord(since);
    const sinceCell = this.#layout.since(this.#workerIndex, index);
    if (this.#words.load(sinceCell) === sinceWord) return 'waiting';
    if (!this.#lock(index)) return 'busy';
    const isGranted =
      sinceWord !== 0 && this.#isCurrentGeneration(index, generation) && this.#acquireFree(index, max, sinceWord);
    this.#setSince(sinceCell, index, isGranted ? 0 : sinceWord);
    if (sinceWord !== 0 && !isGranted) this.askToCloseIdle(index);
    this.#unlock(index);
    return isGranted ? 'granted' : 'waiting';
  }

  /** The word with this worker's number of idle connections. The fast path reads and writes it directly. */
  idleCell(index: number): number {
    return this.#layout.idle(this.#workerIndex, index);
  }

  /** The word that is above 0 while any worker has a waiter. The fast path reads it directly. */
  waitersCell(index: number): number {
    return this.#layout.waiters(index);
  }

  /** See `Semaphore.isDueToOtherWorker`. */
  mustGoToOtherWorker(index: number, since: Instant): boolean {
    return this.waiters(index) > 0 && this.#workerServedBefore(index, instantWord(since)) !== noWorker;
  }

  /** The gate of the endpoint whose connections are counted in `slot`. */
  connectGate(index: number): SharedConnectGate {
    return new SharedConnectGate(this.#words, this.#layout.refused(index));
  }

  total(index: number): number {
    return this.#words.load(this.#layout.total(index));
  }

  waiters(index: number): number {
    return this.#words.load(this.#layout.waiters(index));
  }

  #workerServedBefore(index: number, since: number): number {
    if (this.waiters(index) === 0) return noWorker;
    const oldest = this.#oldestOtherWorker(index);
    if (oldest === noWorker) return noWorker;
    const theirs = this.#words.load(this.#layout.since(oldest, index));
    return msBetween(theirs, since) > orderToleranceMs ? oldest : noWorker;
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

  /** Asks the worker that has most idle connections, of the others, to close one. */
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

  /** Ends the wait of a worker that has been given a permit. It publishes its next waiter itself, so that a worker that hangs gets no second permit. */
  #grant(workerIndex: number, index: number): void {
    this.#setSince(this.#layout.since(workerIndex, index), index, 0);
    this.wake(workerIndex, index);
  }

  #setSince(cell: number, index: number, since: number): void {
    const was = this.#words.load(cell);
    this.#words.store(cell, since);
    const change = (since === 0 ? 0 : 1) - (was === 0 ? 0 : 1);
    if (change !== 0) this.#words.store(this.#layout.waiters(index), this.waiters(index) + change);
  }

  #addHeld(workerIndex: number, index: number, change: number): void {
    const cell = this.#layout.held(workerIndex, index);
    this.#words.store(cell, this.#words.load(cell) + change);
  }

  // Wakeups.

  /** The semaphores that this worker must look at since the last call. */
  takeWakeups(): number[] | 'all' {
    const layout = this.#layout;
    const all = this.#words.swap(layout.wakeAllFlag(this.#workerIndex), 0) !== 0;
    const indexes: number[] = [];
    for (let index = 0; index < layout.wakeBitWords; index++) {
      const cell = layout.wakeBits(this.#workerIndex, index);
      if (this.#words.load(cell) === 0) continue;
      const bits = this.#words.swap(cell, 0);
      for (let bit = 0; bit < 32; bit++) if ((bits & (1 << bit)) !== 0) indexes.push(index * 32 + bit);
    }
    return all ? 'all' : indexes;
  }

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

  /** Gives the semaphore to a new user, with no permits held. False while it is in use or locked. */
  renew(index: number, generation: number): boolean {
    if (!this.#lock(index, 1)) return false;
    const isFree = this.total(index) === 0 && this.waiters(index) === 0;
    if (isFree) {
      this.#words.store(this.#layout.generation(index), generation);
      this.#words.store(this.#layout.refused(index), 0);
    }
    this.#unlock(index);
    return isFree;
  }

  /** Clears what a worker held whose thread has ended. False while another thread holds the lock; that one may have ended too. */
  forget(workerIndex: number, index: number): boolean {
    const endedHoldingLock = this.#words.load(this.#layout.lock(index)) === workerIndex + 1;
    if (!endedHoldingLock && !this.#hasTraces(workerIndex, index)) return true;
    if (!endedHoldingLock && !this.#lock(index, 1)) return false;
    this.#words.store(this.#layout.held(workerIndex, index), 0);
    this.#words.store(this.#layout.since(workerIndex, index), 0);
    this.#words.store(this.#layout.idle(workerIndex, index), 0);
    this.#recount(index);
    this.#unlock(index);
    return true;
  }

  #hasTraces(workerIndex: number, index: number): boolean {
    const layout = this.#layout;
    const cells = [layout.held(workerIndex, index), layout.since(workerIndex, index), layout.idle(workerIndex, index)];
    return cells.some((cell) => this.#words.load(cell) !== 0);
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
