import { fail, type Failure } from '#failures/failure.ts';
import type { Filter } from '../core/filter.ts';
import { requestRules } from '#failures/rules.ts';
import { visibleText } from '../wire/visible-text.ts';
import { plainText, textAnswer } from './plain-answer.ts';

/** The Location for a request; null: it names the request's host, and the request has none. */
export type LocationOf = (authority: string, target: string) => string | null;

/** Redirects every request. */
export function redirectFilter(status: number, locationOf: LocationOf): Filter {
  return {
    name: 'redirect',
    onRequestHead({ request }) {
      const location = locationOf(request.authority, request.target);
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
