import { fail } from '#failures/failure.ts';
import type { Filter } from '../../core/filter.ts';
import { plainText, textAnswer } from '../../filters/plain-answer.ts';
import { workerFeature } from '../worker-feature.ts';
import { readinessName } from './settings.ts';

export const readiness = workerFeature({
  name: readinessName,
  prepare: () => ({ hooks: { filters: [readinessFilter()], answersChecks: true } }),
});

/** Tells load balancers in front of the gateway whether to send it requests. */
function readinessFilter(): Filter {
  return {
    name: readinessName,
    onRequestHead({ stopping }) {
      return stopping ? fail('gateway_stopping', 'route', { retryAfterS: retryElsewhereS }) : ready;
    },
  };
}

const ready = textAnswer(200, plainText, 'ready\n', [['Cache-Control', 'no-store']]);

/** How long the next gateway takes to start is not known; a client that retries after this is neither early nor late. */
const retryElsewhereS = 5;
