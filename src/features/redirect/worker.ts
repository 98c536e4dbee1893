import { fail, type Failure } from '#failures/failure.ts';
import { requestRules } from '#failures/rules.ts';
import type { Filter } from '../../core/filter.ts';
import { plainText, textAnswer } from '../../filters/plain-answer.ts';
import { visibleText } from '../../wire/visible-text.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { type LocationOf, locationOf } from '../../core/location-text.ts';
import { redirectOf } from './settings-map.ts';
import { redirectName, type RedirectSpec } from './settings.ts';

export const redirect = workerFeature<RedirectSpec, FeaturePart>({
  name: redirectName,
  prepare: ({ upstream }, spec) => ({ hooks: { filters: [redirectFilter(spec, upstream !== null)] } }),
});

/** Redirects requests. `passesOn`: those that the map does not have go to the upstream. */
function redirectFilter(spec: RedirectSpec, passesOn: boolean): Filter {
  const find = redirectOf(spec);
  const known = spec.location === null ? null : locationOf(spec.location);
  return {
    name: redirectName,
    onRequestHead({ variables, request }) {
      const found = find(variables);
      if (found === null)
        return passesOn ? 'continue' : fail('no_route', 'filter', { host: request.authority, path: request.target });
      const fill: LocationOf = known !== null && found.location === spec.location ? known : locationOf(found.location);
      const location = fill(variables);
      if (location === null) return withoutHost();
      const visible = visibleText(location, Number.POSITIVE_INFINITY);
      return textAnswer(found.status, plainText, `See ${visible}\n`, [['Location', visible]]);
    },
  };
}

/** HTTP/1.0 allows a request without a host: there is no location then that names it. */
function withoutHost(): Failure {
  const rule = 'host-missing';
  return fail('request_refused', 'request', { rule, status: requestRules[rule].status, at: 'the redirect names it' });
}
