import { elapsedText } from '#failures/quantity-text.ts';
import { featureWords, type StatusRow } from '../feature-words.ts';
import type { ObjectiveStatus } from '../../core/schemas/alerts.ts';

export const objectivesWords = featureWords<{ readonly objectives: readonly ObjectiveStatus[] }>({
  status: { title: 'OBJECTIVES', rows: ({ objectives }) => objectives.map(rowOf) },
});

function rowOf({ route, kind, target, underMs, burning, sinceS, budgetLeft, burnRates }: ObjectiveStatus): StatusRow {
  const share = `${Math.round(target * 1_000_000) / 10_000} %`;
  const what = kind === 'availability' ? `${share} without failure` : `${share} within ${underMs} ms`;
  const rate = burnRates.find(({ tier }) => tier === burning);
  const burns =
    rate === undefined
      ? 'is kept'
      : `is missed for ${elapsedText(sinceS ?? 0)}: its budget is used up ${rate.long} times as fast as allowed`;
  const left = budgetLeft > 0 ? `${Math.round(budgetLeft * 100)} % of the budget left` : 'no budget left';
  const tone = burning === null ? (budgetLeft > 0 ? 'good' : 'warn') : burning === 'slow' ? 'warn' : 'bad';
  return { tone, cells: [`${route}: ${what} ${burns}; ${left}`] };
}
