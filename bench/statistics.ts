export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Two of the values, between which the median of what they are drawn from lies with at least `confidence`, whatever its
 * distribution: of n values as many are below it as heads come in n throws of a coin. Null where there are too few values,
 * which is fewer than six for 0.95. Up to a thousand values.
 */
export function medianInterval(values: readonly number[], confidence = 0.95): Interval | null {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = intervalRank(sorted.length, confidence);
  return rank === 0 ? null : { low: sorted[rank - 1] as number, high: sorted.at(-rank) as number };
}

/** The rank, counted from 1 and from either end, of the two values that hold the median between them; 0 where none do. */
export function intervalRank(count: number, confidence: number): number {
  const tailMax = (1 - confidence) / 2;
  let rank = 0;
  // That exactly `rank` values are below the median.
  let exactly = 2 ** -count;
  for (let tail = exactly; tail <= tailMax; tail += exactly) {
    rank++;
    exactly *= (count - rank + 1) / rank;
  }
  return rank;
}

export interface Ratio {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Ours ÷ theirs, round by round: the two runs of a round met the same machine. */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Ratio {
  const ratios = ours.slice(0, theirs.length).map((value, round) => value / (theirs[round] as number));
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
}
