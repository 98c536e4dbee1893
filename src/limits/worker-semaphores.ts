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
import { WorkerSemaphore, type SemaphoreOwner } from './worker-semaphore.ts';
import { clientConnectionsIndex, layoutOf } from './shared-counts.ts';
import type { SharedMemory } from '../core/shared-memory.ts';
import { SharedWords } from './shared-words.ts';

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
  readonly #semaphores = new Map<number, WorkerSemaphore>();
  readonly #retries = new Set<number>();

  constructor(memory: SharedMemory, workerIndex: number, clock: Clock, wordsOf = wordsIn) {
    this.#clock = clock;
    warmUp();
    const layout = layoutOf(memory);
    this.words = wordsOf(memory.semaphores);
    this.#wakeWord = layout.wakeWord(workerIndex);
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
