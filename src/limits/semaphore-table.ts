import { orderToleranceMs } from '../core/semaphores.ts';
import type { Instant } from '../core/time.ts';
import type { SemaphoreLayout } from './semaphore-layout.ts';
import { SharedConnectGate } from './shared-connect-gate.ts';
import type { SharedWords } from './shared-words.ts';
import { instantWord, msBetween } from './instant-word.ts';
import { acquireLock, releaseLock } from './word-lock.ts';

/** Nobody. */
export const noWorker = -1;

/**
 * The places of all slots, as one thread sees them. What changes a slot runs under its lock, and leaves it so that the sum of
 * what each seat holds is the truth at every step: whoever clears up after a thread that ended in the middle takes its own
 * cells away, and makes the total that sum again. That is all the journal that is needed.
 *
 * Nobody waits for a lock for long (`word-lock.ts`). What could not be done is answered as such, and tried again.
 */
export class SemaphoreTable {
  readonly #words: SharedWords;
  readonly #layout: SemaphoreLayout;
  /** Main has `noSeat`: it holds no places. */
  readonly #workerIndex: number;
  readonly #owner: number;

  constructor(words: SharedWords, layout: SemaphoreLayout, workerIndex: number) {
    this.#words = words;
    this.#layout = layout;
    this.#workerIndex = workerIndex;
    this.#owner = workerIndex === noWorker ? layout.workersMax + 1 : workerIndex + 1;
  }

  // A worker's.

  /** Whether one more place is this seat's, which knows of `held`: taken now, or handed to it before. */
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
      this.#isOf(index, generation) && (this.holds(index) > held || this.#acquireFree(index, max, instantWord(since)));
    this.#unlock(index);
    return taken;
  }

  /** Places that this seat holds, those included that were handed to it and that it has not heard of. */
  holds(index: number): number {
    return this.#words.load(this.#layout.held(this.#workerIndex, index));
  }

  /** A free place, unless others are due; they get theirs first. */
  #acquireFree(index: number, max: number, since: number): boolean {
    for (;;) {
      if (this.total(index) >= max) return false;
      const due = this.#dueWorker(index, since);
      const taker = due === noWorker ? this.#workerIndex : due;
      this.#words.store(this.#layout.total(index), this.total(index) + 1);
      this.#addHeld(taker, index, 1);
      if (due === noWorker) return true;
      this.#grant(due, index);
    }
  }

  /**
   * Gives back a place that this seat holds. Where `since` is set, somebody waits here: the answer says whether it is to be
   * theirs. 'busy': nothing has changed.
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

  /** Whose a place is that comes free here. */
  #nextWorker(index: number, since: Instant | null): number {
    if (since !== null) {
      const due = this.#dueWorker(index, instantWord(since));
      return due === noWorker ? this.#workerIndex : due;
    }
    return this.waiters(index) === 0 ? noWorker : this.#oldestOtherWorker(index);
  }

  /**
   * Tells the others since when somebody waits here. 'granted': there was a place, and it has been handed to this seat;
   * 'busy': nothing has changed.
   */
  setOldestWaiter(
    index: number,
    generation: number,
    since: Instant | null,
    max: number,
  ): 'waiting' | 'granted' | 'busy' {
    const waits = since === null ? 0 : instantWord(since);
    const mine = this.#layout.since(this.#workerIndex, index);
    if (this.#words.load(mine) === waits) return 'waiting';
    if (!this.#lock(index)) return 'busy';
    const isFree = waits !== 0 && this.#isOf(index, generation) && this.#acquireFree(index, max, waits);
    this.#setSince(mine, index, isFree ? 0 : waits);
    if (waits !== 0 && !isFree) this.askForIdle(index);
    this.#unlock(index);
    return isFree ? 'granted' : 'waiting';
  }

  /** Where this seat says how many idle connections it has, and where it is said that somebody waits: for the fast path. */
  idleCell(index: number): number {
    return this.#layout.idle(this.#workerIndex, index);
  }

  waitersCell(index: number): number {
    return this.#layout.waiters(index);
  }

  /** Whether somebody elsewhere has waited notably longer than whoever came at `since`. */
  isDueToOtherWorker(index: number, since: Instant): boolean {
    return this.waiters(index) > 0 && this.#dueWorker(index, instantWord(since)) !== noWorker;
  }

  /** The gate of the endpoint whose connections are counted in `slot`. */
  gate(index: number): SharedConnectGate {
    return new SharedConnectGate(this.#words, this.#layout.refused(index));
  }

  total(index: number): number {
    return this.#words.load(this.#layout.total(index));
  }

  waiters(index: number): number {
    return this.#words.load(this.#layout.waiters(index));
  }

  #dueWorker(index: number, since: number): number {
    if (this.waiters(index) === 0) return noWorker;
    const oldest = this.#oldestOtherWorker(index);
    if (oldest === noWorker) return noWorker;
    const theirs = this.#words.load(this.#layout.since(oldest, index));
    return msBetween(theirs, since) > orderToleranceMs ? oldest : noWorker;
  }

  #oldestOtherWorker(index: number): number {
    let oldest = noWorker;
    let oldestSince = 0;
    for (let workerIndex = 0; workerIndex < this.workersEnd; workerIndex++) {
      if (workerIndex === this.#workerIndex) continue;
      const since = this.#words.load(this.#layout.since(workerIndex, index));
      if (since === 0 || (oldest !== noWorker && msBetween(since, oldestSince) <= 0)) continue;
      oldest = workerIndex;
      oldestSince = since;
    }
    return oldest;
  }

  /** Whoever else holds most idle connections is asked to give one up. */
  askForIdle(index: number): void {
    let most = noWorker;
    let mostIdle = 0;
    for (let workerIndex = 0; workerIndex < this.workersEnd; workerIndex++) {
      if (workerIndex === this.#workerIndex) continue;
      const idle = this.#words.load(this.#layout.idle(workerIndex, index));
      if (idle <= mostIdle) continue;
      most = workerIndex;
      mostIdle = idle;
    }
    if (most !== noWorker) this.wake(most, index);
  }

  /** It has been handed a place, and says anew since when the next one waits there: one that hangs gets no second. */
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

  // Calls.

  /** Slots that this seat is called about since the last time. */
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

  get workersEnd(): number {
    return this.#words.load(this.#layout.workersEnd);
  }

  /** Wakes the worker at `seat`: something has changed at `slot`. */
  wake(workerIndex: number, index: number): void {
    this.#words.setBits(this.#layout.wakeBits(workerIndex, index >> 5), 1 << (index & 31));
    this.#words.bump(this.#layout.wakeWord(workerIndex));
  }

  /** Wakes everybody: anything may have changed. */
  wakeAll(): void {
    for (let workerIndex = 0; workerIndex < this.workersEnd; workerIndex++) {
      this.#words.store(this.#layout.wakeAllFlag(workerIndex), 1);
      this.#words.bump(this.#layout.wakeWord(workerIndex));
    }
  }

  // Main's.

  /** The next user of the slot counts from nothing. False while it is in use, or locked. */
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

  /** Takes away what the thread at `seat` held, which has ended. False where another one holds the lock, and may have ended too. */
  forget(workerIndex: number, index: number): boolean {
    const endedHere = this.#words.load(this.#layout.lock(index)) === workerIndex + 1;
    if (!endedHere && !this.#hasTraces(workerIndex, index)) return true;
    if (!endedHere && !this.#lock(index, 1)) return false;
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
    for (let workerIndex = 0; workerIndex < this.workersEnd; workerIndex++) {
      total += this.#words.load(this.#layout.held(workerIndex, index));
      if (this.#words.load(this.#layout.since(workerIndex, index)) !== 0) waiters += 1;
    }
    this.#words.store(this.#layout.total(index), total);
    this.#words.store(this.#layout.waiters(index), waiters);
  }

  #isOf(index: number, generation: number): boolean {
    return this.#words.load(this.#layout.generation(index)) === generation;
  }

  #lock(index: number, waitMsMax?: number): boolean {
    return acquireLock(this.#words, this.#layout.lock(index), this.#owner, waitMsMax);
  }

  #unlock(index: number): void {
    releaseLock(this.#words, this.#layout.lock(index));
  }
}
