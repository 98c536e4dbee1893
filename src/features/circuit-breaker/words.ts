import { elapsedText } from '#failures/quantity-text.ts';
import { featureWords } from '../feature-words.ts';
import type { BreakersStatus } from './settings.ts';

export const circuitBreakerWords = featureWords<BreakersStatus>({
  status: {
    title: 'CIRCUIT BREAKERS',
    rows: ({ breakers }) =>
      breakers.map(({ route, state, sinceS, retryAfterS, reason }) => ({
        tone: state === 'closed' ? 'good' : state === 'open' ? 'bad' : 'warn',
        cells: [
          `route ${route}`,
          `${state.replace('_', '-')} for ${elapsedText(sinceS)}`,
          retryAfterS === null ? '' : `half-open in ${retryAfterS} s`,
        ],
        reason,
      })),
  },
});
