import type { EndpointSemaphores, Semaphore, SemaphoreHandle } from '../core/semaphores.ts';
import type { Clock, Instant } from '../core/time.ts';
import { WorkerSemaphores } from './worker-semaphores.ts';
import type { SharedMemory } from '../core/shared-memory.ts';
import { SharedWords } from './shared-words.ts';

/** Where a worker's thread ends in the middle of whatever it does. */
export class Killed extends Error {}

/** Calls `step` before each access: there a thread may be stopped, or others may be let run. */
export class SteppedWords extends SharedWords {
  readonly #step: () => void;

  constructor(memory: SharedArrayBuffer, step: () => void) {
    super(memory);
    this.#step = step;
  }

  override load(index: number): number {
    this.#step();
    return super.load(index);
  }

  override peek(index: number): number {
    this.#step();
    return super.peek(index);
  }

  override store(index: number, value: number): void {
    this.#step();
    super.store(index, value);
  }

  override put(index: number, value: number): void {
    this.#step();
    super.put(index, value);
  }

  override swapIf(index: number, was: number, is: number): boolean {
    this.#step();
    return super.swapIf(index, was, is);
  }

  override swap(index: number, value: number): number {
    this.#step();
    return super.swap(index, value);
  }

  override setBits(index: number, bits: number): void {
    this.#step();
    super.setBits(index, bits);
  }

  override bump(index: number): void {
    this.#step();
    super.bump(index);
  }

  /** Nobody else runs while this thread would sleep: it is as if the time had passed. */
  override nap(): void {
    this.#step();
  }
}

/** One worker's use of one endpoint, as a pool with a queue would use it. */
export class StressWorker {
  readonly workerIndex: number;
  /** Connections in use, and idle ones. */
  busy = 0;
  idle = 0;
  readonly queue: Instant[] = [];
  isAlive = true;
  /** A place is being given back, as `max` is now. */
  isReleasing = false;
  max: number;
  readonly #semaphores: EndpointSemaphores;
  readonly #shared: WorkerSemaphores;
  readonly #clock: Clock;

  constructor(
    memory: SharedMemory,
    workerIndex: number,
    handle: SemaphoreHandle,
    max: number,
    clock: Clock,
    step: () => void,
  ) {
    this.workerIndex = workerIndex;
    this.max = max;
    this.#clock = clock;
    const own: Clock = {
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      // The timers of a thread end with it.
      schedule: (at, fire, subject) => clock.schedule(at, () => (this.isAlive ? fire(subject) : undefined), null),
    };
    this.#shared = new WorkerSemaphores(memory, workerIndex, own, (words) => new SteppedWords(words, step));
    this.#semaphores = this.#shared.endpoint(handle, () => this.serve());
  }

  /** Called when it has more or fewer places than before: before one is given back, and after one was taken. */
  protected changed(): void {}

  listen(): Promise<never> {
    return this.#shared.listen();
  }

  get held(): number {
    return this.busy + this.idle;
  }

  get #connections(): Semaphore {
    return this.#semaphores.connections;
  }

  /** A request comes: an idle connection, a new one, or the queue. */
  come(): void {
    if (this.idle > 0) {
      this.idle--;
      this.busy++;
      this.#connections.setIdleCount(this.idle);
      return;
    }
    this.queue.push(this.#clock.now());
    this.serve();
  }

  /** A response is whole. */
  end(): void {
    if (this.busy === 0) return;
    this.busy--;
    this.idle++;
    this.#connections.setIdleCount(this.idle);
    if (this.queue.length > 0 || this.#connections.hasWaiters) this.#closeIdle();
  }

  /** An idle connection is closed. */
  #closeIdle(): void {
    if (this.idle === 0) return;
    this.idle--;
    this.changed();
    this.#connections.setIdleCount(this.idle);
    this.isReleasing = true;
    this.#connections.release(this.max);
    this.isReleasing = false;
    this.serve();
  }

  closeIdle(): void {
    this.#closeIdle();
  }

  /** Whoever has waited longest gives up. */
  giveUp(): void {
    if (this.queue.shift() !== undefined) this.serve();
  }

  serve(): void {
    do {
      let first = this.queue[0];
      while (first !== undefined && this.#connections.tryAcquire(this.max, first)) {
        this.queue.shift();
        this.busy++;
        this.changed();
        first = this.queue[0];
      }
    } while (this.#connections.reportOldestWaiter(this.queue[0] ?? null, this.max));
    if (this.#connections.hasWaiters && this.queue.length === 0 && this.idle > 0) this.#closeIdle();
  }

  answer(): void {
    this.#shared.handleWakeups();
  }
}
