/** What a worker's thread has used since it started. */
export interface ThreadFigures {
  /** Processor time in seconds, of the thread alone. */
  readonly cpuS: number;
  /** Of the heap, in bytes. */
  readonly heapBytes: number;
  /** How late a timer fired that is due four times a second: one cell for each bound of `loopDelayBoundsMs` and one for the rest; not cumulative. */
  readonly loopDelays: readonly number[];
  readonly loopDelayMsSum: number;
}

/** Timers of Node fire up to 2 ms late in a thread that does nothing. */
export const loopDelayBoundsMs = [2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500] as const;
