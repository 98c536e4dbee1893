import type { ObjectiveStatus } from '../core/schemas/alerts.ts';
import { elapsedText, harmless, wrapAfter } from './layout.ts';
import { statusMark } from './status-mark.ts';
import type { Style } from './style.ts';

/** Objectives of routes. */
export function objectiveLines(objectives: readonly ObjectiveStatus[], style: Style): string[] {
  return objectives.flatMap(({ route, kind, target, underMs, burning, sinceS, budgetLeft, burnRates }) => {
    const share = `${Math.round(target * 1_000_000) / 10_000} %`;
    const what = kind === 'availability' ? `${share} without failure` : `${share} within ${underMs} ms`;
    const rate = burnRates.find(({ tier }) => tier === burning);
    const burns =
      rate === undefined
        ? 'is kept'
        : `is missed for ${elapsedText(sinceS ?? 0)}: its budget is used up ${rate.long} times as fast as allowed`;
    const left = budgetLeft > 0 ? `${Math.round(budgetLeft * 100)} % of the budget left` : 'no budget left';
    const tone = burning === null ? (budgetLeft > 0 ? 'good' : 'warn') : burning === 'slow' ? 'warn' : 'bad';
    return wrapAfter(`  ${statusMark(tone, style)}`, harmless(`${route}: ${what} ${burns}; ${left}`), 5);
  });
}
