/**
 * The memory that a worker and the thread of the log share: the worker writes the lines of its records into it, the logger
 * reads them there. Structured-cloneable by reference. `record/record-ring.ts` knows the layout.
 */
export interface RecordRingMemory {
  /** The latest lines of all exchanges. */
  readonly lines: SharedArrayBuffer;
  /** The latest lines of failed exchanges, once more: successes do not overwrite them. */
  readonly failures: SharedArrayBuffer;
  /** One Int32 for all rings: whether the logger sleeps until a worker wakes it. */
  readonly wakeWord: SharedArrayBuffer;
}
