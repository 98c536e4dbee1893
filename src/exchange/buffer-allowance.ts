import type { WorkerCounts } from '../core/counters.ts';

export type BufferedDirection = 'request' | 'response';

/** The gauges of `WorkerCounts` in which the allowance counts. */
type BufferCounts = Pick<WorkerCounts, 'bufferedRequestBytes' | 'bufferedResponseBytes'>;

/** What the buffers of all exchanges of a worker may take together. Once it is used up, bodies stream. */
export class BufferAllowance {
  bytesMax: number;
  readonly #counts: BufferCounts;

  constructor(counts: BufferCounts, bytesMax: number) {
    this.#counts = counts;
    this.bytesMax = bytesMax;
  }

  /** Counts `bytes` if they are within the allowance. False: they are not. */
  tryTake(direction: BufferedDirection, bytes: number): boolean {
    const { bufferedRequestBytes, bufferedResponseBytes } = this.#counts;
    if (bufferedRequestBytes + bufferedResponseBytes + bytes > this.bytesMax) return false;
    this.#add(direction, bytes);
    return true;
  }

  giveBack(direction: BufferedDirection, bytes: number): void {
    this.#add(direction, -bytes);
  }

  #add(direction: BufferedDirection, bytes: number): void {
    if (direction === 'request') this.#counts.bufferedRequestBytes += bytes;
    else this.#counts.bufferedResponseBytes += bytes;
  }
}
