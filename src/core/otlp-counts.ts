export const otlpSignals = ['traces', 'logs', 'metrics'] as const;

/** What is exported, each to a URL of its own. */
export type OtlpSignal = (typeof otlpSignals)[number];

/** Why spans, log records or data points were not exported. */
export const otlpDropReasons = [
  'queue_full',
  'unavailable',
  'refused',
  'rejected',
  'unreadable',
  'thread_lost',
] as const;
export type OtlpDropReason = (typeof otlpDropReasons)[number];

/** What the exporter has done since the process started, in memory that it shares with the main thread. */
export class OtlpCounts {
  readonly memory: SharedArrayBuffer;
  readonly #cells: BigInt64Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(8 * cellsOfSignal * otlpSignals.length)) {
    this.memory = memory;
    this.#cells = new BigInt64Array(memory);
  }

  addExported(signal: OtlpSignal, count: number): void {
    this.#add(signal, 0, count);
  }

  addFailedRequest(signal: OtlpSignal): void {
    this.#add(signal, 1, 1);
  }

  addDropped(signal: OtlpSignal, reason: OtlpDropReason, count: number): void {
    this.#add(signal, 2 + otlpDropReasons.indexOf(reason), count);
  }

  /** As many wait in the memory of the exporter's thread now. */
  setWaiting(signal: OtlpSignal, count: number): void {
    Atomics.store(this.#cells, indexOf(signal, waitingCell), BigInt(count));
  }

  waiting(signal: OtlpSignal): number {
    return this.#read(signal, waitingCell);
  }

  /** The thread has ended: what waited in its memory is dropped. Returns how many these are. */
  dropWaiting(signal: OtlpSignal): number {
    const lost = Number(Atomics.exchange(this.#cells, indexOf(signal, waitingCell), 0n));
    this.addDropped(signal, 'thread_lost', lost);
    return lost;
  }

  exported(signal: OtlpSignal): number {
    return this.#read(signal, 0);
  }

  /** Requests to the collector that had another result than success. */
  failedRequests(signal: OtlpSignal): number {
    return this.#read(signal, 1);
  }

  dropped(signal: OtlpSignal, reason: OtlpDropReason): number {
    return this.#read(signal, 2 + otlpDropReasons.indexOf(reason));
  }

  #add(signal: OtlpSignal, cell: number, count: number): void {
    if (count > 0) Atomics.add(this.#cells, indexOf(signal, cell), BigInt(count));
  }

  #read(signal: OtlpSignal, cell: number): number {
    return Number(Atomics.load(this.#cells, indexOf(signal, cell)));
  }
}

const waitingCell = 2 + otlpDropReasons.length;
const cellsOfSignal = waitingCell + 1;

function indexOf(signal: OtlpSignal, cell: number): number {
  return otlpSignals.indexOf(signal) * cellsOfSignal + cell;
}
