import { fail, type Failure } from '#failures/failure.ts';
import { requestRules } from '#failures/rules.ts';
import type { Filter } from '../../core/filter.ts';
import { plainText, textAnswer } from '../../filters/plain-answer.ts';
import { visibleText } from '../../wire/visible-text.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { type LocationOf, locationOf } from './worker-location.ts';
import { redirectName, type RedirectSpec } from './settings.ts';

export const redirect = workerFeature<RedirectSpec, FeaturePart>({
  name: redirectName,
  prepare: (_, { status, location }) => ({ hooks: { filters: [redirectFilter(status, locationOf(location))] } }),
});

/** Redirects every request. */
function redirectFilter(status: number, locationOf: LocationOf): Filter {
  return {
    name: redirectName,
    onRequestHead({ variables }) {
      const location = locationOf(variables);
      if (location === null) return withoutHost();
      const visible = visibleText(location, Number.POSITIVE_INFINITY);
      return textAnswer(status, plainText, `See ${visible}\n`, [['Location', visible]]);
    },
  };
}

/** HTTP/1.0 allows a request without a host: there is no location then that names it. */
function withoutHost(): Failure {
  const rule = 'host-missing';
  return fail('request_refused', 'request', { rule, status: requestRules[rule].status, at: 'the redirect names it' });
}
