/** Whole lines of the exchange log on their way from a serving worker to main. Structured-cloneable. */
export interface RecordLines {
  /** NDJSON. Owned by the receiver; its buffer may be transferred. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lines: number;
  /** Where the lines of exchanges that failed are: start, end, start, end, … */
  readonly failed: readonly number[];
}
