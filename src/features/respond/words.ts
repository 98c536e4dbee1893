import { featureWords } from '../feature-words.ts';
import { respondName, type RespondSpec } from './settings.ts';

export const respondWords = featureWords({
  settings(features) {
    const spec = features?.[respondName] as RespondSpec | undefined;
    if (spec === undefined) return {};
    const { status, contentType, body } = spec;
    const bodyBytes = new TextEncoder().encode(body).length;
    return { answer: { status, ...(body === '' ? {} : { contentType }), bodyBytes } };
  },
});
