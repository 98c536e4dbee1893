import { featureWords } from '../feature-words.ts';
import { errorReplacementName, type ErrorReplacementSpec } from './settings.ts';

export const errorReplacementWords = featureWords({
  settings(features) {
    const spec = features?.[errorReplacementName] as ErrorReplacementSpec | undefined;
    return spec === undefined ? {} : { limits: { errorsReplaced: spec.statuses.join(' ') } };
  },
});
