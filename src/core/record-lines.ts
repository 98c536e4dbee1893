/** Whole lines of the exchange log that a serving worker sends to the main thread. Structured-cloneable. */
export interface RecordLines {
  /** NDJSON. Owned by the receiver; its buffer may be transferred. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lines: number;
  /** Offsets of the lines of failed exchanges: start, end, start, end, … */
  readonly failed: readonly number[];
}
