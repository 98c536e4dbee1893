import { featureWords, settingsOf } from '../feature-words.ts';
import { errorReplacementName, type ErrorReplacementSpec } from './settings.ts';

export const errorReplacementWords = featureWords({
  settings: settingsOf(errorReplacementName, (spec: ErrorReplacementSpec) => ({
    limits: { errorsReplaced: spec.statuses.join(' ') },
  })),
});
