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
 * Two of the values, between which the median of their distribution lies with at least `confidence`, whatever the
 * distribution: the number of values below the median is that of heads in n throws of a coin. Null if there are too few
 * values, which for 0.95 is fewer than six. Up to a thousand values.
 */
export function medianInterval(values: readonly number[], confidence = 0.95): Interval | null {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = intervalRank(sorted.length, confidence);
  return rank === 0 ? null : { low: sorted[rank - 1] as number, high: sorted.at(-rank) as number };
}

/** The rank, from 1 and from either end, of the two values that enclose the median; 0 if none do. */
export function intervalRank(count: number, confidence: number): number {
  const tailMax = (1 - confidence) / 2;
  let rank = 0;
  // The probability that exactly `rank` values are below the median.
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

/** Ours ÷ theirs, round by round: both runs of a round met the same conditions. */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Ratio {
  const ratios = ours.slice(0, theirs.length).map((value, round) => value / (theirs[round] as number));
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
}
