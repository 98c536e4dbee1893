import { fail } from '#failures/failure.ts';
import type { Filter } from '../core/filter.ts';
import { plainText, textAnswer } from './plain-answer.ts';

/** Tells load balancers in front of the gateway whether to send it requests. */
export function readinessFilter(): Filter {
  return {
    name: 'readiness',
    onRequestHead({ stopping }) {
      return stopping ? fail('gateway_stopping', 'route', { retryAfterS: retryElsewhereS }) : ready;
    },
  };
}

const ready = textAnswer(200, plainText, 'ready\n', [['Cache-Control', 'no-store']]);

/** How long the next gateway takes to start is not known; a client that retries after this is neither early nor late. */
const retryElsewhereS = 5;
