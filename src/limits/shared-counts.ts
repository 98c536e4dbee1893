import type { SharedMemory, SharedSizes } from '../core/shared-memory.ts';
import type { BoundCounters, SemaphoreHandle, EndpointCounters } from '../core/semaphores.ts';
import { poolSemaphores } from '../core/pool-classes.ts';
import type { Random } from '../core/random.ts';
import { after, type Clock } from '../core/time.ts';
import { AddressCounts, AddressLayout } from './address-counts.ts';
import { SemaphoreLayout } from './semaphore-layout.ts';
import { noWorker, SemaphoreTable } from './semaphore-table.ts';
import { SharedWords } from './shared-words.ts';

interface Allocation {
  readonly index: number;
  key: string | null;
  generation: number;
}

/** Where the semaphores of one kind lie, such as those of endpoints. */
interface AllocationArea {
  readonly firstIndex: number;
  /** Semaphores of each user. */
  readonly each: number;
  readonly usersMax: number;
}

/** Gives semaphores of one kind to their users: the same ones for the same key while that is kept. */
class SemaphoreAllocations {
  readonly #table: SemaphoreTable;
  readonly #area: AllocationArea;
  readonly #allocations: Allocation[] = [];
  readonly #byKey = new Map<string, Allocation>();
  #kept = new Set<string>();

  constructor(table: SemaphoreTable, area: AllocationArea) {
    this.#table = table;
    this.#area = area;
  }

  /** The indexes of all semaphores that have had a user. */
  *indexes(): Generator<number> {
    const { firstIndex, each } = this.#area;
    for (let index = firstIndex; index < firstIndex + this.#allocations.length * each; index++) yield index;
  }

  get(key: string): SemaphoreHandle | null {
    const known = this.#byKey.get(key);
    return known === undefined ? null : handleOf(known);
  }

  /** Null if all are in use. */
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

  #newAllocation(): Allocation | null {
    const { firstIndex, each, usersMax } = this.#area;
    if (this.#allocations.length >= usersMax) return null;
    const allocation: Allocation = { index: firstIndex + this.#allocations.length * each, key: null, generation: 0 };
    this.#allocations.push(allocation);
    return allocation;
  }

  /** An allocation whose key is not kept any more and of which no permit is held. */
  #freeAllocation(): Allocation | null {
    return this.#allocations.find((one) => one.key !== null && !this.#kept.has(one.key) && this.#renew(one)) ?? null;
  }

  #renew(allocation: Allocation): boolean {
    const { index } = allocation;
    allocation.generation += 1;
    const indexes = Array.from({ length: this.#area.each }, (_, at) => index + at);
    return indexes.every((one) => this.#table.renew(one, allocation.generation));
  }

  /** The keys in use. The semaphores of all others are reused once none of their permits is held. */
  keepOnly(keys: ReadonlySet<string>): void {
    this.#kept = new Set(keys);
  }
}

function handleOf({ index, generation }: Allocation): SemaphoreHandle {
  return { index, generation };
}

/** These sizes reserve 19 MiB of address space. The kernel provides memory only for pages in use: 2 MiB for two workers. */
export const sharedSizes: SharedSizes = { workersMax: 64, endpointsMax: 2048, boundsMax: 512, addressesMax: 32_768 };

/** The index of the semaphore that counts client connections. */
export const clientConnectionsIndex = 0;

/** Of an endpoint: connections, queue, probation, requests in flight, long-lived connections. */
const semaphoresPerEndpoint = 5;

/** Of a bound: requests in flight, queue, and one whose note counts turns. */
const semaphoresPerBound = 3;

/** How soon the main thread clears a semaphore that was locked. */
const retryMs = 5;

export interface EndpointCounts {
  /** Including idle ones and those that are being opened. */
  readonly connections: number;
  /** Connections besides these, with a tunnel or a response that is a stream. */
  readonly longLived: number;
  /** How many of them are idle. */
  readonly idle: number;
  /** Requests in flight; 0 where they are not bounded. */
  readonly requests: number;
  /** Requests that wait for one. */
  readonly waiting: number;
  /** A connection was refused less than a second ago, and none has been accepted since. */
  readonly isRefusing: boolean;
}

interface BoundCounts {
  readonly requests: number;
  readonly waiting: number;
  readonly limit: number;
}

/**
 * The main thread's view of all shared counters: assigns worker indexes and semaphores, and clears what ended workers held. The
 * main thread holds no permits. It blocks at most one millisecond for a lock, and otherwise tries again later.
 */
export class SharedCounts implements EndpointCounters, BoundCounters {
  readonly memory: SharedMemory;
  readonly #clock: Clock;
  readonly #words: SharedWords;
  readonly #layout: SemaphoreLayout;
  readonly #table: SemaphoreTable;
  readonly #addresses: AddressCounts;
  readonly #workerIndexes = new Set<number>();
  /** Indexes of ended workers whose permits are not all cleared yet. */
  readonly #exited = new Set<number>();
  readonly #endpoints: SemaphoreAllocations;
  readonly #bounds: SemaphoreAllocations;

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
    const { endpointsMax, boundsMax = 0 } = sizes;
    this.#endpoints = new SemaphoreAllocations(this.#table, endpointArea(endpointsMax));
    this.#bounds = new SemaphoreAllocations(this.#table, {
      firstIndex: 1 + endpointsMax * semaphoresPerEndpoint,
      each: semaphoresPerBound,
      usersMax: boundsMax,
    });
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
      for (const index of this.#indexes()) whole = this.#table.forget(workerIndex, index) && whole;
      if (!whole) continue;
      this.#exited.delete(workerIndex);
      this.#workerIndexes.delete(workerIndex);
    }
    // Permits have become free, and the ended worker may have granted one without waking its new holder.
    this.#table.wakeAll();
    if (this.#exited.size > 0) this.#clock.schedule(after(this.#clock.now(), retryMs), retryCleanUp, this);
  }

  *#indexes(): Generator<number> {
    yield clientConnectionsIndex;
    yield* this.#endpoints.indexes();
    yield* this.#bounds.indexes();
    for (let index = 0; index < poolSemaphores; index++) yield poolIndex(this.memory) + index;
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
    return this.#endpoints.allocate(key);
  }

  /** The keys of endpoints in use. The semaphores of all others are reused once none of their permits is held. */
  keepOnly(keys: ReadonlySet<string>): void {
    this.#endpoints.keepOnly(keys);
  }

  get boundsMax(): number {
    return this.memory.boundsMax ?? 0;
  }

  /** The semaphores of a bound of requests in flight, as for endpoints. */
  allocateBound(key: string): SemaphoreHandle | null {
    return this.#bounds.allocate(key);
  }

  keepOnlyBounds(keys: ReadonlySet<string>): void {
    this.#bounds.keepOnly(keys);
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
    const handle = this.#endpoints.get(key);
    if (handle === null) return;
    const gate = this.#table.connectGate(handle.index);
    if (refused) gate.noteRefusal(this.#clock.now());
    else gate.reopen();
  }

  /** Connections and waiting requests of all workers at an endpoint. */
  countsAt({ index }: SemaphoreHandle): EndpointCounts {
    const counted = (offset: number): number => this.#table.total(index + offset);
    const idle = this.#table.idleTotal(index);
    const isRefusing = this.#table.connectGate(index).isClosed(this.#clock, refusedRecentlyMs);
    return {
      connections: counted(0),
      idle,
      waiting: counted(1),
      requests: counted(3),
      longLived: counted(4),
      isRefusing,
    };
  }

  /** Requests in flight and waiting requests of all workers at a bound, and its limit if that adapts; 0 before the first request. */
  countsOfBound({ index }: SemaphoreHandle): BoundCounts {
    const limit = this.#table.sharedLimit(index).limit / 100;
    return { requests: this.#table.total(index), waiting: this.#table.total(index + 1), limit };
  }
}

/** Checks and requests of an endpoint that refuses follow each other more quickly (`upstream/refusal.ts`). */
const refusedRecentlyMs = 1000;

function endpointArea(usersMax: number): AllocationArea {
  return { firstIndex: 1, each: semaphoresPerEndpoint, usersMax };
}

export function layoutOf({ workersMax, endpointsMax, boundsMax = 0 }: SharedSizes): SemaphoreLayout {
  const semaphoresMax = poolIndex({ endpointsMax, boundsMax }) + poolSemaphores;
  return new SemaphoreLayout({ workersMax, semaphoresMax });
}

/** Where the semaphores for the threads of Node's pool begin: after all others. */
export function poolIndex({ endpointsMax, boundsMax = 0 }: Pick<SharedSizes, 'endpointsMax' | 'boundsMax'>): number {
  return 1 + endpointsMax * semaphoresPerEndpoint + boundsMax * semaphoresPerBound;
}

function wordsIn(memory: SharedArrayBuffer): SharedWords {
  return new SharedWords(memory);
}

function retryCleanUp(counts: SharedCounts): void {
  counts.retryCleanUp();
}
