import { type Interval, median, medianInterval } from './statistics.ts';
import { type WorkName, works } from './works.ts';

/** One round of both commits with one work, in the same seconds: microseconds of CPU per request. */
export interface Round {
  readonly work: WorkName;
  readonly round: number;
  readonly older: number;
  readonly newer: number;
}

/** The result for newer ÷ older over the rounds of one work. */
export interface Judgement {
  readonly work: WorkName;
  readonly older: number;
  readonly newer: number;
  readonly ratio: number;
  /** The confidence interval of the median ratio. */
  readonly interval: Interval;
  readonly held: boolean;
}

/** A larger ratio is a loss. */
export const ratioMax = 1.08;

/** A work is held if its whole confidence interval is at most `max`. */
export function judge(rounds: readonly Round[], max = ratioMax): Judgement[] {
  return judgeEach(rounds, 0.95, ({ high }) => high <= max);
}

/**
 * For the same commit twice: a work is held if its interval contains 1. Of many works, one may well fall out of its own 95 %
 * interval, so the intervals are widened until all of them together hold in 95 %.
 */
export function judgeAlike(rounds: readonly Round[]): Judgement[] {
  const count = new Set(rounds.map(({ work }) => work)).size;
  return judgeEach(rounds, 1 - 0.05 / count, ({ low, high }) => low <= 1 && high >= 1);
}

function judgeEach(rounds: readonly Round[], confidence: number, isHeld: (interval: Interval) => boolean): Judgement[] {
  return [...Map.groupBy(rounds, ({ work }) => work)].map(([work, some]) => {
    const ratios = some.map(({ older, newer }) => newer / older);
    const interval = medianInterval(ratios, confidence);
    if (interval === null) throw new Error(`${some.length} rounds are too few to judge by`);
    return {
      ...{ work, ratio: median(ratios), interval, held: isHeld(interval) },
      older: median(some.map(({ older }) => older)),
      newer: median(some.map(({ newer }) => newer)),
    };
  });
}

/** A table for people, in 80 columns. */
export function judgementText(judgements: readonly Judgement[], words: { held: string; failed: string }): string {
  const head = row('CPU per request, µs', 'older', 'newer', 'newer ÷ older (95 %)', '');
  const rows = judgements.map(({ work, older, newer, ratio, interval, held }) =>
    row(
      works.find(({ name }) => name === work)?.title ?? work,
      older.toFixed(1),
      newer.toFixed(1),
      `${ratio.toFixed(3)} (${interval.low.toFixed(3)} to ${interval.high.toFixed(3)})`,
      held ? words.held : words.failed,
    ),
  );
  return [head, ...rows].join('\n');
}

function row(title: string, older: string, newer: string, ratio: string, verdict: string): string {
  return `${title.padEnd(29)}${older.padStart(8)}${newer.padStart(8)}  ${ratio.padEnd(24)} ${verdict}`.trimEnd();
}
