import type { SharedMemory, SharedSizes } from '../core/shared-memory.ts';
import type { SemaphoreHandle, EndpointCounters } from '../core/semaphores.ts';
import type { Random } from '../core/random.ts';
import { after, type Clock } from '../core/time.ts';
import { AddressCounts, AddressLayout } from './address-counts.ts';
import { SemaphoreLayout } from './semaphore-layout.ts';
import { noWorker, SemaphoreTable } from './semaphore-table.ts';
import { SharedWords } from './shared-words.ts';

/** These sizes reserve 14 MiB of address space. The kernel provides memory only for pages in use: 2 MiB for two workers. */
export const sharedSizes: SharedSizes = { workersMax: 64, endpointsMax: 2048, addressesMax: 32_768 };

/** The index of the semaphore that counts client connections. */
export const clientConnectionsIndex = 0;

/** Of an endpoint: connections, queue, probation. */
const semaphoresPerEndpoint = 3;

/** How soon the main thread clears a semaphore that was locked. */
const retryMs = 5;

export interface EndpointCounts {
  /** Including idle ones and those that are being opened. */
  readonly connections: number;
  /** Requests that wait for one. */
  readonly waiting: number;
}

interface EndpointAllocation {
  readonly index: number;
  key: string | null;
  generation: number;
}

/**
 * The main thread's view of all shared counters: assigns worker indexes and semaphores, and clears what ended workers held. The
 * main thread holds no permits. It blocks at most one millisecond for a lock, and otherwise tries again later.
 */
export class SharedCounts implements EndpointCounters {
  readonly memory: SharedMemory;
  readonly #clock: Clock;
  readonly #words: SharedWords;
  readonly #layout: SemaphoreLayout;
  readonly #table: SemaphoreTable;
  readonly #addresses: AddressCounts;
  readonly #workerIndexes = new Set<number>();
  /** Indexes of ended workers whose permits are not all cleared yet. */
  readonly #exited = new Set<number>();
  readonly #allocations: EndpointAllocation[] = [];
  readonly #byKey = new Map<string, EndpointAllocation>();

  constructor(sizes: SharedSizes, clock: Clock, random: Random, wordsOf = wordsIn) {
    this.#clock = clock;
    this.#layout = layoutOf(sizes);
    const addresses = new AddressLayout(sizes.workersMax, sizes.addressesMax);
    const bytes = Int32Array.BYTES_PER_ELEMENT;
    this.memory = {
      ...sizes,
      semaphores: new SharedArrayBuffer(this.#layout.words * bytes),
      addresses: new SharedArrayBuffer(addresses.words * bytes),
    };
    this.#words = wordsOf(this.memory.semaphores);
    this.#table = new SemaphoreTable(this.#words, this.#layout, noWorker);
    const addressWords = wordsOf(this.memory.addresses);
    addressWords.store(addresses.seed, Math.floor(random.next() * 2 ** 32) | 0);
    this.#addresses = new AddressCounts(addressWords, addresses, noWorker);
  }

  /** An index for a worker that is about to start; null if all are in use. */
  claimWorkerIndex(): number | null {
    for (let workerIndex = 0; workerIndex < this.memory.workersMax; workerIndex++) {
      if (this.#workerIndexes.has(workerIndex)) continue;
      this.#workerIndexes.add(workerIndex);
      const end = Math.max(workerIndex + 1, this.#table.workerIndexEnd);
      this.#words.store(this.#layout.workerIndexEnd, end);
      return workerIndex;
    }
    return null;
  }

  /** Releases everything that a worker held. Call it after its thread has ended. */
  forget(workerIndex: number): void {
    this.#exited.add(workerIndex);
    this.#cleanUp();
  }

  #cleanUp(): void {
    for (const workerIndex of this.#exited) {
      let whole = this.#addresses.forget(workerIndex);
      const indexesEnd = 1 + this.#allocations.length * semaphoresPerEndpoint;
      for (let index = 0; index < indexesEnd; index++) whole = this.#table.forget(workerIndex, index) && whole;
      if (!whole) continue;
      this.#exited.delete(workerIndex);
      this.#workerIndexes.delete(workerIndex);
    }
    // Permits have become free, and the ended worker may have granted one without waking its new holder.
    this.#table.wakeAll();
    if (this.#exited.size > 0) this.#clock.schedule(after(this.#clock.now(), retryMs), retryCleanUp, this);
  }

  /** Called by the timer of `#cleanUp` only. */
  retryCleanUp(): void {
    this.#cleanUp();
  }

  get endpointsMax(): number {
    return this.memory.endpointsMax;
  }

  /** The semaphores of an endpoint: the same for the same key while the key is kept. Null if the table is full. */
  allocate(key: string): SemaphoreHandle | null {
    const known = this.#byKey.get(key);
    if (known !== undefined) return handleOf(known);
    const free = this.#newAllocation() ?? this.#freeAllocation();
    if (free === null) return null;
    if (free.key !== null) this.#byKey.delete(free.key);
    free.key = key;
    this.#byKey.set(key, free);
    this.#kept.add(key);
    return handleOf(free);
  }

  #newAllocation(): EndpointAllocation | null {
    if (this.#allocations.length >= this.memory.endpointsMax) return null;
    const index = 1 + this.#allocations.length * semaphoresPerEndpoint;
    const allocation: EndpointAllocation = { index, key: null, generation: 0 };
    this.#allocations.push(allocation);
    return allocation;
  }

  /** An allocation whose key is not kept any more and of which no permit is held. */
  #freeAllocation(): EndpointAllocation | null {
    return this.#allocations.find((one) => one.key !== null && !this.#kept.has(one.key) && this.#renew(one)) ?? null;
  }

  #renew(allocation: EndpointAllocation): boolean {
    const { index } = allocation;
    allocation.generation += 1;
    const indexes = [index, index + 1, index + 2];
    return indexes.every((index) => this.#table.renew(index, allocation.generation));
  }

  #kept = new Set<string>();

  /** The keys of endpoints in use. The semaphores of all others are reused once none of their permits is held. */
  keepOnly(keys: ReadonlySet<string>): void {
    this.#kept = new Set(keys);
  }

  /** Client connections of one worker at this moment. */
  clientConnectionsAt(workerIndex: number): number {
    return this.#words.load(this.#layout.held(workerIndex, clientConnectionsIndex));
  }

  /** Client connections in all workers. */
  get clientConnections(): number {
    return this.#table.total(clientConnectionsIndex);
  }

  /** Tells all workers whether a health check of the endpoint with this key was refused. */
  noteChecked(key: string, refused: boolean): void {
    const allocation = this.#byKey.get(key);
    if (allocation === undefined) return;
    const gate = this.#table.connectGate(allocation.index);
    if (refused) gate.noteRefusal(this.#clock.now());
    else gate.reopen();
  }

  /** Connections and waiting requests of all workers at an endpoint. */
  countsAt({ index }: SemaphoreHandle): EndpointCounts {
    return { connections: this.#table.total(index), waiting: this.#table.total(index + 1) };
  }
}

export function layoutOf({ workersMax, endpointsMax }: SharedSizes): SemaphoreLayout {
  return new SemaphoreLayout({ workersMax, semaphoresMax: 1 + endpointsMax * semaphoresPerEndpoint });
}

function handleOf({ index, generation }: EndpointAllocation): SemaphoreHandle {
  return { index, generation };
}

function wordsIn(memory: SharedArrayBuffer): SharedWords {
  return new SharedWords(memory);
}

function retryCleanUp(counts: SharedCounts): void {
  counts.retryCleanUp();
}
