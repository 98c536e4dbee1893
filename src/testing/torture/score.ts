import type { TortureRun } from './torture.ts';
import type { Verdict } from './torture-case.ts';

export interface Score {
  /** 0 to 100: what was judged, with 1 for right, ½ for acceptable, 0 for misleading and −1 for dangerous. */
  readonly points: number;
  readonly right: number;
  readonly acceptable: number;
  readonly misleading: number;
  readonly dangerous: number;
  readonly not_set_up: number;
  /** Clients that were still waiting when their patience ended; each is among the misleading. */
  readonly hangs: number;
  /** Failures of its own for which the gateway named the cause in Proxy-Status, rightly; of so many. */
  readonly causes_named: number;
  readonly causes: number;
}

const worth: Readonly<Record<Verdict, number>> = { right: 1, acceptable: 0.5, misleading: 0, dangerous: -1 };

export function scoreOf(runs: readonly TortureRun[]): Score {
  const judged = runs.filter((run) => run.verdict !== null);
  const count = (verdict: Verdict): number => judged.filter((run) => run.verdict === verdict).length;
  const sum = judged.reduce((points, { verdict }) => points + (verdict === null ? 0 : worth[verdict]), 0);
  const failures = judged.filter(({ seen }) => seen !== null && seen.by === 'gateway');
  return {
    points: judged.length === 0 ? 0 : Math.max(0, Math.round((100 * sum) / judged.length)),
    right: count('right'),
    acceptable: count('acceptable'),
    misleading: count('misleading'),
    dangerous: count('dangerous'),
    not_set_up: runs.length - judged.length,
    hangs: judged.filter(({ seen }) => seen?.completeness === 'waiting').length,
    causes_named: failures.filter(
      ({ seen, verdict }) => verdict !== 'misleading' && (seen?.errors_named.length ?? 0) > 0,
    ).length,
    causes: failures.length,
  };
}
