import { elapsedText } from '#failures/quantity-text.ts';
import { featureWords, type StatusRow } from '../feature-words.ts';
import type { DependenciesStatus, DependencyStatus } from './settings.ts';

const tones = { unknown: 'warn', up: 'good', degraded: 'warn', down: 'bad' } as const;

export const dependenciesWords = featureWords<DependenciesStatus>({
  status: { title: 'DEPENDENCIES', rows: ({ dependencies }) => dependencies.map(rowOf) },
});

function rowOf({ name, address, state, reason, nextStep, sinceS, checkMs, dependents }: DependencyStatus): StatusRow {
  const of = dependents.length === 0 ? 'no application depends on it' : `for ${dependents.join(', ')}`;
  const took = checkMs === null ? '' : `${checkMs} ms`;
  return {
    tone: tones[state],
    cells: [name, address, state === 'unknown' ? 'not checked yet' : `${state} for ${elapsedText(sinceS)}`, of],
    note: took,
    ...(state === 'up' || state === 'unknown' ? {} : { reason: `${name} ${reason}. ${nextStep ?? ''}`.trimEnd() }),
  };
}
