import { featureWords } from '../feature-words.ts';
import { retryOf } from './settings.ts';

export const retryWords = featureWords({
  settings(features, upstream) {
    if (upstream === null) return {};
    const retry = retryOf(features);
    const { statuses, ...settings } = { ...retry, attemptsMax: retry?.attemptsMax ?? upstream.attemptsMax };
    return { retry: { ...settings, ...(statuses === undefined ? {} : { statuses: statuses.join(', ') }) } };
  },
});
