import { round } from './round.ts';

/** The least and the greatest of the values that a histogram counts. */
export interface ValueRange {
  min: number;
  max: number;
}

/** Of no values. */
export function emptyRange(): ValueRange {
  return { min: Infinity, max: 0 };
}

/** Of values whose least and greatest are not known. */
export const unknownRange: Readonly<ValueRange> = { min: 0, max: Infinity };

export function widen(range: ValueRange, { min, max }: Readonly<ValueRange>): void {
  range.min = Math.min(range.min, min);
  range.max = Math.max(range.max, max);
}

/** How much of a cell is below the quantile where its values lie in one place. */
const fixedParts = { middle: 0.5, end: 1 } as const;

/** A histogram and what is known of its values. */
export interface Histogram {
  readonly cells: ArrayLike<number>;
  /** Where a cell begins: the one behind the last cell too, if that has an end. */
  readonly startOf: (cell: number) => number;
  /**
   * Where the values of a cell are taken to lie: 'spread' evenly over it, all in its 'middle', which is at most half its width wrong, or at its 'end', for
   * a bound that the quantile does not exceed.
   */
  readonly placement: 'spread' | keyof typeof fixedParts;
  readonly range: Readonly<ValueRange>;
}

/**
 * The value below which `share` of all are, rounded to two decimals. Null: there are no values. It is never less than the least value nor
 * greater than the greatest one; these are rounded to three decimals, as in records.
 */
export function quantile({ cells, startOf, placement, range }: Histogram, share: number): number | null {
  let total = 0;
  for (let cell = 0; cell < cells.length; cell++) total += cells[cell] as number;
  if (total === 0) return null;
  const { min, max } = range;
  const wanted = share * total;
  let below = 0;
  let cell = 0;
  while (cell < cells.length - 1 && below + (cells[cell] as number) < wanted) below += cells[cell++] as number;
  const from = Math.max(startOf(cell), min);
  const to = Math.min(cell === cells.length - 1 ? max : startOf(cell + 1), max);
  const part = placement === 'spread' ? spreadPart(wanted - below, cells[cell] as number) : fixedParts[placement];
  const value = Number.isFinite(to) ? from + (to - from) * part : from;
  return Math.min(Math.max(round(value, 2), round(min, 3)), round(max, 3));
}

/** The share 0 may find an empty cell, and sums of counts that are no whole numbers are rounded. */
function spreadPart(below: number, count: number): number {
  return count === 0 ? 0 : Math.min(below / count, 1);
}
