import type { SemaphoreHandle } from '../core/semaphores.ts';
import type { SemaphoreTable } from './semaphore-table.ts';

interface Allocation {
  readonly index: number;
  key: string | null;
  generation: number;
}

/** Where the semaphores of one kind lie, such as those of endpoints. */
export interface AllocationArea {
  readonly firstIndex: number;
  /** Semaphores of each user. */
  readonly each: number;
  readonly usersMax: number;
}

/** Gives semaphores of one kind to their users: the same ones for the same key while that is kept. */
export class SemaphoreAllocations {
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
