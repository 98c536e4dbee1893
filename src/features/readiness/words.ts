import { featureWords } from '../feature-words.ts';
import { readinessName } from './settings.ts';

export const readinessWords = featureWords({
  settings: (features) =>
    features?.[readinessName] === undefined ? {} : { answer: { status: '200, or 503 once the gateway drains' } },
});
