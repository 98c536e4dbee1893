import { count } from '../../schema/fallback.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { absent, locationIn, redirectKeys, type RedirectRead } from './keys-format.ts';
import { reviewRedirects } from './keys-review.ts';
import { redirectName, type RedirectSpec } from './settings.ts';

export const redirect: FeatureKeys = featureKeys<RedirectRead, object>({
  name: redirectName,
  isAction: true,
  routeKeys: redirectKeys,
  forms: { redirect: { example: 'https://example.org/new' } },
  ofRoute(read): RedirectSpec | null {
    const location = locationIn(read);
    if (location === null) return null;
    return {
      status: count(typeof read.redirect === 'object' ? read.redirect.status : undefined, absent.status),
      location,
    };
  },
  review: reviewRedirects,
});
