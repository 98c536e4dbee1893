import { loopDelayBoundsMs, type ThreadFigures } from '../core/thread-figures.ts';
import { memoryUse, threadCpuSeconds } from '../system/system.ts';

/** What the worker's thread uses, and how late its event loop is. Reading it takes some 10 µs, four times a second. */
export class ThreadUse {
  readonly #loopDelays = new Array<number>(loopDelayBoundsMs.length + 1).fill(0);
  #loopDelayMsSum = 0;

  /** A timer has fired so late. */
  noteDelay(ms: number): void {
    const cell = loopDelayBoundsMs.findIndex((bound) => ms <= bound);
    const index = cell === -1 ? loopDelayBoundsMs.length : cell;
    this.#loopDelays[index] = (this.#loopDelays[index] as number) + 1;
    this.#loopDelayMsSum += Math.max(0, ms);
  }

  read(): ThreadFigures {
    return {
      cpuS: threadCpuSeconds(),
      heapBytes: memoryUse().heapBytes,
      loopDelays: [...this.#loopDelays],
      loopDelayMsSum: this.#loopDelayMsSum,
    };
  }
}
