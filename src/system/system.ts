import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import type { Random } from '../core/random.ts';
import type { Clock, Instant, Timer } from '../core/time.ts';

/** Read once: the global is an accessor, which would be called at each look at the clock. */
const { performance } = globalThis;

/**
 * The real clock and randomness of the gateway. No other file of the gateway uses those of the platform.
 *
 * Each thread's `performance.now()` begins with the thread; the system's monotonic clock is the same for all. The
 * difference is constant, so it is read once, and an instant of the main thread means the same to a worker.
 */
const offsetMs = monotonicMs() - performance.now();

function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

class TimeoutTimer implements Timer {
  readonly #timeout: NodeJS.Timeout;

  constructor(timeout: NodeJS.Timeout) {
    this.#timeout = timeout;
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }
}

/** With a longer delay Node's timer fires at once; a later deadline is checked again after this time. */
const timeoutMaxMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => (performance.now() + offsetMs) as Instant,
  wallTime: () => Date.now(),
  schedule<T>(at: Instant, fire: (subject: T) => void, subject: T): Timer {
    // One more: Node counts in whole milliseconds from the last one, so that a timer of a busy thread fires up to one too early.
    const delayMs = Math.max(0, Math.ceil(at - (performance.now() + offsetMs))) + 1;
    return new TimeoutTimer(setTimeout(fire, Math.min(delayMs, timeoutMaxMs), subject));
  },
};

/** Loaded when it is needed: a third of the start of a command was Node's modules of cryptography. */
let crypto: typeof import('node:crypto') | null = null;

export const systemRandom: Random = {
  next: () => Math.random(),
  fill(target) {
    crypto ??= process.getBuiltinModule('node:crypto');
    crypto.randomFillSync(target);
  },
};

/** How many threads can run at once: the cores that this process may use, or the share that its control group has. */
export function availableCores(): number {
  return process.getBuiltinModule('node:os').availableParallelism();
}

/** Memory that this thread uses, in bytes: its heap, and buffers outside of it. */
export function memoryUse(): { readonly heapBytes: number; readonly externalBytes: number } {
  const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
  return { heapBytes, externalBytes };
}

/** Processor time that this thread has taken. */
export function threadCpuSeconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
}

/**
 * Lets the heap grow by half of what is in use before its garbage is collected. V8 lets it grow to four times, which is garbage
 * alone for a program that keeps little of much that it reads.
 */
export function limitHeapGrowth(): void {
  setFlagsFromString('--heap-growing-percent=50');
}

type Collector = (options?: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

let collector: Collector | null = null;

/** Node exposes it to contexts that are created after this flag is set. */
function collectorOfV8(): Collector {
  if (collector === null) {
    setFlagsFromString('--expose-gc');
    collector = process.getBuiltinModule('node:vm').runInNewContext('gc') as Collector;
  }
  return collector;
}

/** Collects the garbage of this thread. */
export function collectGarbage(): void {
  collectorOfV8()();
}

/**
 * Collects the garbage of this thread, and returns the freed memory to the system, which V8 would otherwise keep.
 * It takes some 150 ms, during which the thread does nothing else.
 */
export function releaseMemory(): void {
  collectorOfV8()({ type: 'major', flavor: 'last-resort' });
}
