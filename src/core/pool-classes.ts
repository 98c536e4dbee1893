import type { Semaphore } from './semaphores.ts';
import type { Clock, Instant } from './time.ts';

/**
 * Node has one pool of threads for the whole process, in which it reads files, compresses, hashes and looks up names. Each class of work takes at
 * most so many of them at a time, in all workers together, so that a hung disk or many large bodies leave threads for name look-ups. `bin/candor`
 * sets the size of the pool.
 */
const limits = { files: 8, zlib: 'cores', hash: 1 } as const;

type PoolClass = keyof typeof limits;

const names = Object.keys(limits) as readonly PoolClass[];

/** Of the files on one device, such as a network file system that hangs: the number of a device chooses one of so many semaphores. */
const deviceSemaphores = 16;
const filesPerDeviceMax = 4;

/** How many semaphores the classes need in the memory that workers share. */
export const poolSemaphores = names.length + deviceSemaphores;

/** Who waits for a thread of a class. */
export interface PoolWaiter {
  /** It has a permit: the work begins now, and `leave` follows when it has ended. */
  onPermit(): void;
}

/** What one worker does in the threads of one class, and what waits for one. */
export class PoolQueue {
  readonly #semaphore: Semaphore;
  readonly #max: number;
  readonly #clock: Clock;
  /** In the order in which they came, which is that of a Map. */
  readonly #waiters = new Map<PoolWaiter, Instant>();

  constructor(semaphoreOf: (onAvailable: () => void) => Semaphore, max: number, clock: Clock) {
    this.#semaphore = semaphoreOf(() => this.#serve());
    this.#max = max;
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** Whether work would begin at once. */
  get hasRoom(): boolean {
    return this.#waiters.size === 0 && this.#semaphore.hasRoom(this.#max);
  }

  /** Takes a permit, which `leave` gives back. False: none is free; `wait` may follow. */
  tryEnter(): boolean {
    return this.#waiters.size === 0 && this.#semaphore.tryAcquire(this.#max, this.#clock.now());
  }

  /** `waiter` gets the next permit, after those that came before. */
  wait(waiter: PoolWaiter): void {
    this.#waiters.set(waiter, this.#clock.now());
    if (this.#reportOldest()) this.#serve();
  }

  /** It does not wait any more. */
  cancel(waiter: PoolWaiter): void {
    if (this.#waiters.delete(waiter) && this.#reportOldest()) this.#serve();
  }

  /** The work of one permit has ended, or could not begin. */
  leave(): void {
    this.#semaphore.release(this.#max);
    this.#serve();
  }

  #serve(): void {
    do {
      for (const [waiter, since] of this.#waiters) {
        if (!this.#semaphore.tryAcquire(this.#max, since)) break;
        this.#waiters.delete(waiter);
        waiter.onPermit();
      }
    } while (this.#reportOldest());
  }

  /** True if a permit has become free meanwhile. */
  #reportOldest(): boolean {
    const [oldest = null] = this.#waiters.values();
    return this.#semaphore.reportOldestWaiter(oldest, this.#max) && oldest !== null;
  }
}

/** The classes as one worker sees them: one queue for each, whichever features use it. */
export class PoolClasses {
  readonly #semaphore: (index: number, onAvailable: () => void) => Semaphore;
  readonly #clock: Clock;
  readonly #cores: number;
  readonly #queues = new Map<number, PoolQueue>();

  constructor(semaphore: (index: number, onAvailable: () => void) => Semaphore, cores: number, clock: Clock) {
    this.#semaphore = semaphore;
    this.#cores = cores;
    this.#clock = clock;
  }

  of(name: PoolClass): PoolQueue {
    const max = limits[name];
    return this.#queue(names.indexOf(name), max === 'cores' ? this.#cores : max);
  }

  /** For files of the device with this number (`st_dev`): a permit of it is taken besides that of `files`. */
  ofDevice(device: number): PoolQueue {
    return this.#queue(names.length + (device % deviceSemaphores), filesPerDeviceMax);
  }

  #queue(index: number, max: number): PoolQueue {
    let queue = this.#queues.get(index);
    if (queue === undefined) {
      queue = new PoolQueue((onAvailable) => this.#semaphore(index, onAvailable), max, this.#clock);
      this.#queues.set(index, queue);
    }
    return queue;
  }
}
