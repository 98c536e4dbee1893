import type { TortureRun } from '../testing/torture/torture-run.ts';

/** Runs of one case with the same outcome. */
export interface Outcome {
  readonly runs: readonly TortureRun[];
  readonly first: TortureRun;
}

/** Groups the runs of each case by outcome, in the order of the runs. */
export function mergeAlike(runs: readonly TortureRun[]): Outcome[] {
  const byKey = Map.groupBy(runs, ({ case: name, verdict, why, seen }) =>
    [name, verdict, why, seen?.status, seen?.completeness, seen?.origin_saw, seen?.cause_named].join('\n'),
  );
  return [...byKey.values()].flatMap((alike) => (alike[0] === undefined ? [] : [{ runs: alike, first: alike[0] }]));
}

/** 'GET,POST', and the kinds of connection if they differ. */
export function requestText(runs: readonly TortureRun[]): string {
  const methods = [...new Set(runs.map(({ method }) => method))].join(',');
  const ages = new Set(runs.map(({ on }) => on));
  return ages.size === 2 ? methods : `${methods} ${[...ages].join('')}`;
}

export function slowestMs(runs: readonly TortureRun[]): number {
  return Math.max(...runs.map((run) => run.seen?.ms ?? 0));
}
