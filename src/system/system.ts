import { randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { availableParallelism } from 'node:os';
import type { Random } from '../core/random.ts';
import type { Clock, Instant, Timer } from '../core/time.ts';

/**
 * The real clock and the real chance of the gateway: the only file of it that touches either.
 *
 * Each thread's `performance.now()` begins with the thread; the system's monotonic clock is the same for all.
 * The difference is constant, so it is taken once, and an instant of main's means the same to a worker.
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

/** Longer than this and Node's timer fires at once; a deadline so far away is looked at again then. */
const timeoutMaxMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => (performance.now() + offsetMs) as Instant,
  wallTime: () => Date.now(),
  schedule<T>(at: Instant, fire: (subject: T) => void, subject: T): Timer {
    const delayMs = Math.max(0, Math.ceil(at - (performance.now() + offsetMs)));
    return new TimeoutTimer(setTimeout(fire, Math.min(delayMs, timeoutMaxMs), subject));
  },
};

export const systemRandom: Random = {
  next: () => Math.random(),
  fill: (target) => void randomFillSync(target),
};

/** How many threads may run at once: the cores that this process may use, or the share of them that its group has. */
export const availableCores: () => number = availableParallelism;

/** What this thread has in use, in bytes: its heap, and buffers and the like outside of it. */
export function memoryUse(): { readonly heapBytes: number; readonly externalBytes: number } {
  const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
  return { heapBytes, externalBytes };
}

type Collector = (options?: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

let collector: Collector | null = null;

/** Node offers it to contexts which are made after this flag. */
function collectorOfV8(): Collector {
  if (collector === null) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as Collector;
  }
  return collector;
}

/** Throws away what nobody in this thread holds any more. */
export function collectGarbage(): void {
  collectorOfV8()();
}

/**
 * Throws away what nobody in this thread holds any more, and gives the system back what that leaves free, which otherwise V8
 * keeps for later. It takes some 150 ms, in which the thread does nothing else.
 */
export function releaseMemory(): void {
  collectorOfV8()({ type: 'major', flavor: 'last-resort' });
}
