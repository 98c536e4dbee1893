/**
 * Whether sweeps try all of their cases: with `npm run test:complete`, or `SWEEP=all npm test -- --only <file>`. Otherwise each tries some, the same
 * ones in every run.
 */
export const isWholeSweep: boolean = process.env['SWEEP'] === 'all';

/** One of `every` cases, beginning with the one at `first`; all in a whole sweep. */
export function sampled<T>(cases: readonly T[], every: number, first = 0): readonly T[] {
  return isWholeSweep ? cases : cases.filter((_, index) => index % every === first % every);
}
