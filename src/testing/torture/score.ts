import { tortureCases } from './cases.ts';
import type { TortureRun } from './torture-run.ts';
import type { Expectation, TortureVerdict } from './torture-case.ts';

export interface Score {
  /** 0 to 100: the mean of the verdicts, with 1 for right, ½ for acceptable, 0 for misleading and −1 for dangerous. */
  readonly points: number;
  readonly right: number;
  readonly acceptable: number;
  readonly misleading: number;
  readonly dangerous: number;
  readonly not_set_up: number;
  /** Exchanges that were tried, but during which the process of the suite was held up each time. */
  readonly not_judged: number;
  /** Clients that were still waiting at the time limit. Each also has a verdict: misleading, or worse. */
  readonly hangs: number;
  /** Failures before any body that got a response with a right status, and their total. */
  readonly failures_told: number;
  readonly failures: number;
  /** Bodies that broke off, stalled or were unreadable, and that the client could see to be incomplete, and their total. */
  readonly truncations_told: number;
  readonly truncations: number;
  /** Exchanges whose POST reached the origin more than once. */
  readonly unsafe_replays: number;
  /** The gateway's own failure responses that name a cause in Proxy-Status, rightly or wrongly, and their total. */
  readonly causes_named: number;
  readonly causes_misnamed: number;
  readonly causes: number;
}

const worth: Readonly<Record<TortureVerdict, number>> = { right: 1, acceptable: 0.5, misleading: 0, dangerous: -1 };

export function scoreOf(runs: readonly TortureRun[]): Score {
  const judged = runs.filter((run) => run.verdict !== null);
  const count = (verdict: TortureVerdict): number => judged.filter((run) => run.verdict === verdict).length;
  const sum = judged.reduce((points, { verdict }) => points + (verdict === null ? 0 : worth[verdict]), 0);
  const own = judged.filter(({ seen }) => seen !== null && seen.by === 'gateway');
  const failures = judged.filter((run) => kindOf.get(run.case) === 'failure');
  const truncations = judged.filter((run) => kindOf.get(run.case) === 'truncation');
  return {
    points: judged.length === 0 ? 0 : Math.max(0, Math.round((100 * sum) / judged.length)),
    right: count('right'),
    acceptable: count('acceptable'),
    misleading: count('misleading'),
    dangerous: count('dangerous'),
    not_set_up: runs.filter(({ seen }) => seen === null).length,
    not_judged: runs.filter(({ verdict, seen }) => verdict === null && seen !== null).length,
    hangs: judged.filter(({ seen }) => seen?.completeness === 'waiting').length,
    failures_told: failures.filter(({ verdict }) => verdict === 'right').length,
    failures: failures.length,
    truncations_told: truncations.filter(isReported).length,
    truncations: truncations.length,
    unsafe_replays: judged.filter(({ method, seen }) => method === 'POST' && (seen?.origin_saw ?? 0) > 1).length,
    causes_named: own.filter(({ seen }) => seen?.cause_named === 'right').length,
    causes_misnamed: own.filter(({ seen }) => seen?.cause_named === 'wrong').length,
    causes: own.length,
  };
}

/** Whether the client cannot mistake the message for a complete one. */
function isReported({ verdict, seen }: TortureRun): boolean {
  if (verdict === 'acceptable' || seen?.completeness === 'cut' || seen?.completeness === 'closed') return true;
  return seen?.completeness === 'complete' && (seen.status ?? 0) >= 400;
}

/** The best outcome: a failure response of the gateway's own, a visibly incomplete message, or the origin's response. */
const kindOf = new Map(tortureCases.map(({ id, expects }) => [id, kindOfExpectation(expects)]));

function kindOfExpectation({ right, answers, passed, cut }: Expectation): 'failure' | 'truncation' | 'answer' {
  if (right.length === 0 || (answers.length > 0 && passed.verdict === 'right')) return 'answer';
  return cut.verdict === 'right' ? 'truncation' : 'failure';
}
