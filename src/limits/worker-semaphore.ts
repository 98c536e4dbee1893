import { assert } from '../core/assert.ts';
import type { Semaphore } from '../core/semaphores.ts';
import type { Instant } from '../core/time.ts';
import type { SemaphoreTable } from './semaphore-table.ts';
import type { SharedWords } from './shared-words.ts';

/** What a view of a semaphore needs of its worker. */
export interface SemaphoreOwner {
  readonly table: SemaphoreTable;
  readonly words: SharedWords;
  /** The semaphore was locked: the owner calls `called` a few milliseconds later. */
  retryLater(index: number): void;
  /** This view has no users and holds no permits. */
  unused(index: number, end: WorkerSemaphore): void;
}

/**
 * One worker's view of one semaphore. The table may say that this worker holds more permits than `held`: some were granted by
 * another worker and not acquired here yet, others could not be released because the semaphore was locked. Both kinds are
 * acquired by the next waiter here, or passed on.
 *
 * An endpoint that is removed and added again is a new object while the connections of the old one end, so that a view may have
 * several users.
 */
export class WorkerSemaphore {
  readonly #owner: SemaphoreOwner;
  readonly #words: SharedWords;
  readonly #index: number;
  readonly #idleWord: number;
  readonly #waitersWord: number;
  readonly generation: number;
  #users: SemaphoreUser[] = [];
  #held = 0;
  #idle = 0;

  constructor(owner: SemaphoreOwner, index: number, generation: number) {
    this.#owner = owner;
    this.#words = owner.words;
    this.#index = index;
    this.#idleWord = owner.table.idleWord(index);
    this.#waitersWord = owner.table.waitersWord(index);
    this.generation = generation;
  }

  join(onWake: () => void): SemaphoreUser {
    const user = new SemaphoreUser(this, onWake);
    this.#users.push(user);
    return user;
  }

  get total(): number {
    return this.#owner.table.total(this.#index);
  }

  get idleTotal(): number {
    return this.#owner.table.idleTotal(this.#index);
  }

  hasRoom(max: number): boolean {
    return this.total < max;
  }

  tryAcquire(max: number, since: Instant, waitMsMax?: number): boolean {
    if (!this.#owner.table.tryAcquire(this.#index, this.generation, this.#held, max, since, waitMsMax)) return false;
    this.#held++;
    return true;
  }

  release(user: SemaphoreUser, max: number, waitMsMax?: number): void {
    assert(this.#held > 0, 'only an acquired permit is released');
    this.#held--;
    const what = this.#owner.table.release(this.#index, max, this.#oldestWaiter(), waitMsMax);
    if (what === 'busy') this.#owner.retryLater(this.#index);
    // `user` looks at its own queue after this call.
    if (what === 'kept') for (const other of this.#users) if (other !== user && other.since !== null) other.onWake();
  }

  /** True if a permit was granted. */
  reportOldestWaiter(max: number): boolean {
    const what = this.#owner.table.setOldestWaiter(this.#index, this.generation, this.#oldestWaiter(), max);
    if (what === 'busy') this.#owner.retryLater(this.#index);
    // Several permits may have been kept for one waiter.
    else if (what === 'waiting') this.#passOn();
    return what === 'granted';
  }

  changeIdle(change: number): void {
    this.#idle += change;
    // Other workers must see an increase before this worker looks for waiters. They may see a decrease late.
    if (change > 0) this.#words.store(this.#idleWord, this.#idle);
    else this.#words.put(this.#idleWord, this.#idle);
  }

  get hasWaiters(): boolean {
    return this.#words.load(this.#waitersWord) > 0;
  }

  mustGoToOtherWorker(since: Instant): boolean {
    return this.#owner.table.mustGoToOtherWorker(this.#index, since);
  }

  /** A permit may have been granted: waiters of this worker acquire it, and what they leave goes to other workers. */
  called(): void {
    for (const user of [...this.#users]) user.onWake();
    this.#passOn();
    // The idle connection that this worker was asked to close may be in use by now; another worker may have one.
    if (this.#idle === 0 && this.hasWaiters) this.#owner.table.askToCloseIdle(this.#index);
  }

  #passOn(): void {
    const { table } = this.#owner;
    while (table.holds(this.#index) > this.#held && this.#oldestWaiter() === null) {
      if (table.release(this.#index, Infinity, null) !== 'busy') continue;
      this.#owner.retryLater(this.#index);
      break;
    }
    if (this.#users.length === 0 && this.#held === 0) this.#owner.unused(this.#index, this);
  }

  remove(user: SemaphoreUser): void {
    this.#users = this.#users.filter((other) => other !== user);
    this.#passOn();
  }

  #oldestWaiter(): Instant | null {
    let oldest: Instant | null = null;
    for (const { since } of this.#users) if (since !== null && (oldest === null || since < oldest)) oldest = since;
    return oldest;
  }
}

/** One user of a view; nearly always the only one. */
class SemaphoreUser implements Semaphore {
  since: Instant | null = null;
  readonly onWake: () => void;
  readonly #semaphore: WorkerSemaphore;
  #idle = 0;
  #held = 0;
  #closed = false;

  constructor(semaphore: WorkerSemaphore, onWake: () => void) {
    this.#semaphore = semaphore;
    this.onWake = onWake;
  }

  tryAcquire(max: number, since: Instant, waitMsMax?: number): boolean {
    if (!this.#semaphore.tryAcquire(max, since, waitMsMax)) return false;
    this.#held++;
    return true;
  }

  get total(): number {
    return this.#semaphore.total;
  }

  get idleTotal(): number {
    return this.#semaphore.idleTotal;
  }

  hasRoom(max: number): boolean {
    return this.#semaphore.hasRoom(max);
  }

  release(max: number, waitMsMax?: number): void {
    this.#held--;
    this.#semaphore.release(this, max, waitMsMax);
    if (this.#closed && this.#held === 0) this.#semaphore.remove(this);
  }

  reportOldestWaiter(since: Instant | null, max: number): boolean {
    if (since === null && this.since === null) return false;
    this.since = since;
    return this.#semaphore.reportOldestWaiter(max);
  }

  setIdleCount(count: number): void {
    this.#semaphore.changeIdle(count - this.#idle);
    this.#idle = count;
  }

  get hasWaiters(): boolean {
    return this.#semaphore.hasWaiters;
  }

  mustGoToOtherWorker(since: Instant): boolean {
    return this.#semaphore.mustGoToOtherWorker(since);
  }

  close(): void {
    this.#closed = true;
    if (this.#held === 0) this.#semaphore.remove(this);
  }
}
