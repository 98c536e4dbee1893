import type {
  AddressSemaphores,
  BoundSemaphores,
  EndpointSemaphores,
  Semaphore,
  SemaphoreSource,
  SemaphoreHandle,
} from '../core/semaphores.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { AddressCounts, AddressLayout, bucketEntries } from './address-counts.ts';
import { SemaphoreLayout } from './semaphore-layout.ts';
import { SemaphoreTable } from './semaphore-table.ts';
import { clientConnectionsIndex, layoutOf, poolIndex } from './shared-counts.ts';
import type { SharedMemory } from '../core/shared-memory.ts';
import { SharedWords } from './shared-words.ts';
import { assert } from '../core/assert.ts';

/** What a view of a semaphore needs of its worker. */
interface SemaphoreOwner {
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
class WorkerSemaphore {
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

/** How soon a worker tries again after a semaphore was locked. */
const retryMs = 5;

/** A worker's views of all shared counters. */
export class WorkerSemaphores implements SemaphoreSource, SemaphoreOwner {
  readonly table: SemaphoreTable;
  readonly words: SharedWords;
  readonly clientConnections: Semaphore;
  readonly clientAddresses: AddressSemaphores;
  readonly #clock: Clock;
  readonly #wakeWord: number;
  readonly #poolIndex: number;
  readonly #semaphores = new Map<number, WorkerSemaphore>();
  readonly #retries = new Set<number>();

  constructor(memory: SharedMemory, workerIndex: number, clock: Clock, wordsOf = wordsIn) {
    this.#clock = clock;
    warmUp();
    const layout = layoutOf(memory);
    this.words = wordsOf(memory.semaphores);
    this.#wakeWord = layout.wakeWord(workerIndex);
    this.#poolIndex = poolIndex(memory);
    this.table = new SemaphoreTable(this.words, layout, workerIndex);
    const addresses = new AddressLayout(memory.workersMax, memory.addressesMax);
    this.clientAddresses = new AddressCounts(wordsOf(memory.addresses), addresses, workerIndex);
    this.clientConnections = this.#join(clientConnectionsIndex, 0, doNothing);
  }

  endpoint({ index, generation }: SemaphoreHandle, onAvailable: () => void): EndpointSemaphores {
    return {
      connections: this.#join(index, generation, onAvailable),
      waitingRequests: this.#join(index + 1, generation, doNothing),
      probation: this.#join(index + 2, generation, doNothing),
      requests: this.#join(index + 3, generation, onAvailable),
      longLived: this.#join(index + 4, generation, doNothing),
      turns: this.table.turns(index + 1),
      addresses: this.table.addressesSeen(index + 2),
      connectGate: this.table.connectGate(index),
    };
  }

  bound({ index, generation }: SemaphoreHandle, onAvailable: () => void): BoundSemaphores {
    return {
      requests: this.#join(index, generation, onAvailable),
      waitingRequests: this.#join(index + 1, generation, doNothing),
      turns: this.table.turns(index + 2),
      limit: this.table.sharedLimit(index),
    };
  }

  pool(index: number, onAvailable: () => void): Semaphore {
    return this.#join(this.#poolIndex + index, 0, onAvailable);
  }

  #join(index: number, generation: number, onAvailable: () => void): Semaphore {
    let semaphore = this.#semaphores.get(index);
    if (semaphore === undefined || semaphore.generation !== generation) {
      semaphore = new WorkerSemaphore(this, index, generation);
      this.#semaphores.set(index, semaphore);
    }
    return semaphore.join(onAvailable);
  }

  /** Waits for wakeups from other threads until the worker ends. Keeps no event loop alive. */
  async listen(): Promise<never> {
    for (let seen = 0; ; ) {
      await this.words.change(this.#wakeWord, seen);
      seen = this.words.load(this.#wakeWord);
      this.handleWakeups();
    }
  }

  handleWakeups(): void {
    const wakeups = this.table.takeWakeups();
    if (wakeups === 'all') for (const semaphore of [...this.#semaphores.values()]) semaphore.called();
    else for (const index of wakeups) this.#wake(index);
  }

  #wake(index: number): void {
    // A permit granted to a worker that does not use the semaphore any more is passed on.
    (this.#semaphores.get(index) ?? new WorkerSemaphore(this, index, 0)).called();
  }

  retryLater(index: number): void {
    this.#retries.add(index);
    if (this.#retries.size === 1)
      this.#clock.schedule(after(this.#clock.now(), retryMs), retry, this as WorkerSemaphores);
  }

  /** Called by the timer of `retryLater` only. */
  retry(): void {
    const indexes = [...this.#retries];
    this.#retries.clear();
    for (const index of indexes) this.#wake(index);
  }

  unused(index: number, end: WorkerSemaphore): void {
    if (this.#semaphores.get(index) === end) this.#semaphores.delete(index);
  }
}

function retry(workerIndex: WorkerSemaphores): void {
  workerIndex.retry();
}

/**
 * Runs all code that holds a lock once, so that V8 has compiled it before it matters. A thread that compiles a function while it
 * holds a lock holds it a hundred times as long, and all workers start at the same moment.
 */
function warmUp(): void {
  const layout = new SemaphoreLayout({ workersMax: 1, semaphoresMax: 1 });
  const table = new SemaphoreTable(wordsIn(memoryFor(layout)), layout, 0);
  const addressLayout = new AddressLayout(1, bucketEntries);
  const addresses = new AddressCounts(wordsIn(memoryFor(addressLayout)), addressLayout, 0);
  const since = 0 as Instant;
  for (let round = 0; round < warmUpRounds; round++) {
    table.tryAcquire(0, 0, 0, 1, since);
    table.setOldestWaiter(0, 0, since, 1);
    table.release(0, 1, null);
    table.setOldestWaiter(0, 0, null, 1);
    addresses.tryAcquire('::', 1);
    addresses.release('::');
  }
}

const warmUpRounds = 50;

function memoryFor({ words }: { readonly words: number }): SharedArrayBuffer {
  return new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT);
}

function doNothing(): void {}

function wordsIn(memory: SharedArrayBuffer): SharedWords {
  return new SharedWords(memory);
}
