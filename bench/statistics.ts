export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
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
