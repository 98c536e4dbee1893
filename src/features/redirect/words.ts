import { featureWords } from '../feature-words.ts';
import { redirectName, type RedirectSpec } from './settings.ts';

export const redirectWords = featureWords({
  settings(features) {
    const spec = features?.[redirectName] as RedirectSpec | undefined;
    if (spec === undefined) return {};
    const { status, location, map } = spec;
    return {
      answer: {
        status,
        ...(location === null ? {} : { location }),
        ...(map === undefined ? {} : { map: map.name, redirects: map.count }),
      },
    };
  },
});
