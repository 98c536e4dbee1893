import { quantile, unknownRange, type ValueRange } from './quantile.ts';

/**
 * A histogram of latencies that costs one increment: two cells to each doubling, from a sixteenth of a millisecond to 65 s, one cell
 * below and one above. A quantile is right within a quarter of its value.
 */
export const latencyCells = 42;

const smallest = 1 / 16;
/** The cell of everything that took longer, in units of 1/32 ms: 2^21. */
const longest = 1 << 21;

/** The cell of a latency. Without a logarithm: it is called for each attempt. */
export function latencyCellOf(ms: number): number {
  const units = ms * 32;
  if (!(units >= 2)) return 0;
  if (units >= longest) return latencyCells - 1;
  const whole = units | 0;
  const octave = 31 - Math.clz32(whole);
  return 2 * octave - 1 + ((whole >> (octave - 1)) & 1);
}

const starts = Float64Array.from({ length: latencyCells }, (_, cell) =>
  cell === 0 ? 0 : smallest * 2 ** ((cell - 1) >> 1) * ((cell - 1) & 1 ? 1.5 : 1),
);

/** Where a cell begins, in milliseconds. */
const startOfLatency = (cell: number): number => starts[cell] as number;

/** The latency below which `share` of them are; null: there are none. `range` is of all of them. */
export function latencyQuantileMs(
  cells: ArrayLike<number>,
  share: number,
  range: Readonly<ValueRange> = unknownRange,
): number | null {
  return quantile({ cells, startOf: startOfLatency, placement: 'middle', range }, share);
}

/** Those that surely took longer: of cells that begin above it. */
export function countAbove(latencies: ArrayLike<number>, limitMs: number): number {
  let count = 0;
  for (let cell = latencyCells - 1; cell >= 0 && startOfLatency(cell) >= limitMs; cell--)
    count += latencies[cell] as number;
  return count;
}

/** The same, of cells that are each followed by their count (`filledCells`). */
export function filledAbove(filled: readonly number[], limitMs: number): number {
  let count = 0;
  for (let at = 0; at < filled.length; at += 2)
    if (startOfLatency(filled[at] as number) >= limitMs) count += filled[at + 1] as number;
  return count;
}
