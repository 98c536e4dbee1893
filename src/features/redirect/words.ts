import { featureWords } from '../feature-words.ts';
import { redirectName, type RedirectSpec } from './settings.ts';

export const redirectWords = featureWords({
  settings(features) {
    const spec = features?.[redirectName] as RedirectSpec | undefined;
    return spec === undefined ? {} : { answer: { status: spec.status, location: spec.location } };
  },
});
