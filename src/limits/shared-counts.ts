import type { SharedMemory, SharedSizes } from '../core/shared-memory.ts';
import type { SemaphoreHandle } from '../core/semaphores.ts';
import type { Random } from '../core/random.ts';
import { after, type Clock } from '../core/time.ts';
import { AddressCounts, AddressLayout } from './address-counts.ts';
import { SemaphoreLayout } from './semaphore-layout.ts';
import { noWorker, SemaphoreTable } from './semaphore-table.ts';
import { SharedWords } from './shared-words.ts';

/** Memory that nobody has used is none: these take 14 MiB of addresses, and 2 MiB of memory for two workers. */
export const sharedSizes: SharedSizes = { workersMax: 64, endpointsMax: 2048, addressesMax: 32_768 };

/** The slot of the client connections in all workers. */
export const clientConnectionsIndex = 0;

/** Of an endpoint: connections, the queue for them, the trial. */
const semaphoresPerEndpoint = 3;

/** How soon a slot that was locked is cleared up. */
const retryMs = 5;

export interface EndpointCounts {
  /** Idle ones included, and those that are being opened. */
  readonly connections: number;
  /** Requests in line for one. */
  readonly waiting: number;
}

interface EndpointAllocation {
  readonly index: number;
  key: string | null;
  generation: number;
}

/**
 * Main's end of what workers count: hands out seats and slots, and clears up after workers that have ended. Main holds no
 * place itself, and waits for nobody for long: for a slot that is locked it naps one millisecond at most, and then looks at
 * it again later.
 */
export class SharedCounts {
  readonly memory: SharedMemory;
  readonly #clock: Clock;
  readonly #words: SharedWords;
  readonly #layout: SemaphoreLayout;
  readonly #table: SemaphoreTable;
  readonly #addresses: AddressCounts;
  readonly #workerIndexes = new Set<number>();
  /** Seats whose worker has ended, and of which something could not be cleared up yet. */
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

  /** A seat for a worker that is about to start; null: all are taken. */
  claimWorkerIndex(): number | null {
    for (let workerIndex = 0; workerIndex < this.memory.workersMax; workerIndex++) {
      if (this.#workerIndexes.has(workerIndex)) continue;
      this.#workerIndexes.add(workerIndex);
      const end = Math.max(workerIndex + 1, this.#table.workersEnd);
      this.#words.store(this.#layout.workersEnd, end);
      return workerIndex;
    }
    return null;
  }

  /** The worker with this seat is gone, and its thread has ended: what it held is the others' again. */
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
    // Places have come free, and one that was handed on may not have been told of.
    this.#table.wakeAll();
    if (this.#exited.size > 0) this.#clock.schedule(after(this.#clock.now(), retryMs), retryCleanUp, this);
  }

  /** For its own timer alone. */
  retryCleanUp(): void {
    this.#cleanUp();
  }

  /** The cells of an endpoint, the same for the same key for as long as it is kept; null: the table is full. */
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

  /** One that nobody wants any more, and where nobody holds a place. */
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

  /** Endpoints that are still of use; what others have is allotted anew when nobody holds a place there any more. */
  keepOnly(keys: ReadonlySet<string>): void {
    this.#kept = new Set(keys);
  }

  /** Client connections of the worker at `seat`, at this moment. */
  clientConnectionsAt(workerIndex: number): number {
    return this.#words.load(this.#layout.held(workerIndex, clientConnectionsIndex));
  }

  /** Client connections in all workers. */
  get clientConnections(): number {
    return this.#table.total(clientConnectionsIndex);
  }

  /** Tells all workers what a check met at the endpoint with this key. */
  noteChecked(key: string, refused: boolean): void {
    const allocation = this.#byKey.get(key);
    if (allocation === undefined) return;
    const gate = this.#table.gate(allocation.index);
    if (refused) gate.refused(this.#clock.now());
    else gate.accepted();
  }

  /** What all workers together have at an endpoint. */
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
